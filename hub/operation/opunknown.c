#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "fleet.h"
#include "hub.h"
#include "opagent.h"
#include "oplist.h"
#include "opoutput.h"
#include "opstore.h"
#include "opunknown.h"
#include "str.h"
#include "ulid.h"
#include "wire.h"

struct text {
	struct text *next;
	char *json;
};

struct opunknown {
	struct opunknown *next;
	struct operations *ops;
	char *host_id;
	char id[ULID_LEN + 1];
	struct text *first, **last;
	int64_t bytes;		/* part of the host's flight */
};

static struct opunknown *
find(const struct operations *ops, const char *id)
{
	struct opunknown *u = ops->unknown;

	while (u != NULL && strcmp(u->id, id) != 0)
		u = u->next;
	return (u);
}

static void
unknown_free(struct opunknown *u)
{
	struct text *t;

	while ((t = u->first) != NULL) {
		u->first = t->next;
		free(t->json);
		free(t);
	}
	free(u->host_id);
	free(u);
}

static void
replay(struct opunknown *u, struct fleet_host *h)
{
	struct wire_msg msg;
	struct err e;

	for (struct text *t = u->first; t != NULL; t = t->next) {
		if (wire_decode(t->json, strlen(t->json), WIRE_FROM_AGENT,
		    &msg, &e) == -1)
			continue;
		opagent_message(u->ops, h, &msg);
		wire_free(&msg);
	}
}

static void
on_looked(void *cookie, const char *owner)
{
	struct opunknown *u = cookie, **at = &u->ops->unknown;
	struct fleet_host *h = fleet_find(u->ops->hub->fleet, u->host_id);

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	if (h != NULL)
		h->flight -= u->bytes;
	if (h != NULL && h->conn != NULL &&
	    (owner == NULL || strcmp(owner, h->id) == 0)) {
		u->ops->vacant = u->id;
		replay(u, h);
		u->ops->vacant = NULL;
	}
	unknown_free(u);
}

static void
keep(struct opunknown *u, struct fleet_host *h, const struct wire_msg *msg)
{
	struct text *t;
	int64_t len;
	char *json;

	if (strcmp(u->host_id, h->id) != 0)
		return;
	json = wire_encode(msg, WIRE_DIALECT);
	len = (int64_t)strlen(json);
	if (h->flight + len > OPOUTPUT_FLIGHT) {
		free(json);
		agent_link_close(h->conn, 1008,
		    "more output than the hub can store");
		return;
	}
	u->bytes += len;
	h->flight += len;
	t = str_alloc(sizeof(*t));
	t->json = json;
	*u->last = t;
	u->last = &t->next;
}

bool
opunknown_hold(struct operations *ops, struct fleet_host *h, const char *id,
    const struct wire_msg *msg)
{
	struct opunknown *u;

	if (operation_find(ops, id) != NULL || str_eq(ops->vacant, id))
		return (false);
	/* Not an id: nothing of ours has it. */
	if (!ulid_valid(id))
		return (true);
	if ((u = find(ops, id)) != NULL) {
		keep(u, h, msg);
		return (true);
	}
	u = str_alloc(sizeof(*u));
	u->ops = ops;
	u->host_id = str_dup(h->id);
	memcpy(u->id, id, sizeof(u->id));
	u->last = &u->first;
	u->next = ops->unknown;
	ops->unknown = u;
	keep(u, h, msg);
	opstore_owner(ops, h, id, on_looked, u);
	return (true);
}

void
opunknown_free(struct operations *ops)
{
	struct opunknown *u;

	while ((u = ops->unknown) != NULL) {
		ops->unknown = u->next;
		unknown_free(u);
	}
}
