#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "metrics.h"
#include "tick.h"

#define FRESH 30000	/* ms */

/* One number from a small regular file; false if it is old or not one. */
static bool
number_from(int dirfd, const char *name, int64_t now, double *out)
{
	char text[64], *end;
	struct stat st;
	double value;
	ssize_t n;
	int fd;

	/* Not blocking: the directory is one that anybody may write to. */
	if ((fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK)) == -1)
		return (false);
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    now - (int64_t)st.st_mtime * 1000 <= FRESH ?
	    read(fd, text, sizeof(text) - 1) : -1;
	close(fd);
	if (n <= 0)
		return (false);
	text[n] = '\0';
	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno != 0 || !isfinite(value) || value < 0)
		return (false);
	*out = value;
	return (true);
}

bool
metrics_read_dir(const char *dir, int64_t now, struct metrics *m)
{
	struct metrics new = { 0 };
	bool ok;
	int fd;

	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (false);
	ok = number_from(fd, "cpu", now, &new.cpu);
	ok = number_from(fd, "ram", now, &new.ram) || ok;
	ok = number_from(fd, "swap", now, &new.swap) || ok;
	ok = number_from(fd, "load", now, &new.load) || ok;
	close(fd);
	if (!ok || (new.cpu <= 0 && new.ram <= 0 && new.swap <= 0 &&
	    new.load <= 0))
		return (false);
	*m = new;
	return (true);
}

/* Linux's iowait, not counted as busy, may go backwards. */
double
metrics_cpu(struct metrics_state *s, uint64_t busy, uint64_t total)
{
	double cpu = 0;

	if (s->total != 0 && total > s->total && busy >= s->busy)
		cpu = 100.0 * (double)(busy - s->busy) /
		    (double)(total - s->total);
	s->busy = busy;
	s->total = total;
	return (cpu);
}

bool
metrics_read(struct metrics_state *s, struct metrics *m)
{
	return (metrics_read_dir(metrics_stasysmo, tick_wall(), m) ||
	    metrics_kernel(s, m));
}
