#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "platform.h"
#include "str.h"
#include "submodule.h"
#include "tree.h"

#define ATTRIBUTES_MAX (1024 * 1024)

/* Rename, also a directory that its mode forbids to move. */
static int
move(const char *from, const char *to, struct err *e)
{
	struct stat st;

	if (rename(from, to) == 0 || errno == ENOENT)
		return (0);
	if (errno == EACCES && lstat(from, &st) == 0 &&
	    S_ISDIR(st.st_mode) && chmod(from, 0700) == 0 &&
	    rename(from, to) == 0)
		return (0);
	return (err_sys(e, "move %s to %s", from, to));
}

/*
 * Move all of ${from} but ".git" into ${to}; ${gaps}: only what is not there.
 */
static int
move_files(const char *from, const char *to, bool gaps, struct err *e)
{
	DIR *dir = opendir(from);
	struct dirent *d;
	char *a, *b;
	int rc = 0;

	if (dir == NULL)
		return (err_sys(e, "open %s", from));
	while (rc == 0 && (d = readdir(dir)) != NULL) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ||
		    str_eq(d->d_name, ".git"))
			continue;
		a = file_join(from, d->d_name);
		b = file_join(to, d->d_name);
		rc = gaps && file_exists(b) ? 0 : move(a, b, e);
		free(b);
		free(a);
	}
	closedir(dir);
	return (rc);
}

/* Where the parts of an untrusted tree wait. */
struct aside {
	const char *dir;
	const char *old;
	char *files, *index, *live_index;
};

static void
aside_init(struct aside *a, const char *dir, const char *old)
{
	a->dir = dir;
	a->old = old;
	a->files = file_join(old, "files");
	a->index = file_join(old, "index");
	a->live_index = file_join(dir, ".git/index");
}

static void
aside_done(struct aside *a)
{
	free(a->files);
	free(a->index);
	free(a->live_index);
}

static int
put_aside(const struct aside *a, struct err *e)
{
	if (file_rmtree(a->old, e) == -1 ||
	    file_mkdirs(a->old, 0700, e) == -1 ||
	    file_mkdirs(a->files, 0700, e) == -1 ||
	    move_files(a->dir, a->files, false, e) == -1)
		return (-1);
	return (move(a->live_index, a->index, e));
}

/* Best effort: what led here is what the caller reports. */
static void
bring_back(const struct aside *a)
{
	char *partial = file_join(a->old, "partial");
	struct err e;

	if (file_mkdirs(partial, 0700, &e) == 0 &&
	    move_files(a->dir, partial, false, &e) == 0 &&
	    move_files(a->files, a->dir, false, &e) == 0 &&
	    move(a->index, a->live_index, &e) == 0)
		(void)!file_rmtree(a->old, &e);
	free(partial);
}

int
tree_unfold(const char *dir, const char *old, struct err *e)
{
	struct aside a;
	int rc = 0;

	aside_init(&a, dir, old);
	if (file_is_dir(a.files))
		rc = move_files(a.files, dir, true, e);
	aside_done(&a);
	return (rc == -1 ? -1 : file_rmtree(old, e));
}

/*
 * What "git reset --hard" does, but for ORIG_HEAD, which costs a flush; the
 * branch moves when the files are there.
 */
static int
write_files(struct repo *r, const char *dir, const char *rev, struct err *e)
{
	const char *const args[] = { "read-tree", "--reset", "-u", rev, NULL };

	if (git_run(r, &(struct git_cmd){ .args = args,
	    .where = GIT_CLONE, .dir = dir }, NULL, e) == -1 ||
	    submodule_write(r, dir, rev, dir, e) == -1)
		return (-1);
	return (gitdir_move_branch(r, dir, rev, e));
}

int
tree_write(struct repo *r, const char *dir, const char *rev, const char *work,
    struct err *e)
{
	char *index = file_join(r->home, "index");
	const char *const args[] = { "read-tree", "--reset", "-u", rev, NULL };
	int rc;

	(void)unlink(index);
	rc = git_run(r, &(struct git_cmd){ .args = args, .where = GIT_CLONE,
	    .dir = dir, .work = work, .index = index }, NULL, e);
	(void)unlink(index);
	free(index);
	return (rc);
}

