#ifndef OPOUTPUT_H
#define OPOUTPUT_H

#include "operation.h"

struct wire_output;

/* The output of an operation: stored in batches, then acknowledged. */

/*
 * What is kept of it at most, bytes of text: its beginning and its end.  What
 * lies between is dropped, OPOUTPUT_STEP at a time and more.
 */
#define OPOUTPUT_HEAD (32LL * 1024 * 1024)
#define OPOUTPUT_MAX (64LL * 1024 * 1024)
#define OPOUTPUT_STEP (1LL * 1024 * 1024)

/*
 * Taken in and not stored yet, of one host.  Who heeds our acknowledgements
 * has 256 KiB on the way; more than this is a flood, or a store that hangs.
 */
#define OPOUTPUT_FLIGHT (8LL * 1024 * 1024)

/* A dialect 4 batch; lines that are here already are not taken twice. */
void	 opoutput_batch(struct operation *, const struct wire_output *);

/* One line of dialect 3; it gets the next number. */
void	 opoutput_line(struct operation *, enum log_stream, const char *text);

/* Tell the host where to go on. */
void	 opoutput_ack(struct operation *);

#endif
