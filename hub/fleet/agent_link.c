#include <stdlib.h>

#include "agent_link.h"
#include "blocked.h"
#include "deadline.h"
#include "eventlog.h"
#include "host_facts.h"
#include "hub.h"
#include "intern.h"
#include "opagent.h"
#include "opstore.h"
#include "rnd.h"
#include "store.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

/* Heartbeats that may be missing until a host is late. */
#define LATE_AFTER 3
/* Links of one name that replace each other within a minute: two machines. */
#define FLAPS 4
#define FLAP_MS 60000
#define RETRY_S 15
/* Each is an event: so many on one link. */
#define REGISTERS 100

struct fleet_conn {
	struct deadline alive;		/* first: see on_alive */
	struct hub *hub;
	struct fleet_host *host;	/* NULL: replaced, or face gone */
	struct agent_link_face face;
	const char *addr;		/* interned */
	char *token;			/* to be sent when it is stored */
	char *resume;			/* JSON text, until ready */
	int64_t heard;			/* tick_mono() of the last heartbeat */
	int64_t interval_ms;
	int pending;			/* what must be done before ready */
	bool ready;			/* `registered` was sent */
	bool gone;			/* freed when nothing is pending */
	uint8_t dialect;
	uint8_t registers;		/* beyond the first */
};

static void
conn_free(struct fleet_conn *c)
{
	deadline_disarm(c->hub->deadlines, &c->alive);
	intern_put(c->hub->intern, c->addr);
	str_wipefree(&c->token);
	free(c->resume);
	free(c);
}

void
agent_link_send(struct fleet_conn *c, const struct wire_msg *msg)
{
	c->face.send(c->face.cookie, msg, c->dialect);
}

void
agent_link_close(struct fleet_conn *c, int code, const char *reason)
{
	c->face.close(c->face.cookie, code, reason);
}

bool
agent_link_ready(const struct fleet_conn *c)
{
	return (c->ready);
}

static void
tell_refused(const struct agent_link_face *face, enum refusal code,
    const char *reason)
{
	struct wire_msg msg = { .type = WIRE_REFUSED };

	msg.u.refused.code = (char *)(uintptr_t)names_refusal(code);
	msg.u.refused.reason = (char *)(uintptr_t)reason;
	msg.u.refused.retry_s = RETRY_S;
	face->send(face->cookie, &msg, WIRE_DIALECT);
}

void
agent_link_refuse(struct fleet_conn *c, enum refusal code, const char *reason)
{
	if (c->dialect >= WIRE_DIALECT)
		tell_refused(&c->face, code, reason);
	agent_link_close(c, 1008, reason);
}

/* Looks at the time only now and then: a heartbeat moves no timer. */
static void
on_alive(struct deadline *d)
{
	struct fleet_conn *c = (struct fleet_conn *)d;
	int64_t quiet = tick_mono() - c->heard;
	int64_t limit = c->interval_ms * LATE_AFTER;

	if (quiet >= limit)
		fleet_set_liveness(c->hub->fleet, c->host, LIVENESS_LATE);
	deadline_arm(c->hub->deadlines, d, quiet >= limit ? limit :
	    limit - quiet);
}

/* Everything is in place: the first message to the agent, then the rest. */
static void
make_ready(struct fleet_conn *c)
{
	struct wire_msg msg = { .type = WIRE_REGISTERED };
	json_t *resume = NULL;

	msg.u.registered.host_id = (char *)(uintptr_t)c->host->id;
	msg.u.registered.dialect = c->dialect;
	msg.u.registered.heartbeat = c->hub->heartbeat_s;
	msg.u.registered.token = c->token;
	agent_link_send(c, &msg);
	str_wipefree(&c->token);
	if (c->dialect >= WIRE_DIALECT)
		resume = c->resume != NULL ? json_loads(c->resume, 0, NULL) :
		    json_object();
	free(c->resume);
	c->resume = NULL;
	c->ready = true;
	opagent_back(c->hub->operations, c->host, resume);
	json_decref(resume);
}

static void
on_prepared(void *cookie)
{
	struct fleet_conn *c = cookie;

	if (--c->pending > 0)
		return;
	if (c->gone)
		conn_free(c);
	else if (c->host != NULL)
		make_ready(c);
}

static void
on_enrolled(void *cookie, const struct err *failed)
{
	struct fleet_conn *c = cookie;

	/* Without the hash on the disk the token would be worth nothing. */
	if (failed != NULL && c->host != NULL)
		agent_link_close(c, 1013, "the hub cannot store: try later");
	on_prepared(c);
}

static void
note_conflict(struct hub *hub, struct fleet_host *h, const char *addr,
    const char *reason)
{
	const struct eventlog_entry en = { .category = "identity",
	    .level = "warning", .host_id = h->id, .action = "conflict",
	    .quota = &h->quota };

	if (h->conflict)
		return;
	h->conflict = true;
	fleet_set_liveness(hub->fleet, h, LIVENESS_CONFLICT);
	eventlog_add(hub->events, &en, "Refused %s: %s", addr, reason);
}

