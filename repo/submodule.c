#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "gitmodules.h"
#include "str.h"
#include "submodule.h"
#include "tree.h"
#include "utf8.h"

#define LISTING_MAX (256 * 1024 * 1024)
#define MODULES_MAX (1024 * 1024)
#define DEPTH_MAX 8
#define COUNT_MAX 200
/* With more packs the cache is begun anew. */
#define PACKS_MAX 10

/* One submodule in its place. */
struct sub {
	const char *path;	/* in the whole tree */
	const char *rev;
	const char *url;	/* resolved */
	struct remote remote;	/* its parts */
};

struct walk {
	struct repo *r;
	char *store;
	const char *work;	/* writing: the top of the tree */
	submodule_fn *cb;
	void *cookie;
	int (*visit)(struct walk *, const struct sub *, struct err *);
	int count;
};

/* Say which one it was about; returns -1. */
static int
name(const char *path, struct err *e)
{
	struct buf b = { 0 };

	utf8_clean(&b, path, strlen(path));
	err_wrap(e, "submodule %s", b.data);
	buf_free(&b);
	return (-1);
}

static int
refuse(struct walk *w, const char *path, struct err *e, const char *why)
{
	struct buf b = { 0 };

	utf8_clean(&b, why, strlen(why));
	git_fail(w->r, REPO_FAIL_SUBMODULE, e, "%s", b.data);
	buf_free(&b);
	return (name(path, e));
}

/* An absent cache is made; one that is there is cleaned like the clone. */
static int
open_store(struct walk *w, size_t digits, struct err *e)
{
	const char *const init[] = { "init", "--quiet", "--template=",
		digits == 64 ? "--object-format=sha256" :
		"--object-format=sha1", "--", w->store, NULL };
	char tip[REPO_REV];
	struct repo as = *w->r;
	bool touched, fits;

	as.depth = 1;	/* it is shallow, whatever the clone is */
	as.sha256 = digits == 64;
	fits = gitdir_present(w->store) && (gitdir_ref(w->store, w->r->tracking,
	    tip) == -1 || strlen(tip) == digits);
	if (!fits && (file_rmtree(w->store, e) == -1 ||
	    git_run(w->r, &(struct git_cmd){ .args = init,
	    .where = GIT_NOWHERE }, NULL, e) == -1))
		return (-1);
	return (gitdir_scrub(&as, w->store, &touched, e));
}

static bool
have(struct walk *w, const char *rev)
{
	char *spec = str_printf("%s^{tree}", rev);
	const char *const args[] = { "cat-file", "-e", spec, NULL };
	enum repo_fail was = w->r->fail;
	struct err ignored;
	bool yes = git_run(w->r, &(struct git_cmd){ .args = args,
	    .where = GIT_CLONE, .dir = w->store, .quiet = true }, NULL,
	    &ignored) == 0;

	w->r->fail = was;
	free(spec);
	return (yes);
}

static int
look_for(struct walk *w, const struct sub *s, struct err *e)
{
	return (have(w, s->rev) ? 0 : err_set(e, ERR_NOTFOUND, "not there"));
}

/* On the repository's own server, and so with its credentials? */
static bool
same_server(const struct remote *a, const struct remote *b)
{
	return (a->proto == b->proto && a->port == b->port &&
	    (a->host == NULL || strcasecmp(a->host, b->host) == 0));
}

/* What may be asked at all, be it needed or not. */
static int
check_server(struct walk *w, const struct sub *s, struct err *e)
{
	if (s->remote.proto == REMOTE_HTTPS ||
	    same_server(&s->remote, &w->r->remote))
		return (0);
	return (refuse(w, s->path, e, "its URL is neither on the "
	    "repository's own server nor https://"));
}

