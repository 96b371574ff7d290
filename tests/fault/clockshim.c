/*
 * Preloaded into programs: their clocks are so many seconds off as the file
 * that CLOCK_OFFSET names says (eight bytes in the machine's order for each),
 * which may change at any time.  First the wall clock, as if somebody had set
 * it; then, if the file is that long, CLOCK_BOOTTIME, as if the machine had
 * slept.  Every other clock is left alone.
 */
#include <sys/mman.h>
#include <sys/time.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WALL, BOOT, NOFFSETS };
static _Atomic int64_t *offsets;

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("CLOCK_OFFSET");
	int fd;

	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	/* What is behind the end of the file reads as zeroes. */
	offsets = mmap(NULL, NOFFSETS * sizeof(*offsets), PROT_READ,
	    MAP_SHARED, fd, 0);
	if (offsets == MAP_FAILED)
		abort();
	close(fd);
}

static time_t
jump(int which)
{
	return (offsets == NULL ? 0 : (time_t)atomic_load(&offsets[which]));
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = REAL(clock_gettime)(clock, ts);

	if (r == 0 &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += jump(WALL);
	if (r == 0 && clock == CLOCK_BOOTTIME)
		ts->tv_sec += jump(BOOT);
	return (r);
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		return (-1);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
	return (0);
}

time_t
time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		return (-1);
	if (out != NULL)
		*out = ts.tv_sec;
	return (ts.tv_sec);
}
