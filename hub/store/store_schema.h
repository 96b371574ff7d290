#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

/*
 * The schema of the SQLite store.  A database of version n has had the first
 * n steps; each is applied in a transaction of its own with the version.
 * Steps are never changed, only appended.
 */
extern const char *const store_schema[];
extern const int store_schema_version;

/*
 * For a database of NixFleet v3 (tables of the same names, no version), run
 * before the first step: makes room, and after it: takes its hosts over.
 * What else v3 stored stays where it is.
 */
extern const char store_schema_v3_before[];
extern const char store_schema_v3_after[];

#endif
