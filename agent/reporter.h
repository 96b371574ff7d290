#ifndef REPORTER_H
#define REPORTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hublink.h"
#include "journal.h"
#include "wire.h"

/*
 * Brings the journal to the hub: log lines and results, each until the hub
 * has it.  In dialect 4 the hub acknowledges; in dialect 3 a ping behind the
 * message that comes back stands for it.  A dialect 3 hub hears only of what
 * a hub asked for.
 */
struct reporter;

struct reporter_conf {
	struct journal *journal;
	struct hublink *link;
	/*
	 * Does its worker still count as at work?  Its result waits, so that
	 * nobody hears of an end that the agent's own state denies.
	 */
	bool (*running)(void *, const char *op_id);
	/* The status of an operation was sent (a heartbeat is due). */
	void (*on_status)(void *);
	void *cookie;
};

struct reporter *reporter_new(const struct reporter_conf *);
void	 reporter_free(struct reporter **);

/* All operations that the hub does not have yet; once, at the start. */
int	 reporter_recover(struct reporter *, struct err *)
	    __attribute__((warn_unused_result));

/* One more operation; known ones are reported again. */
void	 reporter_add(struct reporter *, const char *op_id);

/* {op_id: next seq} for register. */
json_t	*reporter_resume(const struct reporter *);

/* The hub said registered; ${dialect} from now on. */
void	 reporter_open(struct reporter *, int dialect);
void	 reporter_lost(struct reporter *);

/* Send what there is and what may be sent. */
void	 reporter_pump(struct reporter *);

void	 reporter_output_ack(struct reporter *, const char *op_id,
	    int64_t seq);
void	 reporter_status_ack(struct reporter *, const char *op_id);
/* From hublink's on_arrived. */
void	 reporter_arrived(struct reporter *, uint64_t ping);

/* Has it, or has it been sent, everything of this operation? */
bool	 reporter_sent(const struct reporter *, const char *op_id);

#endif
