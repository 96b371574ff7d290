#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "gitdir.h"
#include "str.h"

#define SMALL_MAX (64 * 1024)
#define PACKED_MAX (64 * 1024 * 1024)

/* All that may be in .git; the rest is not ours. */
static const struct {
	const char *name;
	mode_t type;
} entries[] = {
	{ "HEAD", S_IFREG },
	{ "config", S_IFREG },
	{ "index", S_IFREG },
	{ "shallow", S_IFREG },
	{ "objects", S_IFDIR },
	{ "refs", S_IFDIR },
	{ "info", S_IFDIR },
	{ "packed-refs", S_IFREG },
	{ "ORIG_HEAD", S_IFREG },
};
#define NENTRIES (sizeof(entries) / sizeof(entries[0]))

/*
 * info/attributes beats every .gitattributes, so no line ending, keyword or
 * filter is applied and the tree is the commit byte for byte.
 */
static const char attributes[] =
	"* -text -ident -filter !eol !working-tree-encoding -export-subst\n";

struct scrub {
	const struct repo *r;
	const char *dir;
	bool touched;
	struct err *e;
};

bool
gitdir_is_rev(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return (s[n] == '\0' && (n == 40 || n == 64));
}

bool
gitdir_present(const char *dir)
{
	static const char *const dirs[] = { "", "/.git", "/.git/objects",
		"/.git/refs" };
	struct stat st;
	bool yes = true;
	char *path;

	for (size_t i = 0; yes && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		path = str_printf("%s%s", dir, dirs[i]);
		yes = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
		free(path);
	}
	return (yes);
}

int
gitdir_packs(const char *dir)
{
	char *path = file_join(dir, ".git/objects/pack");
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0;

	while (d != NULL && (entry = readdir(d)) != NULL)
		n += str_suffix(entry->d_name, ".pack");
	if (d != NULL)
		closedir(d);
	free(path);
	return (n);
}

/* The first line of a small file in .git, or NULL. */
static char *
read_line(const char *dir, const char *name)
{
	char *path = str_printf("%s/.git/%s", dir, name), *s = NULL;
	struct buf b = { 0 };

	if (file_read(path, SMALL_MAX, &b, NULL) == 0 && b.len > 0) {
		b.data[strcspn(b.data, "\n")] = '\0';
		s = str_dup(b.data);
	}
	buf_free(&b);
	free(path);
	return (s);
}

/* A line of packed-refs is "REV SP NAME"; '#' and '^' begin others. */
static int
packed_ref(const char *dir, const char *ref, char rev[REPO_REV])
{
	char *path = str_printf("%s/.git/packed-refs", dir), *line, *save, *sp;
	struct buf b = { 0 };
	int rc = -1;

	if (file_read(path, PACKED_MAX, &b, NULL) == 0 && b.len > 0)
		for (line = strtok_r(b.data, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save)) {
			if ((sp = strchr(line, ' ')) == NULL ||
			    !str_eq(sp + 1, ref))
				continue;
			*sp = '\0';
			if (gitdir_is_rev(line)) {
				memcpy(rev, line, strlen(line) + 1);
				rc = 0;
			}
			break;
		}
	buf_free(&b);
	free(path);
	return (rc);
}

int
gitdir_ref(const char *dir, const char *ref, char rev[REPO_REV])
{
	char *s = read_line(dir, ref), *target;
	int rc = -1;

	if (s == NULL)
		return (packed_ref(dir, ref, rev));
	if (str_eq(ref, "HEAD") && str_prefix(s, "ref: ")) {
		target = s + 5;
		if (str_prefix(target, "refs/heads/") &&
		    remote_branch_check(target + 11, NULL) == 0)
			rc = gitdir_ref(dir, target, rev);
	} else if (gitdir_is_rev(s)) {
		memcpy(rev, s, strlen(s) + 1);
		rc = 0;
	}
	free(s);
	return (rc);
}

static int
drop(struct scrub *s, const char *path)
{
	s->touched = true;
	return (file_rmtree(path, s->e));
}

/* Write ${text} into .git/${name} unless it is there already. */
static int
put(struct scrub *s, const char *name, const char *text)
{
	char *path = str_printf("%s/.git/%s", s->dir, name);
	char *parent = file_dirname(path);
	struct buf b = { 0 };
	struct stat st;
	int rc = 0;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    file_read(path, SMALL_MAX, &b, NULL) == 0 &&
	    b.len == strlen(text) && memcmp(b.data, text, b.len) == 0)
		goto out;
	s->touched = true;
	if (file_mkdirs(parent, 0700, s->e) == -1 ||
	    file_write(path, text, strlen(text), 0600, s->e) == -1)
		rc = -1;
out:
	buf_free(&b);
	free(parent);
	free(path);
	return (rc);
}

/* Open a directory of ours, also if its mode keeps us out. */
static DIR *
open_dir(struct scrub *s, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 0700) != 0700 && chmod(path, 0700) == 0)
		s->touched = true;
	return (opendir(path));
}

typedef bool	 keep_fn(const struct scrub *, const char *name, mode_t);

