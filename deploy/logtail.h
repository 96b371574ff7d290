#ifndef LOGTAIL_H
#define LOGTAIL_H

#include <stdint.h>
#include <sys/types.h>

#include "deploy.h"

/*
 * Follows a file that another process appends to, line by line.  The same
 * contents always give the same lines, so that a count of lines names a place:
 * a long line is cut into pieces of PROC_LINE_MAX bytes, each one line here.
 * A hole in the file (what nixfleet-activate trimmed) becomes a note; counts
 * end there, so that after it nothing is left out.
 */
struct logtail {
	int fd;
	int64_t skip;		/* lines still to be left out */
	void (*on_line)(void *, enum deploy_stream, const char *, size_t);
	void *cookie;
	int64_t hole;		/* bytes of the hole we are in */
	char line[PROC_LINE_MAX];
	size_t len;
};

/**
 * logtail_open(t, path, skip, conf, e):
 * Lines go to conf's on_line with DEPLOY_OUT, except for the first ${skip}.
 */
int	 logtail_open(struct logtail *, const char *path, int64_t skip,
	    const struct deploy_conf *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * logtail_read(t, max):
 * Hand on what is there, at most ${max} bytes.  False at its end.
 */
bool	 logtail_read(struct logtail *, size_t max);

/* No more will come: hand on all up to the present end, then close. */
void	 logtail_close(struct logtail *);

#endif
