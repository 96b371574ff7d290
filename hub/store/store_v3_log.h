#ifndef STORE_V3_LOG_H
#define STORE_V3_LOG_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * The output of commands as NixFleet v3 kept it: files
 * logs/HOST/YYYY-MM-DDTHH-MM-SS-COMMAND.log beside the database, mostly one for
 * each run of its hub with all that a host said.  A line belongs to the command
 * of that host that ran at its time; what nobody asked for stays in its file.
 */

/* A line of such a file; its text is borrowed from it. */
struct store_v3_line {
	int second; /* of the day, by the v3 hub's clock */
	bool error; /* marked as such */
	const char *text;
	size_t len;
};

/* 0, or -1: a line of the head or foot, or none at all. */
int store_v3_log_line(const char *, size_t, struct store_v3_line *);

/**
 * store_v3_log_start(name, out):
 * When the file of that name was begun: seconds since 1970, if the v3 hub's
 * clock were in UTC.  0, or -1 for another name.
 */
int store_v3_log_start(const char *name, int64_t *out);

/* In the transaction of store_v3_take, after it has taken the commands. */
int store_v3_log_take(sqlite3 *, struct err *)
    __attribute__((warn_unused_result));

#endif
