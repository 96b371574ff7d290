#include <stdlib.h>
#include <string.h>

#include "clone.h"
#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "seal.h"
#include "str.h"
#include "tree.h"
#include "trust.h"

#define LISTING_MAX (4 * 1024 * 1024)

static int
git_clone(struct repo *r, struct err *e)
{
	char *depth = str_printf("--depth=%d", r->depth);
	const char *args[16];
	size_t n = 0;
	int rc;

	args[n++] = "clone";
	args[n++] = "--no-checkout";
	args[n++] = "--single-branch";
	args[n++] = "--no-tags";
	args[n++] = "--no-local";
	args[n++] = "--template=";
	args[n++] = "--branch";
	args[n++] = r->branch;
	if (r->depth > 0)
		args[n++] = depth;
	args[n++] = "--";
	args[n++] = r->url;
	args[n++] = r->fresh;
	args[n] = NULL;
	rc = git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_NOWHERE }, NULL, e);
	free(depth);
	return (rc);
}

static int
fetch_into_fresh(struct repo *r, const char *from, bool net, struct err *e)
{
	const char *const args[] = { "fetch", "--quiet", "--no-tags",
		"--no-auto-gc", "--no-write-fetch-head", "--", from,
		r->refspec, NULL };

	return (git_run(r, &(struct git_cmd){ .args = args, .net = net,
	    .seed = !net, .where = GIT_CLONE, .dir = r->fresh }, NULL, e));
}

/* Objects from the seed first, so that the server sends only the rest. */
static int
seeded_clone(struct repo *r, struct err *e)
{
	const char *const init[] = { "init", "--quiet", "--template=", "--",
		r->fresh, NULL };

	if (git_run(r, &(struct git_cmd){ .args = init,
	    .where = GIT_NOWHERE }, NULL, e) == -1 ||
	    fetch_into_fresh(r, r->seed, false, e) == -1)
		return (-1);
	git_note(r, "took branch %s from the seed %s", r->branch, r->seed);
	return (fetch_into_fresh(r, r->url, true, e));
}

static int
make_empty(struct repo *r, struct err *e)
{
	if (file_rmtree(r->fresh, e) == -1)
		return (-1);
	return (file_mkdirs(r->fresh, 0700, e));
}

static int
fill(struct repo *r, struct err *e)
{
	if (make_empty(r, e) == -1)
		return (-1);
	if (r->seed != NULL && r->depth == 0) {
		if (seeded_clone(r, e) == 0)
			return (0);
		git_note(r, "the seed is of no use: %s", e->text);
		if (make_empty(r, e) == -1)
			return (-1);
	}
	return (git_clone(r, e));
}

/* Clone into r->fresh, check it out there, seal it. */
static int
make_fresh(struct repo *r, struct err *e)
{
	char tip[REPO_REV];
	struct seal seal;
	bool touched;
	int rc;

	if (fill(r, e) == -1)
		return (-1);
	/* "--branch" also takes a tag of that name. */
	if (gitdir_ref(r->fresh, r->tracking, tip) == -1)
		return (git_fail(r, REPO_FAIL_BRANCH, e, "%s is no branch "
		    "there", r->branch));
	if (gitdir_scrub(r, r->fresh, &touched, e) == -1 ||
	    trust_check(r, r->fresh, "", tip, e) == -1 ||
	    tree_checkout(r, r->fresh, tip, true, e) == -1 ||
	    seal_make(r, r->fresh, &seal, e) == -1)
		return (-1);
	rc = seal_save(r, &seal, e);
	seal_done(&seal);
	return (rc);
}

int
clone_swap(struct repo *r, struct err *e)
{
	struct err ignored;

	git_note(r, "cloning branch %s of %s", r->branch, r->url);
	if (make_fresh(r, e) == -1) {
		clone_tell_empty(r, e);
		(void)!file_rmtree(r->fresh, &ignored);
		return (-1);
	}
	return (tree_swap(r->fresh, r->dir, r->old, e));
}

static int
list_remote(struct repo *r, const char *ref, struct proc_result *res,
    struct err *e)
{
	const char *const args[] = { "ls-remote", "--", r->url, ref, NULL };

	return (git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_NOWHERE, .quiet = true, .keep = LISTING_MAX }, res,
	    e));
}

int
clone_tip(struct repo *r, char tip[REPO_REV], struct err *e)
{
	char *ref = str_printf("refs/heads/%s", r->branch), *line, *save, *tab;
	struct proc_result res;
	bool found = false;
	int rc = list_remote(r, ref, &res, e);

	if (rc == 0 && res.out.len > 0)
		/* The server matches tails: "foo/refs/heads/main" too. */
		for (line = strtok_r(res.out.data, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save)) {
			if ((tab = strchr(line, '\t')) == NULL ||
			    !str_eq(tab + 1, ref))
				continue;
			*tab = '\0';
			if (!gitdir_is_rev(line))
				continue;
			memcpy(tip, line, strlen(line) + 1);
			found = true;
		}
	if (rc == 0 && !found) {
		rc = git_fail(r, REPO_FAIL_BRANCH, e, "branch %s is not there",
		    r->branch);
		clone_tell_empty(r, e);
	}
	proc_result_free(&res);
	free(ref);
	return (rc);
}

void
clone_tell_empty(struct repo *r, struct err *e)
{
	struct proc_result res;
	struct err ignored;

	if (r->fail != REPO_FAIL_BRANCH)
		return;
	if (list_remote(r, "refs/heads/*", &res, &ignored) == 0 &&
	    res.out.len == 0)
		git_fail(r, REPO_FAIL_EMPTY, e, "%s is empty", r->url);
	else
		r->fail = REPO_FAIL_BRANCH;
	proc_result_free(&res);
}
