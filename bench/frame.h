#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* WebSocket frames (RFC 6455) as a client writes and reads them. */
enum { FRAME_MORE = 0, FRAME_TEXT = 1, FRAME_CLOSE = 8, FRAME_PING = 9,
	FRAME_PONG = 10 };

struct frame {
	int opcode;
	bool final;
	const char *data;	/* inside what was given to frame_parse() */
	size_t len;
};

/* Append a final frame, masked with a key of zeroes: the cheapest one. */
void	 frame_add(struct buf *, int opcode, const void *, size_t);

/**
 * frame_parse(p, n, frame):
 * The frame at ${p}.  Returns its whole length, 0 if more bytes are needed,
 * -1 if it is not what a server may send.
 */
long	 frame_parse(const char *p, size_t n, struct frame *);

#endif
