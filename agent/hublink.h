#ifndef HUBLINK_H
#define HUBLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"
#include "tls_trust.h"
#include "url.h"

/*
 * The WebSocket to the hub: connects, keeps alive, reconnects with back-off
 * and jitter for as long as it lives.  Knows nothing of messages.
 */
enum hublink_state {
	HUBLINK_WAITING,	/* for the next attempt */
	HUBLINK_CONNECTING,
	HUBLINK_OPEN,
	HUBLINK_CLOSED,		/* by hublink_close */
};

struct hublink;

struct hublink_conf {
	uv_loop_t *loop;
	const struct url *url;
	struct tls_trust *trust;	/* NULL: the system's store */
	/* The bearer token for the next attempt; NULL: none to be had, try
	   again later. */
	const char *(*token)(void *);
	/* The hub answered 401 or 403; true: another token is to be tried at
	   once. */
	bool (*on_refused)(void *);
	void (*on_open)(void *);
	void (*on_message)(void *, const char *, size_t);
	/* Everything sent before hublink_ping returned ${n} has arrived. */
	void (*on_arrived)(void *, uint64_t n);
	/* The queue of what is to be sent became short. */
	void (*on_room)(void *);
	/* State or reason changed; also after a connection ended. */
	void (*on_state)(void *);
	void *cookie;
};

int	 hublink_new(const struct hublink_conf *, struct hublink **,
	    struct err *) __attribute__((warn_unused_result));

/* Connect now, from the loop. */
void	 hublink_start(struct hublink *);

/* Queue a text message; takes ${text}.  Dropped when there is no link. */
void	 hublink_send(struct hublink *, char *text);

/* Queue a ping; the number that on_arrived will reach. */
uint64_t hublink_ping(struct hublink *);

/* Bytes queued and not yet given to the kernel. */
size_t	 hublink_queued(const struct hublink *);

/* End the connection and wait at least ${ms} before the next attempt. */
void	 hublink_pause(struct hublink *, int64_t ms, const char *reason);

/**
 * hublink_close(link):
 * Send what is queued, close with 1000 "shutdown", never connect again.
 * on_state tells HUBLINK_CLOSED, at the latest after two seconds.
 */
void	 hublink_close(struct hublink *);

enum hublink_state hublink_state(const struct hublink *);
/* Wall clock, ms, since when the link is up or down. */
int64_t	 hublink_since(const struct hublink *);
/* Why it is not open; "" if it is. */
const char *hublink_reason(const struct hublink *);

/* Wait before attempt ${n} (from 0) of a row, ms: full jitter, ${r} < 2^32. */
int64_t	 hublink_backoff(unsigned n, bool refused, uint32_t r);

/* After hublink_close and HUBLINK_CLOSED, or when the program ends. */
void	 hublink_free(struct hublink **);

#endif
