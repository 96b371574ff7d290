#include <string.h>

#include "clone.h"
#include "git.h"
#include "gitdir.h"
#include "pull.h"
#include "ready.h"
#include "seal.h"
#include "str.h"
#include "tree.h"
#include "trust.h"

/* Did git report a rewritten branch?  Such a line begins with " + ". */
static bool
says_forced(const struct buf *text)
{
	return (text->len > 3 && (memcmp(text->data, " + ", 3) == 0 ||
	    memmem(text->data, text->len, "\n + ", 4) != NULL));
}

static int
fetch(struct repo *r, bool *forced, struct err *e)
{
	const char *const args[] = { "fetch", "--no-tags", "--no-auto-gc",
		"--no-write-fetch-head", "origin", r->refspec, NULL };
	struct proc_result res;
	int rc = git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_CLONE }, &res, e);

	*forced = rc == 0 && says_forced(&res.err);
	proc_result_free(&res);
	if (rc == -1)
		clone_tell_empty(r, e);
	return (rc);
}

static int
seal_now(struct repo *r, struct err *e)
{
	struct seal seal;
	int rc;

	if (seal_make(r, r->dir, &seal, e) == -1)
		return (-1);
	rc = seal_save(r, &seal, e);
	seal_done(&seal);
	return (rc);
}

int
pull_settle(struct repo *r, const char *rev, struct err *e)
{
	if (tree_checkout(r, r->dir, rev, false, e) == -1)
		return (-1);
	return (seal_now(r, e));
}

static void
cloned(struct repo *r, struct repo_change *ch)
{
	ch->cloned = true;
	if (gitdir_ref(r->dir, "HEAD", ch->to) == -1)
		ch->to[0] = '\0';
	ch->changed = !str_eq(ch->from, ch->to);
}

/* git's words point at damage: clone anew only if fsck agrees. */
static int
recover(struct repo *r, struct repo_change *ch, struct err *e)
{
	if (r->fail != REPO_FAIL_DAMAGED)
		return (-1);
	if (!ready_damaged(r, true)) {
		r->fail = REPO_FAIL_OTHER;
		return (-1);
	}
	r->unasked = false;
	if (clone_swap(r, e) == -1)
		return (err_wrap(e, "the clone is damaged"));
	cloned(r, ch);
	return (0);
}

/*
 * The fetch failed.  git leaves half a pack behind when the disk is full; and
 * the tree can at least be what it was after the last good pull.
 */
static void
hold(struct repo *r, const struct ready *rd)
{
	enum repo_fail why = r->fail;
	struct err ignored;
	bool touched;

	(void)!gitdir_scrub(r, r->dir, &touched, &ignored);
	if (!rd->tree_ok && rd->head[0] != '\0' && why != REPO_FAIL_STOPPED)
		(void)!pull_settle(r, rd->head, &ignored);
	r->fail = why;
}

/*
 * Was the branch rewritten?  What an earlier pull fetched but could not check
 * out is no news to git any more.
 */
static bool
rewritten(struct repo *r, const struct ready *rd, const char *before,
    const char *tip, bool said)
{
	if (!rd->branch_ok || str_eq(rd->head, tip))
		return (false);
	if (str_eq(before, rd->head))
		return (said);
	return (!trust_is_ancestor(r, r->dir, rd->head, tip));
}

/*
 * The tip's files could not all be written, mostly for want of space: HEAD's
 * again, nothing beside them, and room for saying so.
 */
static void
take_back(struct repo *r, const struct ready *rd)
{
	static const char *const clean[] = { "clean", "-ffdxq", NULL };
	enum repo_fail why = r->fail;
	struct err ignored;

	/* With submodules the old files were put aside, and are back. */
	if (!rd->tree_ok || r->submodules || why == REPO_FAIL_STOPPED)
		return;
	if (git_run(r, &(struct git_cmd){ .args = clean, .quiet = true,
	    .where = GIT_CLONE }, NULL, &ignored) == 0 &&
	    tree_checkout(r, r->dir, rd->head, true, &ignored) == 0)
		(void)!seal_now(r, &ignored);
	r->fail = why;
}

