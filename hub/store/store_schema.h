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

#endif
