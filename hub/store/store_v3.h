#ifndef STORE_V3_H
#define STORE_V3_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * Taking over a database of NixFleet v3: its hosts, what it last knew of
 * them, its commands and its events.  Columns that an older v3 did not have
 * are done without; host names that are none are left behind.  What v3 stored
 * stays where it is, hosts and sessions as v3_hosts and v3_sessions.
 */

/* Has the database v3's tables?  Only of a database without a version. */
int	 store_v3_is(sqlite3 *, bool *is, struct err *)
	    __attribute__((warn_unused_result));

/**
 * store_v3_copy(db, where, e):
 * Write a whole copy of the database ${where} to ${where}.v3, in the place of
 * an older copy.
 */
int	 store_v3_copy(sqlite3 *, const char *where, struct err *)
	    __attribute__((warn_unused_result));

/* In one transaction: before the schema's first step, and after it. */
int	 store_v3_make_room(sqlite3 *, struct err *)
	    __attribute__((warn_unused_result));
int	 store_v3_take(sqlite3 *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * store_v3_time(s, out):
 * ms since 1970 of a time as v3 wrote it: SQLite's "2026-01-19 13:43:00", Go's
 * "2026-01-19 13:43:00.123456789 +0100 CET m=+12.3", or RFC 3339.  0, or -1
 * with *${out} untouched.
 */
int	 store_v3_time(const char *, int64_t *out);

#endif
