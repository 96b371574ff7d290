#ifndef OPBOUND_H
#define OPBOUND_H

#include <stdbool.h>
#include <stdint.h>

struct operation;

/*
 * How much output is kept, of one host and of all.  Beyond that the oldest
 * goes, an operation's whole output at a time with its phases and changes, and
 * a line in its place says so.  What an operation at work has printed stays,
 * unless that alone is too much of all hosts; so does every outcome.
 */

/* What may come before it is looked at what is stored; 0 at first. */
struct opbound_room {
	int64_t bytes;
	bool making;  /* it is being looked at */
	bool wanting; /* what is too much is at work */
};

/* ${bytes} more of its output, or of what goes with it. */
void opbound_took(struct operation *, int64_t bytes);
/* It is over: its output may go. */
void opbound_over(struct operation *);

#endif
