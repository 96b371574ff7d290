#ifndef OPLOG_H
#define OPLOG_H

#include "operation.h"

struct wire_output;

/* The output of an operation: stored in batches, then acknowledged. */

/* The most of it that is kept, bytes of text. */
#define OPLOG_MAX (64LL * 1024 * 1024)

/* A dialect 4 batch; lines that are here already are not taken twice. */
void	 oplog_batch(struct operation *, const struct wire_output *);

/* One line of dialect 3; it gets the next number. */
void	 oplog_line(struct operation *, enum log_stream, const char *text);

/* Tell the host where to go on. */
void	 oplog_ack(struct operation *);

#endif