static bool
flapping(const struct fleet_host *h)
{
	return (h->replaced >= FLAPS &&
	    tick_mono() - h->replaced_at < FLAP_MS);
}

static enum identity_verdict
judge(struct hub *hub, const struct identity_claim *claim,
    const struct wire_register *reg, const struct agent_link_face *face,
    struct err *e)
{
	struct fleet_host *h = fleet_find(hub->fleet, reg->hostname);
	const struct identity_offer offer = {
		.kind = claim->kind, .token_host = claim->host,
		.old_token = claim->old, .hostname = reg->hostname,
		.agent_id = reg->agent_id,
		.dialect4 = reg->dialect >= WIRE_DIALECT,
		.allow_shared = hub->allow_shared,
	};
	struct identity_known known = { .exists = h != NULL };
	struct identity_answer a;

	if (h != NULL) {
		known.connected = h->conn != NULL;
		known.state = h->token_state;
		known.agent_id = h->agent_id;
		known.flapping = flapping(h);
	} else if (blocked_has(hub->blocked, reg->hostname)) {
		known.exists = true;
		known.state = IDENTITY_REVOKED;
		blocked_refused(hub->blocked, reg->hostname, face->addr);
	}
	identity_judge(&offer, &known, &a);
	if (a.verdict < IDENTITY_REFUSED)
		return (a.verdict);
	if (a.verdict == IDENTITY_CONFLICT && h != NULL)
		note_conflict(hub, h, face->addr, a.reason);
	if (offer.dialect4)
		tell_refused(face, a.code, a.reason);
	err_set(e, ERR_REFUSED, "%s", a.reason);
	return (a.verdict);
}

/* One link a host: the newer one wins, unless they take turns. */
static void
replace(struct fleet_host *h)
{
	struct fleet_conn *old = h->conn;
	int64_t now = tick_mono();

	if (now - h->replaced_at >= FLAP_MS) {
		h->replaced_at = now;
		h->replaced = 0;
	}
	if (h->replaced < UINT8_MAX)
		h->replaced++;
	h->conn = NULL;
	old->host = NULL;
	deadline_disarm(old->hub->deadlines, &old->alive);
	agent_link_close(old, 1008, "another connection took this name");
}

static struct fleet_conn *
conn_new(struct hub *hub, struct fleet_host *h, const struct wire_register *reg,
    const struct agent_link_face *face)
{
	struct fleet_conn *c = str_alloc(sizeof(*c));

	c->hub = hub;
	c->host = h;
	c->face = *face;
	c->addr = intern_get(hub->intern, face->addr);
	c->face.addr = c->addr;
	c->dialect = reg->dialect >= WIRE_DIALECT ? WIRE_DIALECT :
	    WIRE_DIALECT_MIN;
	c->heard = tick_mono();
	c->interval_ms = reg->heartbeat_interval > 0 &&
	    reg->heartbeat_interval <= 3600 ? reg->heartbeat_interval * 1000 :
	    hub->heartbeat_s * 1000;
	if (c->interval_ms < hub->heartbeat_s * 1000)
		c->interval_ms = hub->heartbeat_s * 1000;
	c->alive.on_due = on_alive;
	deadline_arm(hub->deadlines, &c->alive, c->interval_ms * LATE_AFTER);
	return (c);
}

/* Take in what must be there before the agent hears from us. */
static void
prepare(struct fleet_conn *c, enum identity_verdict verdict,
    const json_t *resume)
{
	json_t *r = (json_t *)(uintptr_t)resume;
	struct fleet *f = c->hub->fleet;
	const char *op_id;
	json_t *seq;

	c->pending = 1;
	if (verdict == IDENTITY_ENROL) {
		c->token = rnd_token(32);
		fleet_token_set(f, c->host, c->token, IDENTITY_OFFERED, false);
		c->pending++;
		fleet_store(f, c->host, on_enrolled, c);
	} else if (verdict == IDENTITY_CONFIRM) {
		fleet_token_confirm(f, c->host);
	} else if (c->host->token_state == IDENTITY_ACCEPT) {
		fleet_token_set(f, c->host, NULL, IDENTITY_SHARED, false);
	}
	if (c->dialect >= WIRE_DIALECT && resume != NULL) {
		c->resume = json_dumps(resume, JSON_COMPACT);
		json_object_foreach(r, op_id, seq) {
			c->pending++;
			opstore_recall(c->hub->operations, c->host, op_id,
			    on_prepared, c);
		}
	}
	on_prepared(c);
}

