#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clone.h"
#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "ready.h"
#include "seal.h"
#include "str.h"
#include "tree.h"

#define URL_MAX (64 * 1024)

/* What an interrupted swap or setting of the tree left. */
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
	if ((gitdir_present(r->dir) ? tree_unfold(r->dir, r->old, e) :
	    file_rmtree(r->old, e)) == -1)
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

int
ready_fsck(struct repo *r, bool full, struct err *e)
{
	const char *const args[] = { "fsck", full ? "--full" :
		"--connectivity-only", "--no-dangling", "--no-progress",
		"HEAD", NULL };
	struct proc_result res;
	int rc = git_run(r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE }, &res, e);

	if (rc == -1 && res.end == PROC_EXITED && res.code != 0 &&
	    r->fail != REPO_FAIL_NO_SPACE && r->fail != REPO_FAIL_STORAGE) {
		git_note(r, "the clone is damaged: %s", e->text);
		rc = 1;
	}
	proc_result_free(&res);
	return (rc);
}

bool
ready_damaged(struct repo *r, bool full)
{
	enum repo_fail was = r->fail;
	struct err ignored;
	bool bad = ready_fsck(r, full, &ignored) == 1;

	r->fail = was;
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

/* Is this still the start of the machine that the seal was made in? */
static bool
same_boot(const struct seal *seal)
{
	char boot[SEAL_BOOT];

	seal_boot(boot);
	return (str_eq(boot, seal->boot));
}

/* A clone is there: is .git as we left it?  ${altered}: it is not. */
static int
compare(struct repo *r, struct ready *out, bool *altered, struct err *e)
{
	struct buf now = { 0 };

	if (seal_store(r->dir, &now, e) == -1)
		return (-1);
	if (gitdir_ref(r->dir, "HEAD", out->head) == -1)
		out->head[0] = '\0';
	out->branch_ok = str_eq(out->seal.branch, r->branch);
	*altered = !seal_same(&now, &out->seal.store);
	out->store_ok = !*altered && same_boot(&out->seal) &&
	    out->head[0] != '\0';
	buf_free(&now);
	return (0);
}

void
ready_tree(struct ready *rd)
{
	struct buf now = { 0 };
	struct err ignored;

	if (rd->look == NULL)
		return;
	/* A tree that cannot be looked at is not as we left it. */
	rd->tree_ok = seal_look_end(&rd->look, &now, &ignored) == 0 &&
	    seal_same(&now, &rd->seal.tree) && same_boot(&rd->seal) &&
	    str_eq(rd->head, rd->seal.head) && rd->head[0] != '\0';
	buf_free(&now);
}

void
ready_done(struct ready *rd)
{
	ready_tree(rd);
	seal_done(&rd->seal);
}

static int
inspect(struct repo *r, struct ready *out, struct err *e)
{
	bool touched, altered;

	if (check_ours(r, &out->seal, e) == -1 || check_mode(r, e) == -1)
		return (-1);
	if (!gitdir_present(r->dir))
		return (replace(r, out, "there is no clone", e));
	if (url_changed(r, &out->seal))
		return (replace(r, out, "the repository's URL changed", e));
	out->look = seal_look_start(r->dir);
	if (gitdir_scrub(r, r->dir, &touched, e) == -1)
		return (-1);
	if (touched && out->seal.url != NULL)
		git_note(r, "removed from .git what did not belong there");
	if (compare(r, out, &altered, e) == -1)
		return (-1);
	/* A mere reboot calls for less suspicion than a changed file. */
	if (out->store_ok || out->head[0] == '\0' ||
	    !ready_damaged(r, altered))
		return (0);
	ready_tree(out);
	return (replace(r, out, "the clone is damaged", e));
}

int
ready_make(struct repo *r, struct ready *out, struct err *e)
{
	struct stat st;

	*out = (struct ready){ 0 };
	seal_load(r, &out->seal);
	/* The setting changed, and with it what the tree is to hold. */
	if (out->seal.submodules != r->submodules)
		out->seal.head[0] = '\0';
	if (git_setup(r, e) == -1 || leftovers(r, e) == -1)
		return (-1);
	if (lstat(r->dir, &st) == 0)
		return (inspect(r, out, e));
	if (errno != ENOENT)
		return (err_sys(e, "look at %s", r->dir));
	if (clone_swap(r, e) == -1)
		return (-1);
	out->cloned = true;
	return (0);
}
