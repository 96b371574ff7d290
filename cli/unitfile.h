#ifndef UNITFILE_H
#define UNITFILE_H

#include <stddef.h>

#include "err.h"

/* One KEY=VALUE and the line it began on; the strings live for the call. */
typedef void unitfile_cb(void *, int line, const char *key, const char *value);

/**
 * unitfile_parse(text, len, cb, cookie, e):
 * Hand on every assignment of the sections of a systemd unit: comments begin
 * with '#' or ';', a backslash at the end of a line joins the next one, an
 * empty value is handed on.  -1 with the line's number for what is none of
 * these.
 */
int unitfile_parse(const char *, size_t len, unitfile_cb *, void *cookie,
    struct err *) __attribute__((warn_unused_result));

/**
 * unitfile_word(value):
 * The next word of a value as systemd splits it (quotes, backslashes), and
 * ${value} moved behind it; NULL at the end.  The caller frees.
 */
char *unitfile_word(const char **);

#endif