static void
welcome(struct fleet_conn *c, const struct wire_register *reg)
{
	const struct eventlog_entry en = { .category = "host",
	    .level = "info", .host_id = c->host->id, .action = "connect",
	    .quota = &c->host->quota };
	struct fleet *f = c->hub->fleet;
	struct fleet_host *h = c->host;
	unsigned what;

	what = host_facts_register(c->hub->intern, h, reg) | FLEET_LINK;
	h->dialect = c->dialect;
	fleet_set_liveness(f, h, LIVENESS_CONNECTED);
	fleet_seen(f, h);
	fleet_save(f, h);
	fleet_judge(f, h);
	fleet_changed(f, h, what);
	eventlog_add(c->hub->events, &en, "%s connected from %s (agent %s, "
	    "dialect %d)", h->id, c->addr, h->agent_version, c->dialect);
}

/* The same socket registers again: only news about itself. */
static int
again(struct fleet_conn *c, const struct wire_register *reg, struct err *e)
{
	if (c->host == NULL || !str_eq(reg->hostname, c->host->id))
		return (err_set(e, ERR_REFUSED, "this connection is another "
		    "host's"));
	if (++c->registers > REGISTERS)
		return (err_set(e, ERR_REFUSED, "it registers too often"));
	welcome(c, reg);
	free(c->resume);
	c->resume = reg->resume == NULL ? NULL :
	    json_dumps(reg->resume, JSON_COMPACT);
	if (c->ready)
		make_ready(c);
	return (0);
}

int
agent_link_hello(struct hub *hub, const struct identity_claim *claim,
    const struct wire_register *reg, const struct agent_link_face *face,
    struct fleet_conn **out, struct err *e)
{
	enum identity_verdict verdict;
	struct fleet_host *h;

	if (*out != NULL)
		return (again(*out, reg, e));
	if ((verdict = judge(hub, claim, reg, face, e)) >= IDENTITY_REFUSED)
		return (-1);
	h = fleet_find(hub->fleet, reg->hostname);
	if (h == NULL && (h = fleet_enrol(hub->fleet, reg->hostname,
	    face->addr)) == NULL) {
		err_set(e, ERR_REFUSED, "too many new hosts from this address "
		    "within an hour (NIXFLEET_ENROL_LIMIT)");
		if (reg->dialect >= WIRE_DIALECT)
			tell_refused(face, REFUSAL_TOKEN, e->text);
		return (-1);
	}
	if (h->conn != NULL) {
		replace(h);
		opagent_gone(hub->operations, h);
	}
	h->conn = conn_new(hub, h, reg, face);
	*out = h->conn;
	welcome(h->conn, reg);
	prepare(h->conn, verdict, reg->resume);
	return (0);
}

static void
heartbeat(struct fleet_conn *c, const struct wire_heartbeat *hb)
{
	struct fleet *f = c->hub->fleet;
	struct fleet_host *h = c->host;
	unsigned what;

	c->heard = tick_mono();
	fleet_seen(f, h);
	if (h->liveness != LIVENESS_CONNECTED)
		fleet_set_liveness(f, h, LIVENESS_CONNECTED);
	what = host_facts_heartbeat(c->hub->intern, h, hb);
	if ((what & ~(unsigned)(FLEET_METRICS | FLEET_FACTS)) != 0)
		fleet_save(f, h);
	else if ((what & FLEET_FACTS) != 0)
		fleet_save_facts(f, h);
	if ((what & FLEET_COMPARTMENTS) != 0)
		fleet_judge(f, h);
	fleet_changed(f, h, what);
	if (c->ready && h->ops != NULL)
		opagent_heartbeat(c->hub->operations, h, hb->pending_command);
}

void
agent_link_message(struct fleet_conn *c, const struct wire_msg *msg)
{
	/* Replaced by another link: its words count no more. */
	if (c->host == NULL)
		return;
	if (msg->type == WIRE_HEARTBEAT)
		heartbeat(c, &msg->u.heartbeat);
	else if (msg->type == WIRE_REGISTER)
		return;
	else
		opagent_message(c->hub->operations, c->host, msg);
}

void
agent_link_gone(struct fleet_conn **cp, bool clean)
{
	struct fleet_conn *c = *cp;
	struct eventlog_entry en = { .category = "host", .level = "info",
	    .action = "disconnect" };
	struct fleet_host *h;

	if (c == NULL)
		return;
	*cp = NULL;
	h = c->host;
	c->host = NULL;
	c->gone = true;
	if (h != NULL) {
		h->conn = NULL;
		/* One that restarts for an operation will be back. */
		fleet_set_liveness(c->hub->fleet, h, clean && h->ops == NULL ?
		    LIVENESS_STOPPED : LIVENESS_OFFLINE);
		en.host_id = h->id;
		en.quota = &h->quota;
		eventlog_add(c->hub->events, &en, "%s %s", h->id, clean ?
		    "signed off" : "disconnected");
		opagent_gone(c->hub->operations, h);
		fleet_changed(c->hub->fleet, h, FLEET_LINK);
	}
	deadline_disarm(c->hub->deadlines, &c->alive);
	if (c->pending == 0)
		conn_free(c);
}
