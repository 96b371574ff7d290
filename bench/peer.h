#ifndef PEER_H
#define PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "wire.h"

struct peer;

/* What all simulated agents share, and what they did together. */
struct peer_shared {
	uv_loop_t *loop;
	struct sockaddr_in addr;
	const char *host_header;
	const char *token;
	const char *prefix;	/* of the host names */
	int dialect;
	void (*on_state)(struct peer *);	/* see peer.state */
	void (*on_command)(struct peer *);	/* then peer_answer */
	uint64_t heartbeats, statuses, messages;
};

enum peer_state { PEER_IDLE, PEER_CONNECTING, PEER_UPGRADING, PEER_OPEN,
	PEER_REGISTERED, PEER_CLOSED };

/* One simulated agent. */
struct peer {
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct peer_shared *shared;
	unsigned index;
	enum peer_state state;
	struct buf in, message;
	char command[32], op_id[32];	/* of the last one received */
	bool owes;		/* an answer to it */
	struct peer *next_owing;	/* the swarm's list */
	bool listed;		/* there */
	char *why;		/* it was closed; NULL: by us */
	bool commanded;
};

/* Start connecting; shared->on_state runs at every change from here on. */
void	 peer_start(struct peer *);

/* Send a heartbeat if it is registered. */
void	 peer_beat(struct peer *);

/* Answer the command received last, if that is to be done, with success. */
void	 peer_answer(struct peer *);

/* Close the connection. */
void	 peer_stop(struct peer *);

void	 peer_free(struct peer *);

#endif
