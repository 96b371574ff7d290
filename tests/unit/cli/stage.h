#ifndef STAGE_H
#define STAGE_H

#include <sys/types.h>

/*
 * A stage for one test: a scratch directory (to be ended by scratch_end) that
 * is HOME, and a peer that says what a script tells it, so that the rare ends
 * of a conversation can be had too.
 */
void	 stage_begin(void);

/*
 * Serve ${n} connections one after the other: read until ${until} was seen,
 * answer with script[i], close.  The requests are kept in a file "requests".
 * AF_UNIX at "control.sock", or, with *${port} set, a free TCP port.
 */
void	 stage_serve(const char *const *script, int n, const char *until,
	    int *port);

/* Wait for the peer's end; the requests that it got, to be freed. */
char	*stage_requests(void);

/* Run ${f} with stdout in a file: its contents (to be freed), *${code}. */
char	*stage_capture(int (*f)(void *), void *cookie, int *code);

#endif