static int
fetch_one(struct walk *w, const struct sub *s, struct err *e)
{
	char *spec = str_printf("+%s:%s", s->rev, w->r->tracking);
	const char *const args[] = { "fetch", "--quiet", "--no-tags",
		"--no-auto-gc", "--no-write-fetch-head", "--depth=1", "--",
		s->url, spec, NULL };
	struct repo as = *w->r;
	int rc = 0;

	as.remote = s->remote;
	if (!same_server(&s->remote, &w->r->remote))
		as.ssh_key = as.token_file = NULL;
	if (!have(w, s->rev) && git_run(&as, &(struct git_cmd){ .args = args,
	    .net = true, .where = GIT_CLONE, .dir = w->store }, NULL,
	    e) == -1) {
		w->r->fail = as.fail;
		rc = name(s->path, e);
	}
	free(spec);
	return (rc);
}

/* Is there a directory at each step of ${path}, and no link? */
static bool
real_dirs(const char *top, const char *path)
{
	char *full = file_join(top, path), *p = full + strlen(top) + 1;
	bool yes = true;
	struct stat st;

	while (yes && p != NULL) {
		if ((p = strchr(p, '/')) != NULL)
			*p = '\0';
		yes = lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
		if (p != NULL)
			*p++ = '/';
	}
	free(full);
	return (yes);
}

static int
write_one(struct walk *w, const struct sub *s, struct err *e)
{
	char *dir = file_join(w->work, s->path);
	int rc;

	if (!real_dirs(w->work, s->path))
		rc = refuse(w, s->path, e, "its place is no directory");
	else if ((rc = tree_write(w->r, w->store, s->rev, dir, e)) == -1)
		name(s->path, e);
	free(dir);
	return (rc);
}

static int
tell_one(struct walk *w, const struct sub *s, struct err *e)
{
	return (w->cb(w->cookie, s->path, s->rev, w->store, e));
}

static int	descend(struct walk *, const char *, const struct sub *, int,
		    struct err *);

/* Read .gitmodules of a commit. */
static int
modules_of(struct walk *w, const char *dir, const char *rev,
    struct proc_result *res, struct err *e)
{
	char *blob = str_printf("%s:.gitmodules", rev);
	const char *const args[] = { "config", "--blob", blob, "--no-includes",
		"-z", "--list", NULL };
	int rc = git_run(w->r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE, .dir = dir, .keep = MODULES_MAX }, res, e);

	free(blob);
	return (rc);
}

/* One gitlink "at" of a tree, with all that is inside it. */
static int
one(struct walk *w, const struct proc_result *modules, const struct sub *up,
    const char *at, const char *rev, int depth, struct err *e)
{
	struct sub s = { .rev = rev };
	char *url = gitmodules_url(modules->out.data != NULL ?
	    modules->out.data : "", modules->out.len, at), *full = NULL;
	char *path = up->path == NULL ? str_dup(at) : file_join(up->path, at);
	struct err why;
	int rc = -1;

	s.path = path;
	if (url == NULL)
		refuse(w, path, e, ".gitmodules has no URL for this path, or "
		    "more than one");
	else if (++w->count > COUNT_MAX || depth > DEPTH_MAX)
		refuse(w, path, e, "too many submodules, or too deep inside "
		    "each other");
	else if ((full = gitmodules_resolve(up->url, url, &why)) == NULL ||
	    remote_parse(full, &s.remote, &why) == -1)
		refuse(w, path, e, why.text);
	else {
		s.url = full;
		if (check_server(w, &s, e) == 0 && w->visit(w, &s, e) == 0)
			rc = descend(w, w->store, &s, depth + 1, e);
	}
	remote_done(&s.remote);
	free(path);
	free(full);
	free(url);
	return (rc);
}

/* "160000 SP commit SP REV TAB PATH": its revision and path, cut in place. */
static bool
gitlink(char *line, const char **rev, const char **path)
{
	char *tab = strchr(line, '\t'), *sp;

	if (tab == NULL || !str_prefix(line, "160000 commit "))
		return (false);
	*tab = '\0';
	sp = strrchr(line, ' ');
	*rev = sp + 1;
	*path = tab + 1;
	return (gitdir_is_rev(*rev));
}

