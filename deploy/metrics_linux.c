#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics.h"

const char metrics_stasysmo[] = "/dev/shm/stasysmo";

/* The start of a file as a string. */
static bool
head_of(const char *path, char *buf, size_t size)
{
	ssize_t n = -1;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	return (n > 0);
}

/* Fields of the first line of /proc/stat, proc(5). */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, NFIELDS };

static bool
read_cpu(struct metrics_state *s, double *cpu)
{
	uint64_t v[NFIELDS] = { 0 }, total = 0;
	char text[512], *p = text + 3, *end;
	int i;

	if (!head_of("/proc/stat", text, sizeof(text)) ||
	    strncmp(text, "cpu ", 4) != 0)
		return (false);
	for (i = 0; i < NFIELDS; i++, p = end) {
		v[i] = strtoull(p, &end, 10);
		total += v[i];
	}
	*cpu = metrics_cpu(s, total - v[IDLE] - v[IOWAIT], total);
	return (true);
}

static double
kib(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return (p == NULL ? 0 : strtod(p + strlen(name), NULL));
}

static double
used(double total, double unused)
{
	return (total <= 0 ? 0 : 100.0 * (total - unused) / total);
}

bool
metrics_kernel(struct metrics_state *s, struct metrics *m)
{
	struct metrics new = { 0 };
	char text[4096];

	if (!read_cpu(s, &new.cpu) ||
	    !head_of("/proc/meminfo", text, sizeof(text)))
		return (false);
	new.ram = used(kib(text, "MemTotal:"), kib(text, "MemAvailable:"));
	new.swap = used(kib(text, "SwapTotal:"), kib(text, "SwapFree:"));
	if (head_of("/proc/loadavg", text, sizeof(text)))
		new.load = strtod(text, NULL);
	*m = new;
	return (true);
}
