#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

/* Deeper directories are moved up before their removal. */
#define RM_DEPTH 64

static int
open_regular(const char *path, struct err *e)
{
	struct stat st;
	int fd;

	/* Without O_NONBLOCK a FIFO of that name would hold us up. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return (err_sys(e, "open %s", path));
	if (fstat(fd, &st) == -1) {
		err_sys(e, "stat %s", path);
		goto err1;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_INPUT, "%s is not a regular file", path);
		goto err1;
	}
	return (fd);

err1:
	close(fd);
	return (-1);
}

/* Next part of a file; 0 at its end. */
static ssize_t
read_part(int fd, char *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got == -1 && errno == EINTR);
	return (got);
}

int
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	char part[16384];
	size_t before = out->len;
	ssize_t n;
	int fd;

	if ((fd = open_regular(path, e)) == -1)
		return (-1);
	while ((n = read_part(fd, part, sizeof(part))) > 0) {
		if ((size_t)n > max - (out->len - before)) {
			err_set(e, ERR_INPUT, "%s is larger than %zu bytes",
			    path, max);
			goto err1;
		}
		buf_add(out, part, (size_t)n);
	}
	if (n == -1) {
		err_sys(e, "read %s", path);
		goto err1;
	}
	close(fd);
	return (0);

err1:
	close(fd);
	if (out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return (-1);
}

int
file_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		if ((done = write(fd, at, n)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		at += done;
		n -= (size_t)done;
	}
	return (0);
}

static int
sync_fd(int fd)
{
#ifdef F_FULLFSYNC
	/* fsync on macOS does not flush the disk's own cache. */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return (0);
#endif
	return (fsync(fd));
}

int
file_sync_dir(const char *path, struct err *e)
{
	char *dir = file_dirname(path);
	int fd, rc = 0;

	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		rc = err_sys(e, "open %s", dir);
	} else {
		/* Some file systems cannot sync directories. */
		if (sync_fd(fd) == -1 && errno != EINVAL && errno != ENOTSUP)
			rc = err_sys(e, "sync %s", dir);
		close(fd);
	}
	free(dir);
	return (rc);
}

static char *
temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = slash == NULL ? 0 : (int)(slash + 1 - path);

	return (str_printf("%.*s.%s.XXXXXX", n, path, path + n));
}

int
file_write(const char *path, const void *data, size_t len, mode_t mode,
    struct err *e)
{
	char *tmp = temporary_name(path);
	int fd;

	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1) {
		err_sys(e, "make a temporary file for %s", path);
		goto err1;
	}
	if (fchmod(fd, mode) == -1 || file_write_all(fd, data, len) == -1 ||
	    sync_fd(fd) == -1) {
		err_sys(e, "write %s", path);
		goto err3;
	}
	if (close(fd) == -1) {
		err_sys(e, "write %s", path);
		goto err2;
	}
	if (rename(tmp, path) == -1) {
		err_sys(e, "rename to %s", path);
		goto err2;
	}
	free(tmp);
	return (file_sync_dir(path, e));

err3:
	close(fd);
err2:
	unlink(tmp);
err1:
	free(tmp);
	return (-1);
}

/* 1 if it was made, 0 if it was there. */
static int
make_dir(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) == 0)
		return (1);
	if (errno != EEXIST)
		return (err_sys(e, "make directory %s", path));
	if (!file_is_dir(path))
		return (err_set(e, ERR_INPUT,
		    "%s is in the way: not a directory", path));
	return (0);
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char *p = str_dup(path);
	size_t n = strlen(p);
	int made = 0;

	while (n > 1 && p[n - 1] == '/')
		p[--n] = '\0';
	for (char *at = p + 1; n > 0 && (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if ((made = make_dir(p, 0755, e)) == -1)
			goto out;
		*at = '/';
	}
	if ((made = make_dir(p, mode, e)) == 1 && chmod(p, mode) == -1)
		made = err_sys(e, "chmod %s", p);
out:
	free(p);
	return (made == -1 ? -1 : 0);
}