/* Remove from .git/${sub} all that ${keep} does not want. */
static int
sweep(struct scrub *s, const char *sub, keep_fn *keep)
{
	char *path = str_printf("%s/.git%s", s->dir, sub), *p;
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int rc = 0;

	if ((dir = open_dir(s, path)) == NULL) {
		if (errno != ENOENT)
			rc = err_sys(s->e, "open %s", path);
		free(path);
		return (rc);
	}
	while (rc == 0 && (d = readdir(dir)) != NULL) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 &&
		    keep(s, d->d_name, st.st_mode & S_IFMT))
			continue;
		p = file_join(path, d->d_name);
		rc = drop(s, p);
		free(p);
	}
	closedir(dir);
	free(path);
	return (rc);
}

/* Only revisions, one a line: with anything else git does nothing at all. */
static bool
shallow_ok(const char *dir)
{
	char *path = str_printf("%s/.git/shallow", dir), *line, *save;
	struct buf b = { 0 };
	bool yes = file_read(path, PACKED_MAX, &b, NULL) == 0 && b.len > 0;

	for (line = yes ? strtok_r(b.data, "\n", &save) : NULL;
	    yes && line != NULL; line = strtok_r(NULL, "\n", &save))
		yes = gitdir_is_rev(line);
	buf_free(&b);
	free(path);
	return (yes);
}

static bool
keep_top(const struct scrub *s, const char *name, mode_t type)
{
	for (size_t i = 0; i < NENTRIES; i++)
		if (str_eq(entries[i].name, name))
			return (entries[i].type == type &&
			    (!str_eq(name, "shallow") || shallow_ok(s->dir)));
	return (false);
}

bool
gitdir_plain(const char *dir)
{
	struct stat st;
	bool yes = true;
	char *path;

	for (size_t i = 0; yes && i < NENTRIES; i++) {
		path = str_printf("%s/.git/%s", dir, entries[i].name);
		yes = lstat(path, &st) == -1 ||
		    (st.st_mode & S_IFMT) == entries[i].type;
		free(path);
	}
	return (yes);
}

static bool
is_hex(const char *s, size_t n)
{
	return (strlen(s) >= n && strspn(s, "0123456789abcdef") >= n);
}

static bool
keep_objects(const struct scrub *s, const char *name, mode_t type)
{
	(void)s;
	return (type == S_IFDIR && (str_eq(name, "pack") ||
	    str_eq(name, "info") || (is_hex(name, 2) && name[2] == '\0')));
}

/* No ".keep" and ".promisor": both hide that something is missing. */
static bool
keep_pack(const struct scrub *s, const char *name, mode_t type)
{
	(void)s;
	return (type == S_IFREG && str_prefix(name, "pack-") &&
	    (str_suffix(name, ".pack") || str_suffix(name, ".idx") ||
	    str_suffix(name, ".rev")));
}

static bool
keep_loose(const struct scrub *s, const char *name, mode_t type)
{
	(void)s;
	return (type == S_IFREG && is_hex(name, 38));
}

/* alternates point elsewhere; the rest of objects/info only speeds up. */
static bool
keep_none(const struct scrub *s, const char *name, mode_t type)
{
	(void)s;
	(void)name;
	(void)type;
	return (false);
}

static bool
keep_info(const struct scrub *s, const char *name, mode_t type)
{
	(void)s;
	return (type == S_IFREG && str_eq(name, "attributes"));
}

static int
sweep_objects(struct scrub *s)
{
	char *path = str_printf("%s/.git/objects", s->dir), sub[16];
	struct dirent *d;
	DIR *dir;
	int rc = -1;

	if (sweep(s, "/objects", keep_objects) == -1 ||
	    sweep(s, "/objects/pack", keep_pack) == -1 ||
	    sweep(s, "/objects/info", keep_none) == -1)
		goto out;
	if ((dir = opendir(path)) == NULL) {
		err_sys(s->e, "open %s", path);
		goto out;
	}
	for (rc = 0; rc == 0 && (d = readdir(dir)) != NULL;)
		if (is_hex(d->d_name, 2) && d->d_name[2] == '\0') {
			snprintf(sub, sizeof(sub), "/objects/%.2s", d->d_name);
			rc = sweep(s, sub, keep_loose);
		}
	closedir(dir);
out:
	free(path);
	return (rc);
}

/* Is ${name} one of our two references, or a directory on the way there? */
static bool
ref_wanted(const struct scrub *s, const char *name, bool isdir)
{
	size_t n = strlen(name);
	char *head = str_printf("refs/heads/%s", s->r->branch);
	const char *const want[] = { head, s->r->tracking };
	bool yes = false;

	for (size_t i = 0; i < 2; i++)
		yes |= isdir ? strncmp(want[i], name, n) == 0 &&
		    want[i][n] == '/' : str_eq(want[i], name);
	free(head);
	return (yes);
}