/* When it was committed, s since 1970. */
static int
commit_time(struct repo *r, const char *rev, int64_t *at, struct err *e)
{
	const char *const args[] = { "log", "-1", "--format=%ct", rev, "--",
		NULL };
	struct proc_result res;
	int rc = git_run(r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE, .keep = 64 }, &res, e);

	if (rc == 0 && (res.out.len == 0 ||
	    str_int(str_trim(res.out.data), 0, INT64_MAX, at) == -1))
		rc = git_fail(r, REPO_FAIL_OTHER, e, "git log gave no time");
	proc_result_free(&res);
	return (rc);
}

/* Files before the directory that they are in. */
static int
set_times(const char *dir, int64_t at, struct err *e)
{
	char *path = str_dup(dir);
	FTS *fts = fts_open((char *[]){ path, NULL }, FTS_PHYSICAL |
	    FTS_NOCHDIR | FTS_NOSTAT, NULL);
	struct timespec ts[2] = { { .tv_sec = at }, { .tv_sec = at } };
	FTSENT *f;
	int rc = 0;

	while (rc == 0 && fts != NULL && (f = fts_read(fts)) != NULL)
		if (f->fts_info != FTS_D && utimensat(AT_FDCWD,
		    f->fts_accpath, ts, AT_SYMLINK_NOFOLLOW) == -1)
			rc = err_sys(e, "set the time of %s", f->fts_path);
	if (fts != NULL)
		fts_close(fts);
	free(path);
	return (rc);
}

int
tree_export(struct repo *r, const char *rev, const char *to, struct err *e)
{
	int64_t at;

	if (commit_time(r, rev, &at, e) == -1 ||
	    submodule_fetch(r, r->dir, rev, e) == -1 ||
	    file_rmtree(to, e) == -1 || file_mkdirs(to, 0700, e) == -1 ||
	    tree_write(r, r->dir, rev, to, e) == -1 ||
	    submodule_write(r, r->dir, rev, to, e) == -1)
		return (-1);
	return (set_times(to, at, e));
}

int
tree_checkout(struct repo *r, const char *dir, const char *rev, bool trusted,
    struct err *e)
{
	struct aside a;
	int rc = -1;

	if (submodule_fetch(r, dir, rev, e) == -1)
		return (-1);
	if (trusted)
		return (write_files(r, dir, rev, e));
	aside_init(&a, dir, r->old);
	if (put_aside(&a, e) == -1) {
		bring_back(&a);
		goto out;
	}
	if (write_files(r, dir, rev, e) == -1) {
		bring_back(&a);
		goto out;
	}
	rc = file_rmtree(a.old, e);
out:
	aside_done(&a);
	return (rc);
}

int
tree_swap(const char *fresh, const char *dir, const char *old, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st) == -1) {
		if (rename(fresh, dir) == -1)
			return (err_sys(e, "rename %s to %s", fresh, dir));
		return (file_sync_dir(dir, e));
	}
	if (platform_exchange(fresh, dir) == 0) {
		if (file_sync_dir(dir, e) == -1)
			return (-1);
		return (file_rmtree(fresh, e));
	}
	/* Not every file system can; a start in between puts old back. */
	if (file_rmtree(old, e) == -1)
		return (-1);
	if (rename(dir, old) == -1)
		return (err_sys(e, "rename %s to %s", dir, old));
	if (rename(fresh, dir) == -1) {
		err_sys(e, "rename %s to %s", fresh, dir);
		(void)!rename(old, dir);
		return (-1);
	}
	if (file_sync_dir(dir, e) == -1)
		return (-1);
	return (file_rmtree(old, e));
}

bool
tree_lfs(const char *dir)
{
	char *path = file_join(dir, ".gitattributes");
	struct buf b = { 0 };
	bool yes;

	yes = file_read(path, ATTRIBUTES_MAX, &b, NULL) == 0 && b.len > 0 &&
	    memmem(b.data, b.len, "filter=lfs", 10) != NULL;
	buf_free(&b);
	free(path);
	return (yes);
}

int64_t
tree_bytes(const char *dir)
{
	char *path = str_dup(dir);
	FTS *fts = fts_open((char *[]){ path, NULL }, FTS_PHYSICAL |
	    FTS_NOCHDIR | FTS_XDEV, NULL);
	int64_t n = 0;
	FTSENT *f;

	while (fts != NULL && (f = fts_read(fts)) != NULL)
		if (f->fts_info != FTS_DP && f->fts_info != FTS_NS)
			n += (int64_t)f->fts_statp->st_blocks * 512;
	if (fts != NULL)
		fts_close(fts);
	free(path);
	return (n);
}
