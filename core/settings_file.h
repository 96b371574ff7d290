#ifndef SETTINGS_FILE_H
#define SETTINGS_FILE_H

#include <stddef.h>

#include "err.h"

/* One NAME=value and the line it began on; the strings live for the call. */
typedef void settings_file_cb(void *, int line, const char *name,
    const char *value);

/**
 * settings_file_parse(text, len, cb, cookie, e):
 * Hand on every assignment of a file as systemd reads an EnvironmentFile:
 * NAME=value lines, comments that begin with '#' or ';', values bare, in
 * single quotes (taken as they are) or in double quotes (a backslash escapes
 * '"', '\', '`', '$'), a backslash at the end of a line joins the next one.
 * -1 with the line's number, never its contents, for what is none of these.
 */
int	 settings_file_parse(const char *, size_t len, settings_file_cb *,
	    void *cookie, struct err *) __attribute__((warn_unused_result));

#endif