/* Remove below .git/${name} what is not on the way to our references. */
static int
sweep_refs(struct scrub *s, const char *name)
{
	char *path = str_printf("%s/.git/%s", s->dir, name), *sub, *full;
	char rev[REPO_REV];
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int rc = 0;

	if ((dir = open_dir(s, path)) == NULL)
		rc = err_sys(s->e, "open %s", path);
	while (rc == 0 && dir != NULL && (d = readdir(dir)) != NULL) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		sub = file_join(name, d->d_name);
		full = file_join(path, d->d_name);
		if (fstatat(dirfd(dir), d->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1)
			rc = err_sys(s->e, "stat %s", full);
		else if (S_ISDIR(st.st_mode) && ref_wanted(s, sub, true))
			rc = sweep_refs(s, sub);
		else if (!S_ISREG(st.st_mode) || !ref_wanted(s, sub, false) ||
		    gitdir_ref(s->dir, sub, rev) == -1)
			rc = drop(s, full);
		free(full);
		free(sub);
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
	return (rc);
}

static int
put_ref(struct scrub *s, const char *ref, const char *rev)
{
	char *text;
	int rc;

	if (rev[0] == '\0')
		return (0);
	text = str_printf("%s\n", rev);
	rc = put(s, ref, text);
	free(text);
	return (rc);
}

int
gitdir_move_branch(const struct repo *r, const char *dir, const char *rev,
    struct err *e)
{
	struct scrub s = { .r = r, .dir = dir, .e = e };
	char *ref = str_printf("refs/heads/%s", r->branch);
	int rc = put_ref(&s, ref, rev);

	free(ref);
	return (rc);
}

/*
 * HEAD is made to point at the branch without moving: first it holds the
 * revision itself, so that a crash in between loses nothing.
 */
static int
normalise_refs(struct scrub *s, const char *head, const char *tip)
{
	char *ref = str_printf("refs/heads/%s", s->r->branch);
	char *text = str_printf("ref: %s\n", ref);
	char *packed = str_printf("%s/.git/packed-refs", s->dir);
	char *now = read_line(s->dir, "HEAD");
	bool other = now == NULL || !str_prefix(now, "ref: ") ||
	    !str_eq(now + 5, ref);
	int rc = -1;

	if (other && put_ref(s, "HEAD", head) == -1)
		goto out;
	if (sweep_refs(s, "refs") == -1 ||
	    put_ref(s, ref, head) == -1 ||
	    put_ref(s, s->r->tracking, tip) == -1 ||
	    put(s, "HEAD", text) == -1)
		goto out;
	rc = file_exists(packed) ? drop(s, packed) : 0;
out:
	free(now);
	free(packed);
	free(text);
	free(ref);
	return (rc);
}

/* A value of git's configuration in quotes. */
static void
add_quoted(struct buf *b, const char *v)
{
	buf_adds(b, "\"");
	for (; *v != '\0'; v++) {
		if (*v == '"' || *v == '\\')
			buf_adds(b, "\\");
		buf_add(b, v, 1);
	}
	buf_adds(b, "\"\n");
}

static int
put_config(struct scrub *s, bool sha256)
{
	struct buf b = { 0 };
	int rc;

	buf_addf(&b, "# Written by nixfleet before every run.\n[core]\n"
	    "\trepositoryformatversion = %d\n\tfilemode = true\n"
	    "\tbare = false\n\tlogallrefupdates = false\n"
	    "\thooksPath = /dev/null\n\tfsmonitor = false\n"
	    "[gc]\n\tauto = 0\n", sha256);
	if (sha256)
		buf_adds(&b, "[extensions]\n\tobjectformat = sha256\n");
	buf_adds(&b, "[remote \"origin\"]\n\ttagOpt = --no-tags\n\turl = ");
	add_quoted(&b, s->r->url);
	buf_adds(&b, "\tfetch = ");
	add_quoted(&b, s->r->refspec);
	buf_addf(&b, "[branch \"%s\"]\n\tremote = origin\n\tmerge = ",
	    s->r->branch);
	buf_addf(&b, "refs/heads/%s\n", s->r->branch);
	rc = put(s, "config", b.data);
	buf_free(&b);
	return (rc);
}

int
gitdir_scrub(const struct repo *r, const char *dir, bool *touched,
    struct err *e)
{
	struct scrub s = { .r = r, .dir = dir, .e = e };
	char head[REPO_REV] = "", tip[REPO_REV] = "";
	const char *name;

	if (gitdir_ref(dir, "HEAD", head) == -1)
		head[0] = '\0';
	if (gitdir_ref(dir, r->tracking, tip) == -1)
		tip[0] = '\0';
	name = head[0] != '\0' ? head : tip;
	if (sweep(&s, "", keep_top) == -1 ||
	    sweep(&s, "/info", keep_info) == -1 ||
	    sweep_objects(&s) == -1 ||
	    normalise_refs(&s, head, tip) == -1 ||
	    put(&s, "info/attributes", attributes) == -1 ||
	    put_config(&s, name[0] != '\0' ? strlen(name) == 64 :
	    r->sha256) == -1)
		return (err_wrap(e, "clean %s/.git", dir));
	*touched = s.touched;
	return (0);
}
