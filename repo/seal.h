#ifndef SEAL_H
#define SEAL_H

#include "handle.h"

/*
 * What the clone looked like when we last left it, kept outside of it: name,
 * kind, mode, size, inode and change time of everything.  A process without
 * root cannot alter a file and keep its change time.  It is bound to the
 * boot, as file contents are not flushed: after a power cut the tree is made
 * anew.
 */
#define SEAL_BOOT 64

struct seal {
	char *url, *branch;
	char head[REPO_REV];
	bool submodules;	/* they were wanted */
	char boot[SEAL_BOOT];	/* which start of the machine */
	struct buf tree;	/* the working tree and .git/index */
	struct buf store;	/* the rest of .git */
};

/**
 * seal_make(r, dir, out, e):
 * Look at the clone in ${dir}.  Waits a few milliseconds if something in it
 * changed within the clock's grain.
 */
int	 seal_make(const struct repo *, const char *dir, struct seal *,
	    struct err *) __attribute__((warn_unused_result));

/* One half: .git without its index. */
int	 seal_store(const char *dir, struct buf *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * seal_look_start(dir):
 * The other half, the tree, in a thread: git may talk to the server
 * meanwhile, but nothing may change the tree until seal_look_end.
 */
struct seal_look;
struct seal_look *seal_look_start(const char *dir);
/* Wait for it and store what it saw. */
int	 seal_look_end(struct seal_look **, struct buf *tree, struct err *)
	    __attribute__((warn_unused_result));

/* This start of the machine. */
void	 seal_boot(char out[SEAL_BOOT]);

/* Do two looks at the tree, or at the rest of .git, agree? */
bool	 seal_same(const struct buf *, const struct buf *);

/* The seal of last time; all empty if there is none. */
void	 seal_load(const struct repo *, struct seal *);
int	 seal_save(const struct repo *, const struct seal *, struct err *)
	    __attribute__((warn_unused_result));
void	 seal_done(struct seal *);

#endif
