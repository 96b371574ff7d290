#ifndef INTERN_H
#define INTERN_H

/*
 * Strings kept once: ten thousand hosts have a few versions, revisions and
 * URLs between them.  Counted; a string goes with its last holder.  Equal
 * strings have equal pointers.  Loop thread only.
 */
struct intern;

struct intern *intern_new(void);
/* Frees every string, held or not. */
void	 intern_free(struct intern **);

/* Hold ${s}; NULL is "".  Never NULL. */
const char *intern_get(struct intern *, const char *s);
/* Let go; NULL is fine. */
void	 intern_put(struct intern *, const char *);

/**
 * intern_set(in, slot, s):
 * Hold ${s} in *${slot} instead of what is there.  Returns 1 if it changed.
 */
int	 intern_set(struct intern *, const char **slot, const char *s);

#endif
