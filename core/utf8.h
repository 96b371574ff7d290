#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Is [p, p+n) valid UTF-8 without NUL? */
bool	 utf8_valid(const char *p, size_t n);

/**
 * utf8_clean(out, p, n):
 * Append [p, p+n) with every invalid byte and NUL replaced by U+FFFD.
 */
void	 utf8_clean(struct buf *out, const char *p, size_t n);

#endif
