#ifndef HTTP_PAIRS_H
#define HTTP_PAIRS_H

#include <stddef.h>

#include "err.h"

/* More names than this in one form or query are an error. */
#define HTTP_PAIRS_MAX 64

/* Names and values of a form or a query, in their order; zeroes: empty. */
struct http_pairs {
	struct http_pair {
		char *name;
		char *value;
	} *v;
	size_t n;
};

/**
 * http_pairs_form(pairs, text, len, e):
 * Append what application/x-www-form-urlencoded text holds.  A broken
 * escape, a NUL, bytes that are not UTF-8 and more than HTTP_PAIRS_MAX names
 * are ERR_INPUT; what was appended before stays.
 */
int	 http_pairs_form(struct http_pairs *, const char *, size_t,
	    struct err *) __attribute__((warn_unused_result));

/**
 * http_pairs_add(pairs, text, len, e):
 * Append one "name=value" (or "name") that is decoded already.
 */
int	 http_pairs_add(struct http_pairs *, const char *, size_t,
	    struct err *) __attribute__((warn_unused_result));

/* The first value of that name, or NULL. */
const char *http_pairs_get(const struct http_pairs *, const char *name);

/* Wipe (there may be a password among them) and free; empty again. */
void	 http_pairs_free(struct http_pairs *);

#endif