static int
advance(struct repo *r, struct ready *rd, struct repo_change *ch,
    struct err *e)
{
	char before[REPO_REV] = "", tip[REPO_REV];
	bool forced;
	int rc;

	(void)!gitdir_ref(r->dir, r->tracking, before);
	rc = fetch(r, &forced, e);
	ready_tree(rd);
	if (rc == -1)
		return (hold(r, rd), recover(r, ch, e));
	if (gitdir_ref(r->dir, r->tracking, tip) == -1)
		return (git_fail(r, REPO_FAIL_OTHER, e, "git fetched nothing"));
	if (trust_check(r, r->dir, rd->branch_ok ? rd->head : "", tip,
	    e) == -1)
		return (-1);
	ch->changed = !str_eq(rd->head, tip);
	ch->forced = rewritten(r, rd, before, tip, forced);
	if (ch->changed || !rd->tree_ok) {
		if (tree_checkout(r, r->dir, tip,
		    rd->tree_ok && !r->submodules, e) == -1)
			return (take_back(r, rd), recover(r, ch, e));
		ch->repaired = !rd->tree_ok;
	}
	memcpy(ch->to, tip, sizeof(ch->to));
	if (ch->changed || !rd->tree_ok || !rd->store_ok || !rd->branch_ok)
		return (seal_now(r, e));
	return (0);
}

/* Nothing to fetch: the clone's own revision, with a tree as it should be. */
static int
mend(struct repo *r, struct ready *rd, struct repo_change *ch, struct err *e)
{
	r->unasked = true;
	if (trust_check(r, r->dir, rd->head, rd->head, e) == -1)
		return (-1);
	ready_tree(rd);
	memcpy(ch->to, rd->head, sizeof(ch->to));
	ch->repaired = !rd->tree_ok;
	if (rd->tree_ok && rd->store_ok)
		return (0);
	if (!rd->tree_ok &&
	    tree_checkout(r, r->dir, rd->head, false, e) == -1)
		return (recover(r, ch, e));
	return (seal_now(r, e));
}

typedef int	 step_fn(struct repo *, struct ready *, struct repo_change *,
	    struct err *);

/* Make it ready, then take the step unless it was cloned anew. */
static int
prepared(struct repo *r, step_fn *step, struct repo_change *res,
    struct err *e)
{
	struct repo_change ch = { 0 };
	struct ready rd;
	int rc;

	(void)!gitdir_ref(r->dir, "HEAD", ch.from);
	if ((rc = ready_make(r, &rd, e)) == 0) {
		if (rd.cloned)
			cloned(r, &ch);
		else
			rc = step(r, &rd, &ch, e);
	}
	ready_done(&rd);
	if (rc == 0 && (ch.changed || ch.cloned) && tree_lfs(r->dir))
		git_note(r, "the branch keeps files in Git LFS, which is not "
		    "fetched: they stay small text files that point to it");
	if (rc == 0)
		*res = ch;
	return (rc);
}

static int
ensure(struct repo *r, struct ready *rd, struct repo_change *ch,
    struct err *e)
{
	if (rd->head[0] == '\0' || !rd->branch_ok)
		return (advance(r, rd, ch, e));
	return (mend(r, rd, ch, e));
}

int
pull_run(struct repo *r, struct repo_change *res, struct err *e)
{
	return (prepared(r, advance, res, e));
}

int
pull_ensure(struct repo *r, struct repo_change *res, struct err *e)
{
	return (prepared(r, ensure, res, e));
}

int
pull_anew(struct repo *r, struct repo_change *res, struct err *e)
{
	struct repo_change ch = { 0 };

	(void)!gitdir_ref(r->dir, "HEAD", ch.from);
	if (git_setup(r, e) == -1 || clone_swap(r, e) == -1)
		return (-1);
	cloned(r, &ch);
	*res = ch;
	return (0);
}
