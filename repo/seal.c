#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "gitdir.h"
#include "osinfo.h"
#include "platform.h"
#include "seal.h"
#include "str.h"

/* Deeper trees are not sealed; a path of git's is at most 4096 bytes. */
#define DEPTH_MAX 2100
#define SEAL_MAX (1024 * 1024 * 1024)

/* Half milliseconds to wait for a tick, which has at most ten. */
#define GRAIN_WAITS 40

struct walk {
	struct buf *out;
	int64_t newest;		/* change time, ns */
	struct err *e;
};

static int64_t
ctime_ns(const struct stat *st)
{
	struct timespec ts = platform_ctime(st);

	return (ts.tv_sec * 1000000000LL + ts.tv_nsec);
}

/*
 * The clock that file systems stamp with: that of the last tick where there is
 * such a one, which time.h tells.
 */
static int64_t
stamp_now(void)
{
	struct timespec ts;

#ifdef CLOCK_REALTIME_COARSE
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
#else
	clock_gettime(CLOCK_REALTIME, &ts);
#endif
	return (ts.tv_sec * 1000000000LL + ts.tv_nsec);
}

static void
add(struct walk *w, const char *name, const struct stat *st)
{
	int64_t v[6] = { (int64_t)st->st_mode, (int64_t)st->st_uid };

	/* A directory's time and size change with what is beside our part. */
	if (!S_ISDIR(st->st_mode)) {
		v[2] = (int64_t)st->st_size;
		v[3] = (int64_t)st->st_ino;
		v[4] = ctime_ns(st);
		v[5] = (int64_t)st->st_nlink;
		if (v[4] > w->newest)
			w->newest = v[4];
	}
	buf_add(w->out, name, strlen(name) + 1);
	buf_add(w->out, v, sizeof(v));
}

/* The names in a directory, sorted; takes ${fd}.  The caller frees. */
static int
names_of(int fd, char ***out, size_t *n, struct err *e)
{
	size_t cap = 0;
	struct dirent *d;
	DIR *dir;

	*out = NULL;
	*n = 0;
	if ((dir = fdopendir(fd)) == NULL) {
		err_sys(e, "read directory");
		close(fd);
		return (-1);
	}
	while ((d = readdir(dir)) != NULL) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		if (*n == cap) {
			cap = cap == 0 ? 32 : cap * 2;
			if ((*out = realloc(*out, cap * sizeof(**out))) == NULL)
				abort();
		}
		(*out)[(*n)++] = str_dup(d->d_name);
	}
	closedir(dir);
	if (*n > 0)
		qsort(*out, *n, sizeof(**out), str_order);
	return (0);
}

static int
walk_dir(struct walk *w, int at, const char *name, int depth,
    const char *skip)
{
	char **names;
	struct stat st;
	size_t n;
	int fd, rc = 0;

	if (depth > DEPTH_MAX)
		return (err_set(w->e, ERR_INPUT, "directories too deep"));
	if ((fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return (err_sys(w->e, "open %s", name));
	if (names_of(dup(fd), &names, &n, w->e) == -1) {
		close(fd);
		return (-1);
	}
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && !str_eq(names[i], skip)) {
			if (fstatat(fd, names[i], &st,
			    AT_SYMLINK_NOFOLLOW) == -1)
				rc = err_sys(w->e, "stat %s", names[i]);
			else {
				add(w, names[i], &st);
				if (S_ISDIR(st.st_mode))
					rc = walk_dir(w, fd, names[i],
					    depth + 1, NULL);
			}
		}
		free(names[i]);
	}
	buf_add(w->out, "/", 2);
	free(names);
	close(fd);
	return (rc);
}

typedef int	 look_fn(const char *dir, struct walk *);

static int
look_tree(const char *dir, struct walk *w)
{
	char *index = file_join(dir, ".git/index");
	struct stat st;
	int rc = walk_dir(w, AT_FDCWD, dir, 0, ".git");

	if (rc == 0 && lstat(index, &st) == 0)
		add(w, "index", &st);
	free(index);
	return (rc);
}

static int
look_store(const char *dir, struct walk *w)
{
	char *git = file_join(dir, ".git");
	int rc = walk_dir(w, AT_FDCWD, git, 0, "index");

	free(git);
	return (rc);
}