struct removal {
	const char *path;	/* for people */
	dev_t dev;
	int top;		/* where directories that are too deep go */
	unsigned moved;
	bool again;		/* something was moved to the top */
};

static int remove_entries(struct removal *, int, int, struct err *);

/* A directory that we may list and change, whatever its mode was. */
static int
open_dir(int at, const char *name, mode_t mode)
{
	if ((mode & S_IRWXU) != S_IRWXU && fchmodat(at, name, S_IRWXU, 0) == -1)
		return (-1);
	return (openat(at, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static int
remove_dir(struct removal *r, int at, const char *name, mode_t mode, int depth,
    struct err *e)
{
	char moved[32];
	int fd;

	if ((fd = open_dir(at, name, mode)) == -1)
		return (err_sys(e, "open %s in %s", name, r->path));
	if (depth < RM_DEPTH) {
		if (remove_entries(r, fd, depth + 1, e) == -1)
			return (-1);
		if (unlinkat(at, name, AT_REMOVEDIR) == -1)
			return (err_sys(e, "remove %s in %s", name, r->path));
		return (0);
	}
	close(fd);
	do
		snprintf(moved, sizeof(moved), ".deep-%u", r->moved++);
	while (faccessat(r->top, moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	if (renameat(at, name, r->top, moved) == -1)
		return (err_sys(e, "move %s in %s", name, r->path));
	r->again = true;
	return (0);
}

static int
remove_entry(struct removal *r, int at, const char *name, int depth,
    struct err *e)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return (errno == ENOENT ? 0 :
		    err_sys(e, "stat %s in %s", name, r->path));
	if (st.st_dev != r->dev)
		return (err_set(e, ERR_REFUSED,
		    "%s in %s is another file system: unmount it first", name,
		    r->path));
	if (S_ISDIR(st.st_mode))
		return (remove_dir(r, at, name, st.st_mode, depth, e));
	if (unlinkat(at, name, 0) == -1 && errno != ENOENT)
		return (err_sys(e, "remove %s in %s", name, r->path));
	return (0);
}

/* Empty a directory; takes ${fd}. */
static int
remove_entries(struct removal *r, int fd, int depth, struct err *e)
{
	struct dirent *d;
	DIR *dir;
	int rc = 0;

	if ((dir = fdopendir(fd)) == NULL) {
		err_sys(e, "list %s", r->path);
		close(fd);
		return (-1);
	}
	while (rc == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			rc = remove_entry(r, fd, d->d_name, depth, e);
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "list %s", r->path);
	closedir(dir);
	return (rc);
}

static int
remove_tree(const char *path, const struct stat *st, struct err *e)
{
	struct removal r = { .path = path, .dev = st->st_dev };
	int fd, rc;

	if ((r.top = open_dir(AT_FDCWD, path, st->st_mode)) == -1)
		return (err_sys(e, "open %s", path));
	do {
		r.again = false;
		if ((fd = openat(r.top, ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
			rc = err_sys(e, "open %s", path);
			break;
		}
		rc = remove_entries(&r, fd, 1, e);
	} while (rc == 0 && r.again);
	close(r.top);
	if (rc == 0 && rmdir(path) == -1)
		rc = err_sys(e, "remove %s", path);
	return (rc);
}

int
file_rmtree(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return (errno == ENOENT ? 0 : err_sys(e, "stat %s", path));
	if (S_ISDIR(st.st_mode))
		return (remove_tree(path, &st, e));
	if (unlink(path) == -1 && errno != ENOENT)
		return (err_sys(e, "remove %s", path));
	return (0);
}

bool
file_exists(const char *path)
{
	struct stat st;

	return (lstat(path, &st) == 0);
}

bool
file_is_dir(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

char *
file_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	return (str_printf("%.*s/%s", (int)n, a, b));
}

char *
file_dirname(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0)
		return (str_dup("."));
	while (n > 1 && path[n - 1] == '/')
		n--;
	return (str_ndup(path, n));
}
