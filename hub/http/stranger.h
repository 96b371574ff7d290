#ifndef STRANGER_H
#define STRANGER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"

/*
 * Connections that have not shown yet who they are.  One address has so many
 * and no more: the newest is let in and the oldest goes, so that who is quick
 * to show a token comes in even beside one that only takes places.  Who takes
 * too long goes too.
 */
struct stranger;
struct strangers;

struct stranger_limits {
	size_t each;		/* of one address */
	int64_t ms;		/* to show who one is */
};

/**
 * strangers_new(loop, limits, evict, out, e):
 * ${evict} is called with the cookie of one that must go, never the one that is
 * added or heard.  It is forgotten then: close it, without stranger_known.
 */
int	 strangers_new(uv_loop_t *, const struct stranger_limits *,
	    void (*evict)(void *cookie), struct strangers **, struct err *)
	    __attribute__((warn_unused_result));
/* Those that are left are forgotten. */
void	 strangers_free(struct strangers **);
size_t	 strangers_count(const struct strangers *);

/* One more; ${addr} NULL: of a proxy, whose clients are counted apart. */
struct stranger *stranger_add(struct strangers *, const char *addr,
	    void *cookie);

/* It said something: its time begins anew, and the address is ${addr}. */
void	 stranger_heard(struct stranger *, const char *addr);

/* It has shown who it is, or it is closed.  Sets the pointer to NULL. */
void	 stranger_known(struct stranger **);

#endif
