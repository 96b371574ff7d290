#ifndef RIG_H
#define RIG_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent_link.h"
#include "hub.h"
#include "operation.h"
#include "wire.h"

/* A whole hub without its faces in a directory of its own, and agents that
   keep what they are sent. */
struct rig {
	uv_loop_t loop;
	char dir[64];
	const char *extra[8];		/* NAME=value for the hub; NULL ends */
	struct settings *settings;
	struct hub *hub;
	char *printed;
};

#define RIG_TOKEN "shared-secret"

/* Zeroed but for extra. */
void	 rig_up(struct rig *);
void	 rig_down(struct rig *);
/* The hub ends and starts again with what is on the disk. */
void	 rig_restart(struct rig *);
/* Turn the loop until ${fn} is true, at most 10 s. */
void	 rig_wait(struct rig *, bool (*fn)(void *), void *);
/* Turn it until the store did all that is queued now. */
void	 rig_settle(struct rig *);

#define RIG_INBOX 64

struct rig_agent {
	struct rig *rig;
	struct fleet_conn *conn;
	json_t *inbox[RIG_INBOX];	/* {"type", "payload"} */
	size_t n;
	int closed;			/* code, 0: open */
	char *token;			/* of its own, from `registered` */
	const char *host, *agent_id;
	int dialect;
	struct err refused;
};

/* Register with ${token} (NULL: the shared one); 0 or -1 as the hub says. */
int	 rig_connect(struct rig *, struct rig_agent *, const char *token,
	    const char *resume);
void	 rig_gone(struct rig_agent *, bool clean);
/* Send a message as text. */
void	 rig_say(struct rig_agent *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* The payload of the newest message of a type, or NULL. */
json_t	*rig_got(const struct rig_agent *, const char *type);
size_t	 rig_count(const struct rig_agent *, const char *type);
/* Wait until ${n} messages of the type came. */
void	 rig_await(struct rig_agent *, const char *type, size_t n);
void	 rig_forget(struct rig_agent *);

/* Ask for an operation, which must be taken. */
struct operation *rig_ask(struct rig *, const char *host, const char *op);
/* The code of the refusal. */
const char *rig_refused(struct rig *, const char *host, const char *op);

#endif
