/*
 * Preloaded into the worker and its children: counts the calls that change a
 * file system and, at the one that FAULT_AT names, kills every process of the
 * session, as a power button would.  A write is cut in half first.
 *
 *	FAULT_COUNT	file of eight bytes, shared by all of them
 *	FAULT_AT	which call, from 1; 0: only count
 *	FAULT_ERRNO	fail that call and every later one with this instead
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static uint64_t at;
static int fail_with;

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("FAULT_COUNT"), *n = getenv("FAULT_AT");
	const char *error = getenv("FAULT_ERRNO");
	int fd;

	if (path == NULL || n == NULL)
		return;
	at = strtoull(n, NULL, 10);
	fail_with = error != NULL ? atoi(error) : 0;
	if ((fd = REAL(open)(path, O_RDWR | O_CLOEXEC)) == -1)
		abort();
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		abort();
	close(fd);
}

static void
kill_session(void)
{
	pid_t mine = getsid(0), self = getpid(), pid;
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc != NULL && (d = readdir(proc)) != NULL) {
		pid = (pid_t)atoi(d->d_name);
		if (pid > 0 && pid != self && getsid(pid) == mine)
			(void)kill(pid, SIGKILL);
	}
	(void)kill(self, SIGKILL);
	for (;;)
		pause();
}

/* Is this the call? */
static bool
due(void)
{
	return (count != NULL && atomic_fetch_add(count, 1) + 1 == at);
}

/* One call that changes something: -1 if it must fail. */
static int
step(void)
{
	uint64_t n;

	if (count == NULL)
		return (0);
	if (fail_with == 0) {
		if (due())
			kill_session();
		return (0);
	}
	n = atomic_fetch_add(count, 1) + 1;
	if (at == 0 || n < at)
		return (0);
	errno = fail_with;
	return (-1);
}

static bool
is_file(int fd)
{
	struct stat st;
	int saved = errno;
	bool yes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = saved;
	return (yes);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (count != NULL && is_file(fd)) {
		if (fail_with == 0 && due()) {
			(void)!REAL(write)(fd, p, n / 2);
			kill_session();
		}
		if (fail_with != 0 && step() == -1)
			return (-1);
	}
	return (REAL(write)(fd, p, n));
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t off)
{
	if (is_file(fd) && step() == -1)
		return (-1);
	return (REAL(pwrite)(fd, p, n, off));
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	if (is_file(fd) && step() == -1)
		return (-1);
	return (REAL(pwrite64)(fd, p, n, off));
}

#define OPEN(name)							\
int									\
name(const char *path, int flags, ...)					\
{									\
	va_list ap;							\
	mode_t mode;							\
									\
	va_start(ap, flags);						\
	mode = va_arg(ap, mode_t);					\
	va_end(ap);							\
	if ((flags & (O_CREAT | O_TRUNC)) != 0 && step() == -1)		\
		return (-1);						\
	return (REAL(name)(path, flags, mode));				\
}
OPEN(open)
OPEN(open64)

#define OPENAT(name)							\
int									\
name(int dir, const char *path, int flags, ...)				\
{									\
	va_list ap;							\
	mode_t mode;							\
									\
	va_start(ap, flags);						\
	mode = va_arg(ap, mode_t);					\
	va_end(ap);							\
	if ((flags & (O_CREAT | O_TRUNC)) != 0 && step() == -1)		\
		return (-1);						\
	return (REAL(name)(dir, path, flags, mode));			\
}
OPENAT(openat)
OPENAT(openat64)

/* Removing must work on a full disk, so it only counts for kills. */
static int
removal(void)
{
	return (fail_with == 0 ? step() : 0);
}

#define CALL(before, name, params, args)				\
int									\
name params								\
{									\
	if (before() == -1)						\
		return (-1);						\
	return (REAL(name) args);					\
}
CALL(removal, rename, (const char *a, const char *b), (a, b))
CALL(removal, renameat, (int x, const char *a, int y, const char *b),
    (x, a, y, b))
CALL(removal, renameat2, (int x, const char *a, int y, const char *b,
    unsigned f), (x, a, y, b, f))
CALL(removal, unlink, (const char *a), (a))
CALL(removal, unlinkat, (int x, const char *a, int f), (x, a, f))
CALL(removal, rmdir, (const char *a), (a))
CALL(removal, chmod, (const char *a, mode_t m), (a, m))
CALL(removal, fchmod, (int fd, mode_t m), (fd, m))
CALL(removal, ftruncate, (int fd, off_t n), (fd, n))
CALL(removal, truncate, (const char *a, off_t n), (a, n))
CALL(step, mkdir, (const char *a, mode_t m), (a, m))
CALL(step, mkdirat, (int x, const char *a, mode_t m), (x, a, m))
CALL(step, link, (const char *a, const char *b), (a, b))
CALL(step, symlink, (const char *a, const char *b), (a, b))
CALL(step, fsync, (int fd), (fd))
CALL(step, fdatasync, (int fd), (fd))
CALL(removal, futimens, (int fd, const struct timespec t[2]), (fd, t))
