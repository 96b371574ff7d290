#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#include "lockage.h"

#define COMMITS_MAX 512
#define LOCK_MAX (16 * 1024 * 1024)

struct commits {
	struct {
		char rev[REPO_REV];
		int64_t time;
	} *list;
	size_t n;
};

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	struct commits *all = cookie;

	if (all->n == COMMITS_MAX || strlen(c->rev) >= REPO_REV)
		return;
	strcpy(all->list[all->n].rev, c->rev);
	all->list[all->n++].time = c->time;
}

/* Had this commit the same lock file? */
static bool
same(struct repo *r, const char *rev, const struct buf *lock)
{
	struct buf then = { 0 };
	bool yes;

	yes = repo_show(r, rev, repo_lock_path(r), LOCK_MAX, &then,
	    NULL) == 0 && then.len == lock->len &&
	    (lock->len == 0 || memcmp(then.data, lock->data, lock->len) == 0);
	buf_free(&then);
	return (yes);
}

int64_t
lockage_committed(struct repo *r)
{
	struct commits all = { 0 };
	struct buf lock = { 0 };
	size_t lo = 0, hi, mid;
	int64_t when = -1;

	all.list = str_alloc(COMMITS_MAX * sizeof(*all.list));
	if (repo_show(r, NULL, repo_lock_path(r), LOCK_MAX, &lock,
	    NULL) == -1 ||
	    repo_log(r, NULL, NULL, COMMITS_MAX, on_commit, &all,
	    NULL) == -1 || all.n == 0)
		goto out;
	/* The oldest commit that has it as it is now: steps, then halves. */
	for (hi = 1; hi < all.n && same(r, all.list[hi].rev, &lock); hi *= 2)
		lo = hi;
	if (hi > all.n)
		hi = all.n;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (same(r, all.list[mid].rev, &lock))
			lo = mid;
		else
			hi = mid;
	}
	when = all.list[lo].time * 1000;
out:
	buf_free(&lock);
	free(all.list);
	return (when);
}
