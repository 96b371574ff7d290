#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"
#include "journal.h"
#include "ulid.h"

/* The local control socket, docs/reference/control-socket.md. */
struct control;

struct control_conf {
	uv_loop_t *loop;
	const char *path;
	struct journal *journal;
	/* The object of "status"; a new reference. */
	json_t *(*status)(void *);
	/* The profile's generations; a new reference. */
	json_t *(*generations)(void *);
	/* The operation that runs now, or NULL; borrowed. */
	const char *(*running)(void *);
	/* Accept and start one; ${op_id} is filled. */
	int (*run)(void *, const char *op, json_t *args, const char *by,
	    char op_id[ULID_LEN + 1], struct err *);
	/* Stop what runs; ${op_id} is filled. */
	int (*stop)(void *, char op_id[ULID_LEN + 1], struct err *);
	/* As follower_pause and follower_resume; follower_status() then. */
	json_t *(*pause)(void *, int64_t seconds, const char *reason,
	    const char *by, struct err *);
	json_t *(*resume)(void *, struct err *);
	void *cookie;
};

/**
 * control_new(conf, out, e):
 * Listen.  A socket that a dead agent left is replaced.
 */
int	 control_new(const struct control_conf *, struct control **,
	    struct err *) __attribute__((warn_unused_result));

/* Bring what is new to those who follow. */
void	 control_pump(struct control *);

/* Is there somebody who waits for news? */
bool	 control_followed(const struct control *);

/* Stop listening, remove the socket, drop everybody. */
void	 control_free(struct control **);

#endif
