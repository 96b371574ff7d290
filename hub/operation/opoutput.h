#ifndef OPOUTPUT_H
#define OPOUTPUT_H

#include "operation.h"

struct wire_output;

/* The output of an operation: stored in batches, then acknowledged. */

/* The most of it that is kept, bytes of text. */
#define OPOUTPUT_MAX (64LL * 1024 * 1024)

/* A dialect 4 batch; lines that are here already are not taken twice. */
void	 opoutput_batch(struct operation *, const struct wire_output *);

/* One line of dialect 3; it gets the next number. */
void	 opoutput_line(struct operation *, enum log_stream, const char *text);

/* Tell the host where to go on. */
void	 opoutput_ack(struct operation *);

#endif