/* Wait until what is written gets a later stamp than ${stamp}. */
static void
await(int64_t stamp)
{
	for (int i = 0; i < GRAIN_WAITS && stamp_now() <= stamp; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
}

/*
 * What changes later in the same tick would keep its stamp: if something did
 * change in this one, wait for the next and look again.
 */
static int
look(look_fn *fn, const char *dir, struct buf *out, struct err *e)
{
	struct walk w = { .out = out, .e = e };
	int64_t start = stamp_now();

	buf_clear(out);
	if (fn(dir, &w) == -1)
		return (err_wrap(e, "look through %s", dir));
	if (w.newest < start)
		return (0);
	await(w.newest);
	buf_clear(out);
	if (fn(dir, &w) == -1)
		return (err_wrap(e, "look through %s", dir));
	return (0);
}

/* git writes the index last: a look in a later tick need not be repeated. */
static void
await_tick(const char *dir)
{
	char *index = file_join(dir, ".git/index");
	struct stat st;

	if (lstat(index, &st) == 0)
		await(ctime_ns(&st));
	free(index);
}

int
seal_store(const char *dir, struct buf *out, struct err *e)
{
	return (look(look_store, dir, out, e));
}

struct seal_look {
	char *dir;
	struct buf tree;
	struct err e;
	int rc;
	bool threaded;
	pthread_t thread;
};

static void *
look_thread(void *cookie)
{
	struct seal_look *l = cookie;

	l->rc = look(look_tree, l->dir, &l->tree, &l->e);
	return (NULL);
}

struct seal_look *
seal_look_start(const char *dir)
{
	struct seal_look *l = str_alloc(sizeof(*l));

	*l = (struct seal_look){ .dir = str_dup(dir) };
	l->threaded = pthread_create(&l->thread, NULL, look_thread, l) == 0;
	if (!l->threaded)
		look_thread(l);
	return (l);
}

int
seal_look_end(struct seal_look **lp, struct buf *tree, struct err *e)
{
	struct seal_look *l = *lp;
	int rc;

	*lp = NULL;
	if (l->threaded)
		pthread_join(l->thread, NULL);
	if ((rc = l->rc) == -1)
		*e = l->e;
	else {
		buf_free(tree);
		*tree = l->tree;
		l->tree = (struct buf){ 0 };
	}
	buf_free(&l->tree);
	free(l->dir);
	free(l);
	return (rc);
}

void
seal_boot(char out[SEAL_BOOT])
{
	char *id = osinfo_boot_id();

	snprintf(out, SEAL_BOOT, "%s", id);
	free(id);
}

int
seal_make(const struct repo *r, const char *dir, struct seal *out,
    struct err *e)
{
	struct seal s = { 0 };

	await_tick(dir);
	/* The store last: it is what was written last. */
	if (look(look_tree, dir, &s.tree, e) == -1 ||
	    seal_store(dir, &s.store, e) == -1) {
		seal_done(&s);
		return (-1);
	}
	if (gitdir_ref(dir, "HEAD", s.head) == -1)
		s.head[0] = '\0';
	seal_boot(s.boot);
	s.url = str_dup(r->url);
	s.branch = str_dup(r->branch);
	s.submodules = r->submodules;
	*out = s;
	return (0);
}

bool
seal_same(const struct buf *a, const struct buf *b)
{
	return (a->len == b->len && a->len > 0 &&
	    memcmp(a->data, b->data, a->len) == 0);
}

static void
copy_str(char *out, size_t size, const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));

	if (s != NULL && strlen(s) < size)
		memcpy(out, s, strlen(s) + 1);
}

/* A line of JSON, then the two halves, whose lengths it holds. */
static void
parse(const struct buf *b, struct seal *out)
{
	const char *nl = b->len == 0 ? NULL : memchr(b->data, '\n', b->len);
	size_t head, tree;
	json_t *obj;

	if (nl == NULL)
		return;
	head = (size_t)(nl - b->data);
	if ((obj = json_loadb(b->data, head++, 0, NULL)) == NULL)
		return;
	tree = (size_t)json_integer_value(json_object_get(obj, "tree"));
	if (tree <= b->len - head) {
		buf_add(&out->tree, b->data + head, tree);
		buf_add(&out->store, b->data + head + tree,
		    b->len - head - tree);
	}
	out->url = str_dup(json_string_value(json_object_get(obj, "url")));
	out->branch = str_dup(json_string_value(
	    json_object_get(obj, "branch")));
	out->submodules = json_is_true(json_object_get(obj, "submodules"));
	copy_str(out->head, sizeof(out->head), obj, "head");
	copy_str(out->boot, sizeof(out->boot), obj, "boot");
	json_decref(obj);
}

void
seal_load(const struct repo *r, struct seal *out)
{
	char *path = file_join(r->home, "seal");
	struct buf b = { 0 };

	*out = (struct seal){ 0 };
	if (file_read(path, SEAL_MAX, &b, NULL) == 0)
		parse(&b, out);
	buf_free(&b);
	free(path);
}

/*
 * Replace a file without flushing it: after a power cut the seal counts for
 * nothing anyway.
 */
static int
replace(const char *path, const struct buf *b, struct err *e)
{
	char *tmp = str_printf("%s.tmp", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600), rc = 0;

	if (fd == -1)
		rc = err_sys(e, "open %s", tmp);
	else {
		if (file_write_all(fd, b->data, b->len) == -1)
			rc = err_sys(e, "write %s", tmp);
		if (close(fd) == -1 && rc == 0)
			rc = err_sys(e, "write %s", tmp);
		if (rc == 0 && rename(tmp, path) == -1)
			rc = err_sys(e, "rename %s", tmp);
		if (rc == -1)
			(void)unlink(tmp);
	}
	free(tmp);
	return (rc);
}

int
seal_save(const struct repo *r, const struct seal *s, struct err *e)
{
	char *path = file_join(r->home, "seal"), *text;
	json_t *obj = json_pack("{s:s*, s:s*, s:b, s:s, s:s, s:I}", "url",
	    s->url, "branch", s->branch, "submodules", s->submodules, "head",
	    s->head, "boot", s->boot, "tree", (json_int_t)s->tree.len);
	struct buf b = { 0 };
	int rc;

	/* A URL that is no UTF-8 cannot be written: no seal, all is checked. */
	if (obj == NULL || (text = json_dumps(obj, JSON_COMPACT)) == NULL)
		text = str_dup("{}");
	buf_addf(&b, "%s\n", text);
	buf_add(&b, s->tree.data, s->tree.len);
	buf_add(&b, s->store.data, s->store.len);
	rc = replace(path, &b, e);
	buf_free(&b);
	free(text);
	json_decref(obj);
	free(path);
	return (rc);
}

void
seal_done(struct seal *s)
{
	free(s->url);
	free(s->branch);
	buf_free(&s->tree);
	buf_free(&s->store);
	*s = (struct seal){ 0 };
}
