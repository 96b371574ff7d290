#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct metrics {
	double cpu, ram, swap;	/* per cent */
	double load;		/* 1 minute */
};

/* What the last call saw; all zeroes at first. */
struct metrics_state {
	uint64_t busy, total;
};

/**
 * metrics_read(state, m):
 * Load of the machine: StaSysMo's files (/dev/shm/stasysmo, on macOS
 * /tmp/stasysmo; one number each in cpu, ram, swap, load) if they are younger
 * than 30 s, else what the kernel says.  cpu is over the time since the last
 * call.  False if nothing can be known.
 */
bool	 metrics_read(struct metrics_state *, struct metrics *);

/**
 * metrics_read_dir(dir, now, m):
 * As above from StaSysMo's files in ${dir} alone; ${now} in ms since 1970.
 */
bool	 metrics_read_dir(const char *dir, int64_t now, struct metrics *);

/* The directory of StaSysMo's files. */
extern const char metrics_stasysmo[];

/* As above from the kernel alone (/proc; Mach). */
bool	 metrics_kernel(struct metrics_state *, struct metrics *);

/* cpu from the kernel's counters of busy and of all time, which ${state} keeps;
   0 the first time, and when they went backwards. */
double	 metrics_cpu(struct metrics_state *, uint64_t busy, uint64_t total);

#endif
