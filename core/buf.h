#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A growing byte buffer.  All zeroes is a valid empty one.  data is always
 * followed by a NUL that len does not count (NULL while nothing was added).
 * Running out of memory aborts, as everywhere in NixFleet.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void	 buf_add(struct buf *, const void *, size_t);
void	 buf_adds(struct buf *, const char *);
void	 buf_addf(struct buf *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* Remove the first ${n} bytes. */
void	 buf_drop(struct buf *, size_t n);
/* Forget the contents, keep the memory. */
void	 buf_clear(struct buf *);
/* Release the memory; the buffer is empty and usable again. */
void	 buf_free(struct buf *);
/* The contents as a string that the caller frees; the buffer is empty. */
char	*buf_take(struct buf *);

#endif
