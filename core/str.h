#ifndef STR_H
#define STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Allocation that cannot fail: out of memory aborts with a message. */
void	*str_alloc(size_t);			/* zeroed */
char	*str_dup(const char *);			/* NULL stays NULL */
char	*str_ndup(const char *, size_t);
char	*str_printf(const char *, ...) __attribute__((format(printf, 1, 2)));

bool	 str_eq(const char *, const char *);	/* NULL equals only NULL */
bool	 str_prefix(const char *s, const char *prefix);
bool	 str_suffix(const char *s, const char *suffix);
/* For qsort: an array of strings, in the order of their bytes. */
int	 str_order(const void *, const void *);
/* Remove white space at both ends, in place; returns the new start. */
char	*str_trim(char *);

/**
 * str_int(s, min, max, out):
 * Decimal, no sign but '-', no blanks, nothing after it.  0, or -1 with
 * *${out} untouched.
 */
int	 str_int(const char *, int64_t min, int64_t max, int64_t *out);

/**
 * str_nearest(word, list, n):
 * The entry of list[0..n) nearest to ${word} by edit distance, or NULL when
 * none is near enough to be what was meant.
 */
const char *str_nearest(const char *, const char *const *, size_t);

/* Overwrite ${n} bytes in a way that the compiler keeps. */
void	 str_wipe(void *, size_t n);
/* Wipe and free a NUL-terminated secret; sets the pointer to NULL. */
void	 str_wipefree(char **);

/* Constant-time comparison of two strings. */
bool	 str_secret_eq(const char *, const char *);

#endif
