#ifndef VALUES_H
#define VALUES_H

#include <stddef.h>

#include "err.h"

typedef void values_cb(void *cookie, int line, const char *key,
	    const char *value);
typedef int values_parse(const char *, size_t, values_cb *, void *cookie,
	    struct err *);

/* What ${parse} reads in ${text}: "LINE:KEY=VALUE;...", or its error. */
void	 values_are(values_parse *, const char *text, const char *want);

#endif
