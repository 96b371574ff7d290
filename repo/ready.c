#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clone.h"
#include "fail.h"
#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "ready.h"
#include "seal.h"
#include "str.h"

#define URL_MAX (64 * 1024)

/* What an interrupted swap or check-out left. */
static int
leftovers(struct repo *r, struct err *e)
{
	struct stat st;

	if (lstat(r->dir, &st) == -1 && errno == ENOENT &&
	    lstat(r->old, &st) == 0) {
		git_note(r, "putting back %s after an interrupted swap",
		    r->dir);
		if (rename(r->old, r->dir) == -1)
			return (err_sys(e, "rename %s", r->old));
	}
	if (file_rmtree(r->old, e) == -1)
		return (-1);
	return (file_rmtree(r->fresh, e));
}

static bool
dir_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	size_t n = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return (n <= 2);
}

/* The URL that a clone which we have not sealed came from, or NULL. */
static char *
found_url(struct repo *r)
{
	char *path = file_join(r->dir, ".git/config"), *url = NULL;
	enum repo_fail was = r->fail;
	const char *const args[] = { "config", "--file", path, "--no-includes",
		"--get", "remote.origin.url", NULL };
	struct proc_result res;
	struct err e;

	if (git_run(r, &(struct git_cmd){ .args = args, .keep = URL_MAX,
	    .where = GIT_NOWHERE, .quiet = true }, &res, &e) == 0 &&
	    res.out.len > 0)
		url = str_dup(str_trim(res.out.data));
	r->fail = was;
	proc_result_free(&res);
	free(path);
	return (url);
}

/*
 * Is the directory ours to throw away?  We sealed it, or it is empty, or it
 * is a clone that nobody else may read, as the agent before us made them.
 */
static int
check_ours(struct repo *r, const struct seal *seal, struct err *e)
{
	struct stat st;

	if (lstat(r->dir, &st) == -1)
		return (err_sys(e, "look at %s", r->dir));
	if (st.st_uid != geteuid())
		return (git_fail(r, REPO_FAIL_STORAGE, e, "%s belongs to user "
		    "%u and not to us (%u); remove it or give it back",
		    r->dir, (unsigned)st.st_uid, (unsigned)geteuid()));
	if (seal->url != NULL || (S_ISDIR(st.st_mode) && (dir_empty(r->dir) ||
	    ((st.st_mode & 077) == 0 && gitdir_present(r->dir)))))
		return (0);
	return (git_fail(r, REPO_FAIL_CONFIG, e, "%s is not empty and was not "
	    "made by nixfleet; remove it, or choose another directory "
	    "(NIXFLEET_REPO_DIR)", r->dir));
}

static int
check_mode(struct repo *r, struct err *e)
{
	struct stat st;

	if (lstat(r->dir, &st) == -1)
		return (err_sys(e, "look at %s", r->dir));
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 07777) == 0700)
		return (0);
	git_note(r, "%s had mode %04o, now 0700", r->dir,
	    (unsigned)st.st_mode & 07777);
	if (chmod(r->dir, 0700) == -1)
		return (err_sys(e, "chmod %s", r->dir));
	return (0);
}

bool
ready_damaged(struct repo *r, bool full)
{
	const char *const args[] = { "fsck", full ? "--full" :
		"--connectivity-only", "--no-dangling", "--no-progress",
		"HEAD", NULL };
	enum repo_fail was = r->fail;
	struct proc_result res;
	struct err e;
	bool bad;

	bad = git_run(r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE }, &res, &e) == -1 &&
	    res.end == PROC_EXITED && r->fail != REPO_FAIL_NO_SPACE &&
	    r->fail != REPO_FAIL_STORAGE && res.code != 0;
	if (bad)
		git_note(r, "the clone is damaged: %s", e.text);
	r->fail = was;
	proc_result_free(&res);
	return (bad);
}

/* Clone anew; without a server that stays the failure to report. */
static int
replace(struct repo *r, struct ready *out, const char *why, struct err *e)
{
	git_note(r, "%s: cloning beside it", why);
	if (clone_swap(r, e) == -1)
		return (err_wrap(e, "%s", why));
	out->cloned = true;
	return (0);
}

static bool
url_changed(struct repo *r, const struct seal *seal)
{
	char *url = seal->url != NULL ? str_dup(seal->url) : found_url(r);
	bool changed = !str_eq(url, r->url);

	free(url);
	return (changed);
}

/* A clone is there: is it as we left it?  ${altered}: .git is not. */
static int
compare(struct repo *r, const struct seal *seal, struct ready *out,
    bool *altered, struct err *e)
{
	struct seal now;

	if (seal_make(r, r->dir, &now, e) == -1)
		return (-1);
	memcpy(out->head, now.head, sizeof(out->head));
	out->branch_ok = str_eq(seal->branch, r->branch);
	*altered = !seal_same(&now.store, &seal->store);
	out->store_ok = !*altered && str_eq(now.boot, seal->boot) &&
	    out->head[0] != '\0';
	out->tree_ok = seal_same(&now.tree, &seal->tree) &&
	    str_eq(now.boot, seal->boot) && str_eq(now.head, seal->head) &&
	    out->head[0] != '\0';
	seal_done(&now);
	return (0);
}

static int
inspect(struct repo *r, const struct seal *seal, struct ready *out,
    struct err *e)
{
	bool touched, altered;

	if (check_ours(r, seal, e) == -1 || check_mode(r, e) == -1)
		return (-1);
	if (!gitdir_present(r->dir))
		return (replace(r, out, "there is no clone", e));
	if (gitdir_ref(r->dir, "HEAD", out->head) == -1)
		out->head[0] = '\0';
	if (url_changed(r, seal))
		return (replace(r, out, "the repository's URL changed", e));
	if (gitdir_scrub(r, r->dir, &touched, e) == -1)
		return (-1);
	if (touched && seal->url != NULL)
		git_note(r, "removed from .git what did not belong there");
	if (compare(r, seal, out, &altered, e) == -1)
		return (-1);
	/* A mere reboot calls for less suspicion than a changed file. */
	if (!out->store_ok && out->head[0] != '\0' &&
	    ready_damaged(r, altered))
		return (replace(r, out, "the clone is damaged", e));
	return (0);
}

int
ready_make(struct repo *r, struct ready *res, struct err *e)
{
	struct ready out = { 0 };
	struct seal seal;
	struct stat st;
	int rc = -1;

	seal_load(r, &seal);
	if (git_setup(r, e) == -1 || leftovers(r, e) == -1)
		goto out;
	if (lstat(r->dir, &st) == 0)
		rc = inspect(r, &seal, &out, e);
	else if (errno != ENOENT)
		err_sys(e, "look at %s", r->dir);
	else if ((rc = clone_swap(r, e)) == 0)
		out.cloned = true;
out:
	seal_done(&seal);
	if (rc == 0)
		*res = out;
	return (rc);
}
