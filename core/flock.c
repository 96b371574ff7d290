#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "flock.h"
#include "tick.h"

/*
 * flock_held looks by taking a shared lock for a moment: even one who does
 * not want to wait tries this long, in ms.
 */
#define SETTLE 20

static void
holder(int fd, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strspn(out, "0123456789")] = '\0';
}

/* Is the locked file still the one at ${path}? */
static bool
in_place(int fd, const char *path)
{
	struct stat a, b;

	return (fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static int
write_pid(int fd, const char *path, struct err *e)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) == -1 || file_write_all(fd, text, (size_t)n) == -1)
		return (err_sys(e, "write %s", path));
	return (0);
}

/* One attempt: a descriptor, or -1 with ERR_BUSY if it may be repeated. */
static int
attempt(const char *path, struct err *e)
{
	char pid[32];
	int fd;

	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return (err_sys(e, "open %s", path));
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK || errno == EINTR) {
			holder(fd, pid, sizeof(pid));
			err_set(e, ERR_BUSY, "%s is held by process %s", path,
			    pid[0] == '\0' ? "unknown" : pid);
		} else
			err_sys(e, "lock %s", path);
		goto err1;
	}
	if (!in_place(fd, path)) {
		err_set(e, ERR_BUSY, "%s was replaced", path);
		goto err1;
	}
	if (write_pid(fd, path, e) == -1)
		goto err1;
	return (fd);

err1:
	close(fd);
	return (-1);
}

int
flock_take(const char *path, int64_t wait_ms, struct err *e)
{
	int64_t end = tick_mono() + (wait_ms > SETTLE ? wait_ms : SETTLE);
	struct err local;
	int fd;

	while ((fd = attempt(path, &local)) == -1 && local.code == ERR_BUSY &&
	    tick_mono() < end)
		poll(NULL, 0, 5);
	if (fd == -1 && e != NULL)
		*e = local;
	return (fd);
}

int
flock_held(const char *path)
{
	int fd, held;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		held = 0;
	else
		held = errno == EWOULDBLOCK ? 1 : -1;
	close(fd);
	return (held);
}
