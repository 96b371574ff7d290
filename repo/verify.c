#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "str.h"
#include "submodule.h"
#include "utf8.h"
#include "verify.h"

#define LISTING_MAX (256 * 1024 * 1024)
#define PROBLEMS_MAX 50

/* One line of git ls-tree -r: what must be at a path. */
struct entry {
	char mode[8], rev[REPO_REV];
	char *path;
	bool seen;
};

struct check {
	struct repo *r;
	struct repo_verify *out;
	struct entry *list;
	size_t n;
};

static void
problem(struct check *c, const char *path, const char *what)
{
	if (c->out->nproblems++ >= PROBLEMS_MAX)
		return;
	utf8_clean(&c->out->text, path, strlen(path));
	buf_addf(&c->out->text, ": %s\n", what);
}

static int
by_path(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

static void
add(struct check *c, const char *mode, const char *rev, char *path)
{
	c->list = realloc(c->list, (c->n + 1) * sizeof(*c->list));
	if (c->list == NULL)
		abort();
	c->list[c->n] = (struct entry){ .path = path };
	snprintf(c->list[c->n].mode, sizeof(c->list->mode), "%s", mode);
	snprintf(c->list[c->n++].rev, REPO_REV, "%s", rev);
}

/* "MODE SP TYPE SP REV TAB PATH NUL", cut up in place. */
static int
parse_listing(struct check *c, const char *top, char *p, size_t len,
    struct err *e)
{
	char *end = p + len, *sp, *sp2, *tab;

	for (; p < end; p = tab + strlen(tab) + 1) {
		if ((sp = strchr(p, ' ')) == NULL ||
		    (sp2 = strchr(sp + 1, ' ')) == NULL ||
		    (tab = strchr(sp2 + 1, '\t')) == NULL)
			return (err_set(e, ERR_PROTO, "git ls-tree gave a "
			    "line that cannot be read"));
		*sp = *sp2 = *tab++ = '\0';
		add(c, p, sp2 + 1, top == NULL ? str_dup(tab) :
		    file_join(top, tab));
	}
	return (0);
}

static const char *
check_content(const struct entry *en, const char *full, const struct stat *st)
{
	char rev[REPO_REV] = "", target[4097];
	struct buf b = { 0 };
	const char *bad = NULL;
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		if ((n = readlink(full, target, sizeof(target) - 1)) == -1)
			return ("cannot be read");
		buf_add(&b, target, (size_t)n);
	} else if (file_read(full, SIZE_MAX / 2, &b, NULL) == -1)
		return ("cannot be read");
	if (blob_name(b.data != NULL ? b.data : "", b.len, strlen(en->rev),
	    rev) == -1)
		bad = "cannot be hashed";
	else if (!str_eq(rev, en->rev))
		bad = "differs from the commit";
	buf_free(&b);
	return (bad);
}

/* What is wrong with the file, or NULL. */
static const char *
check_file(const struct entry *en, const char *full, const struct stat *st)
{
	bool link = str_eq(en->mode, "120000");

	if (link ? !S_ISLNK(st->st_mode) : !S_ISREG(st->st_mode))
		return ("is another kind of file than in the commit");
	if (!link && (((st->st_mode & 0100) != 0) !=
	    str_eq(en->mode, "100755") || (st->st_mode & 0600) != 0600 ||
	    (st->st_mode & 07022) != 0))
		return ("has another mode than in the commit");
	return (check_content(en, full, st));
}

static struct entry *
find(const struct check *c, const char *path)
{
	struct entry key = { .path = (char *)(uintptr_t)path };

	return (c->n == 0 ? NULL :
	    bsearch(&key, c->list, c->n, sizeof(key), by_path));
}

