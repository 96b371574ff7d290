#ifndef STRMAP_H
#define STRMAP_H

#include <stddef.h>

/*
 * Strings to pointers.  Keys are borrowed: they live as long as the entry.
 * All zeroes is an empty one.
 */
struct strmap {
	struct strmap_slot {
		const char *key;	/* NULL: free */
		void *value;
	} *slots;
	size_t size, used;		/* size is 0 or a power of two */
};

/* NULL: not there. */
void	*strmap_get(const struct strmap *, const char *key);
/* Put, or replace (the key pointer too). */
void	 strmap_put(struct strmap *, const char *key, void *value);
/* A key that is not there is fine. */
void	 strmap_del(struct strmap *, const char *key);
/* Release the table, not what is in it; empty and usable again. */
void	 strmap_done(struct strmap *);

#endif
