#ifndef PLISTFILE_H
#define PLISTFILE_H

#include <stddef.h>

#include "err.h"

/*
 * A string of a property list: the keys that lead to it ("Label",
 * "EnvironmentVariables/NIXFLEET_URL", "ProgramArguments/"), and its line.
 */
typedef void plistfile_cb(
    void *, int line, const char *keys, const char *value);

/**
 * plistfile_parse(text, len, cb, cookie, e):
 * Hand on every string of an XML property list, as launchd reads it.  -1 with
 * the line's number for what is none; a binary one says how to convert it.
 */
int plistfile_parse(const char *, size_t len, plistfile_cb *, void *cookie,
    struct err *) __attribute__((warn_unused_result));

#endif