static void
check_dir(struct check *c, const char *sub)
{
	char *path = file_join(c->r->dir, sub), *rel, *full;
	DIR *dir = opendir(path);
	struct dirent *d;
	struct entry *en;
	const char *bad;
	struct stat st;
	size_t n = 0;

	if (dir == NULL)
		problem(c, sub, "cannot be read");
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ||
		    (*sub == '\0' && str_eq(d->d_name, ".git")))
			continue;
		n++;
		rel = *sub == '\0' ? str_dup(d->d_name) :
		    file_join(sub, d->d_name);
		full = file_join(path, d->d_name);
		en = find(c, rel);
		if (lstat(full, &st) == -1)
			problem(c, rel, "cannot be read");
		else if (en != NULL && str_eq(en->mode, "160000")) {
			en->seen = true;
			if (c->r->submodules && S_ISDIR(st.st_mode))
				check_dir(c, rel);
			else if (c->r->submodules)
				problem(c, rel, "is no directory");
		} else if (S_ISDIR(st.st_mode) && en == NULL)
			check_dir(c, rel);
		else if (en == NULL)
			problem(c, rel, "is not in the commit");
		else {
			en->seen = true;
			c->out->files++;
			if ((bad = check_file(en, full, &st)) != NULL)
				problem(c, rel, bad);
		}
		free(full);
		free(rel);
	}
	if (dir != NULL)
		closedir(dir);
	if (n == 0 && *sub != '\0')
		problem(c, sub, "is not in the commit");
	free(path);
}

/* Add what must be there of a commit: of HEAD, or of a submodule. */
static int
list(void *cookie, const char *top, const char *rev, const char *store,
    struct err *e)
{
	const char *const args[] = { "ls-tree", "-r", "-z", "--full-tree", rev,
		NULL };
	struct check *c = cookie;
	struct proc_result res;
	int rc;

	rc = git_run(c->r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE, .dir = store, .keep = LISTING_MAX }, &res, e);
	if (rc == -1 && res.end == PROC_EXITED && res.code != 0) {
		problem(c, top != NULL ? top : "HEAD", e->text);
		rc = 0;
	} else if (rc == 0 && res.out.len > 0)
		rc = parse_listing(c, top, res.out.data, res.out.len, e);
	proc_result_free(&res);
	return (rc);
}

static void
done(struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i].path);
	free(c->list);
}

static int
check_tree(struct check *c, const char *head, struct err *e)
{
	struct err why;

	if (list(c, NULL, head, c->r->dir, e) == -1)
		return (-1);
	if (submodule_each(c->r, c->r->dir, head, list, c, &why) == -1) {
		if (c->r->fail == REPO_FAIL_STOPPED) {
			*e = why;
			return (-1);
		}
		problem(c, "submodules", why.text);
	}
	if (c->n > 0)
		qsort(c->list, c->n, sizeof(*c->list), by_path);
	check_dir(c, "");
	for (size_t i = 0; i < c->n; i++)
		if (!c->list[i].seen)
			problem(c, c->list[i].path, "is missing");
	return (0);
}

static int
check_clone(struct check *c, const char *head, struct err *e)
{
	const char *const args[] = { "fsck", "--full", "--no-dangling",
		"--no-progress", head, NULL };
	struct proc_result res;
	int rc = 0;

	if (git_run(c->r, &(struct git_cmd){ .args = args,
	    .where = GIT_CLONE }, &res, e) == -1) {
		if (res.end == PROC_EXITED && res.code != 0)
			problem(c, ".git", e->text);
		else
			rc = -1;
	}
	proc_result_free(&res);
	return (rc);
}

static int
check_cache(struct check *c, struct err *e)
{
	int rc = submodule_fsck(c->r, e);

	if (rc == 1)
		problem(c, "submodules", e->text);
	return (rc == -1 ? -1 : 0);
}

int
verify_run(struct repo *r, struct repo_verify *res, struct err *e)
{
	struct repo_verify out = { 0 };
	struct check c = { .r = r, .out = &out };
	char head[REPO_REV];
	bool touched;

	if (!gitdir_present(r->dir))
		return (git_fail(r, REPO_FAIL_DAMAGED, e, "there is no clone "
		    "in %s", r->dir));
	if (git_setup(r, e) == -1 ||
	    gitdir_scrub(r, r->dir, &touched, e) == -1)
		return (-1);
	if (touched)
		git_note(r, "removed from .git what did not belong there");
	if (gitdir_ref(r->dir, "HEAD", head) == -1)
		problem(&c, ".git/HEAD", "names no revision");
	else if (check_clone(&c, head, e) == -1 ||
	    check_tree(&c, head, e) == -1 || check_cache(&c, e) == -1) {
		done(&c);
		verify_free(&out);
		return (-1);
	}
	done(&c);
	out.sound = out.nproblems == 0;
	*res = out;
	return (0);
}

void
verify_free(struct repo_verify *v)
{
	buf_free(&v->text);
	*v = (struct repo_verify){ 0 };
}