/* All submodules of the commit ${up}, whose objects are in ${dir}. */
static int
descend(struct walk *w, const char *dir, const struct sub *up, int depth,
    struct err *e)
{
	const char *const args[] = { "ls-tree", "-r", "-z", "--full-tree",
		up->rev, NULL }, *rev, *path;
	struct proc_result res = { 0 }, modules = { 0 };
	bool read = false;
	char *p, *next;
	int rc;

	rc = git_run(w->r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE, .dir = dir, .keep = LISTING_MAX }, &res, e);
	for (p = res.out.data; rc == 0 && p != NULL &&
	    p < res.out.data + res.out.len; p = next) {
		next = p + strlen(p) + 1;
		if (!gitlink(p, &rev, &path))
			continue;
		if (!read)
			rc = modules_of(w, dir, up->rev, &modules, e);
		read = true;
		if (rc == -1)
			rc = refuse(w, path, e, ".gitmodules cannot be read");
		else
			rc = one(w, &modules, up, path, rev, depth, e);
	}
	proc_result_free(&modules);
	proc_result_free(&res);
	return (rc);
}

static int
begin(struct walk *w, const char *dir, const char *rev, struct err *e)
{
	struct sub top = { .rev = rev, .url = w->r->url };
	int rc;

	if (!w->r->submodules)
		return (0);
	w->store = file_join(w->r->home, "submodules");
	rc = open_store(w, strlen(rev), e);
	if (rc == 0)
		rc = descend(w, dir, &top, 1, e);
	free(w->store);
	return (rc);
}

int
submodule_drop(const struct repo *r, struct err *e)
{
	char *store = file_join(r->home, "submodules");
	int rc = file_rmtree(store, e);

	free(store);
	return (rc);
}

static bool
store_full(const struct repo *r)
{
	char *store = file_join(r->home, "submodules");
	bool full = gitdir_packs(store) > PACKS_MAX;

	free(store);
	return (full);
}

int
submodule_fetch(struct repo *r, const char *dir, const char *rev,
    struct err *e)
{
	struct walk look = { .r = r, .visit = look_for };
	struct walk first = { .r = r, .visit = fetch_one }, again = first;
	enum repo_fail was = r->fail;
	struct err ignored;

	if (begin(&look, dir, rev, &ignored) == 0)
		return (0);
	r->fail = was;
	if (store_full(r) && submodule_drop(r, e) == -1)
		return (-1);
	if (begin(&first, dir, rev, e) == 0)
		return (0);
	if (r->fail != REPO_FAIL_DAMAGED || submodule_drop(r, e) == -1)
		return (-1);
	return (begin(&again, dir, rev, e));
}

int
submodule_write(struct repo *r, const char *dir, const char *rev,
    const char *work, struct err *e)
{
	struct walk w = { .r = r, .visit = write_one, .work = work };
	struct err ignored;

	if (begin(&w, dir, rev, e) == 0)
		return (0);
	if (r->fail == REPO_FAIL_DAMAGED)
		(void)!submodule_drop(r, &ignored);
	return (-1);
}

int
submodule_each(struct repo *r, const char *dir, const char *rev,
    submodule_fn *cb, void *cookie, struct err *e)
{
	struct walk w = { .r = r, .visit = tell_one, .cb = cb,
		.cookie = cookie };

	return (begin(&w, dir, rev, e));
}

int
submodule_fsck(struct repo *r, struct err *e)
{
	static const char *const args[] = { "fsck", "--full", "--no-dangling",
		"--no-progress", NULL };
	struct walk w = { .r = r, .store = file_join(r->home, "submodules") };
	struct proc_result res = { 0 };
	char tip[REPO_REV];
	int rc = 0;

	if (r->submodules && gitdir_ref(w.store, r->tracking, tip) == 0 &&
	    (rc = open_store(&w, strlen(tip), e)) == 0)
		rc = git_run(r, &(struct git_cmd){ .args = args, .quiet = true,
		    .where = GIT_CLONE, .dir = w.store }, &res, e);
	if (rc == -1 && res.end == PROC_EXITED && res.code != 0)
		rc = 1;
	proc_result_free(&res);
	free(w.store);
	return (rc);
}
