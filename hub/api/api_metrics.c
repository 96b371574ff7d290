#include <inttypes.h>
#include <string.h>

#include "api.h"
#include "fail.h"
#include "fleet.h"
#include "http.h"
#include "http_header.h"
#include "hub.h"
#include "lag.h"
#include "mirror.h"
#include "oplist.h"
#include "routes.h"
#include "server.h"
#include "store.h"
#include "str.h"
#include "stranger.h"
#include "tick.h"
#include "ws_peer.h"

#define TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* OpenMetrics: https://prometheus.io/docs/specs/om/open_metrics_spec/ */

static void
family(struct buf *out, const char *name, const char *type, const char *unit,
    const char *help)
{
	buf_addf(out, "# TYPE nixfleet_%s %s\n", name, type);
	if (unit != NULL)
		buf_addf(out, "# UNIT nixfleet_%s %s\n", name, unit);
	buf_addf(out, "# HELP nixfleet_%s %s\n", name, help);
}

static void
add_escaped(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addf(out, "\\%c", *s);
		else if (*s == '\n')
			buf_adds(out, "\\n");
		else
			buf_add(out, s, 1);
	}
}

/* nixfleet_NAME{key="value"}; no labels when ${key} is NULL. */
static void
sample_name(struct buf *out, const char *name, const char *key,
    const char *value)
{
	buf_addf(out, "nixfleet_%s", name);
	if (key != NULL) {
		buf_addf(out, "{%s=\"", key);
		add_escaped(out, value);
		buf_adds(out, "\"}");
	}
}

static void
sample(struct buf *out, const char *name, const char *key, const char *value,
    int64_t n)
{
	sample_name(out, name, key, value);
	buf_addf(out, " %" PRId64 "\n", n);
}

static void
sample_ms(struct buf *out, const char *name, const char *key,
    const char *value, int64_t ms)
{
	sample_name(out, name, key, value);
	buf_addf(out, " %" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

static void
add_hub(struct buf *out, const struct server *srv)
{
	const struct hub *hub = srv->hub;
	struct store_figures st;
	size_t strangers = strangers_count(srv->strangers);

	store_figures(hub->store, &st);
	family(out, "hub", "info", NULL, "The hub itself.");
	sample(out, "hub_info", "version", NIXFLEET_VERSION, 1);
	family(out, "start_time_seconds", "gauge", "seconds",
	    "When the hub was started.");
	sample_ms(out, "start_time_seconds", NULL, NULL, hub->started_at);
	family(out, "loop_lag_seconds", "gauge", "seconds",
	    "The worst delay of the event loop within a minute.");
	sample_ms(out, "loop_lag_seconds", NULL, NULL, lag_worst(srv->lag));
	family(out, "store_latency_seconds", "gauge", "seconds",
	    "How long the last probe waited for the store's answer.");
	sample_ms(out, "store_latency_seconds", NULL, NULL, st.latency_ms);
	family(out, "store_backlog", "gauge", NULL,
	    "Jobs that wait for the store.");
	sample(out, "store_backlog", NULL, NULL, (int64_t)st.backlog);
	family(out, "store_jobs", "counter", NULL,
	    "Jobs of the store by how they ended.");
	sample(out, "store_jobs_total", "result", "done", (int64_t)st.done);
	sample(out, "store_jobs_total", "result", "failed",
	    (int64_t)st.failed);
	family(out, "websockets", "gauge", NULL,
	    "Open WebSockets, of agents and browsers.");
	sample(out, "websockets", NULL, NULL, (int64_t)ws_peers_count(
	    srv->peers));
	family(out, "strangers", "gauge", NULL,
	    "Connections that have not shown a token or a session.");
	sample(out, "strangers", NULL, NULL, (int64_t)strangers);
}

static void
add_mirror(struct buf *out, const struct mirror_state *m)
{
	if (!m->configured)
		return;
	family(out, "repository_up", "gauge", NULL,
	    "1: the hub's last look at the configuration went well.");
	sample(out, "repository_up", NULL, NULL, m->error == NULL);
	family(out, "repository_look_time_seconds", "gauge", "seconds",
	    "When the hub looked last.");
	if (m->checked_at > 0)
		sample_ms(out, "repository_look_time_seconds", NULL, NULL,
		    m->checked_at);
}

static void
add_counts(struct buf *out, const struct fleet *f)
{
	int64_t live[LIVENESS_COUNT] = { 0 };
	int64_t checks[COMPARTMENT_COUNT][CHECK_COUNT] = { { 0 } };

	for (size_t i = 0; i < fleet_count(f); i++) {
		const struct fleet_host *h = fleet_at(f, i);

		live[h->liveness]++;
		for (int c = 0; c < COMPARTMENT_COUNT; c++)
			checks[c][h->status[c]]++;
	}
	family(out, "hosts", "gauge", NULL, "Hosts by whether they are here.");
	for (int i = 0; i < LIVENESS_COUNT; i++)
		sample(out, "hosts", "liveness", names_liveness(i), live[i]);
	family(out, "compartments", "gauge", NULL,
	    "Hosts by compartment and its state.");
	for (int c = 0; c < COMPARTMENT_COUNT; c++)
		for (int i = 0; i < CHECK_COUNT; i++)
			buf_addf(out, "nixfleet_compartments{compartment=\"%s\""
			    ",status=\"%s\"} %" PRId64 "\n",
			    names_compartment(c), names_check(i),
			    checks[c][i]);
}

static void
count_state(void *cookie, const struct operation *op)
{
	int64_t *counts = cookie;

	counts[op->state]++;
}

static void
add_operations(struct buf *out, const struct operations *ops)
{
	int64_t states[OP_STATE_COUNT] = { 0 };

	operation_each(ops, count_state, states);
	family(out, "operations_open", "gauge", NULL,
	    "Operations that are not over, by state; queued ones wait.");
	for (int i = 0; i < OP_FINISHED; i++)
		sample(out, "operations_open", "state", names_op_state(i),
		    states[i]);
	family(out, "operations", "counter", NULL,
	    "Operations that ended since the hub was started, by outcome.");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		sample(out, "operations_total", "outcome", names_outcome(i),
		    ops->ended[i]);
}

/* What one family says of a host, if anything. */
typedef void host_figure(struct buf *, const char *name,
    const struct fleet_host *);

static void
add_online(struct buf *out, const char *name, const struct fleet_host *h)
{
	sample(out, name, "host", h->id, fleet_online(h));
}

static void
add_seen(struct buf *out, const char *name, const struct fleet_host *h)
{
	if (h->last_seen > 0)
		sample_ms(out, name, "host", h->id, h->last_seen);
}

static void
add_behind(struct buf *out, const char *name, const struct fleet_host *h)
{
	if (h->behind >= 0)
		sample(out, name, "host", h->id, h->behind);
}

/* A member of what the host says of its clone. */
static json_t *
repo_fact(const struct fleet_host *h, const char *key)
{
	json_t *facts = h->facts == NULL ? NULL : json_loads(h->facts, 0,
	    NULL);
	json_t *v = json_incref(json_object_get(json_object_get(facts, "repo"),
	    key));

	json_decref(facts);
	return (v);
}

static void
add_fetched(struct buf *out, const char *name, const struct fleet_host *h)
{
	json_t *v = repo_fact(h, "last_success");
	int64_t at = 0;
	bool known = json_is_string(v) &&
	    tick_parse(json_string_value(v), &at) == 0 && at > 0;

	if (known)
		sample_ms(out, name, "host", h->id, at);
	json_decref(v);
}

/* Whatever a host says, there are only so many series. */
static const char *
failure_word(const char *said)
{
	enum repo_fail known = fail_parse(said);

	return (fail_name(known == REPO_NFAIL ? REPO_FAIL_OTHER : known));
}

static void
add_failing(struct buf *out, const char *name, const struct fleet_host *h)
{
	json_t *v = repo_fact(h, "failure");
	const char *word = json_string_value(v);

	if (word != NULL)
		buf_addf(out, "nixfleet_%s{host=\"%s\",status=\"%s\"} 1\n",
		    name, h->id, failure_word(word));
	json_decref(v);
}

static const struct {
	const char *name, *unit, *help;
	host_figure *add;
} host_families[] = {
	{ "host_online", NULL, "1: the host is connected.", add_online },
	{ "host_seen_time_seconds", "seconds",
	    "When the host was heard last.", add_seen },
	{ "host_behind_commits", "commits",
	    "Commits between the host's revision and the newest one.",
	    add_behind },
	{ "host_repository_success_time_seconds", "seconds",
	    "When the host last fetched into its clone with success.",
	    add_fetched },
	{ "host_repository_failing", NULL,
	    "1: the last fetch failed; the status is the reason's word.",
	    add_failing },
};

static void
add_hosts(struct buf *out, const struct fleet *f)
{
	for (size_t i = 0; i < sizeof(host_families) /
	    sizeof(host_families[0]); i++) {
		family(out, host_families[i].name, "gauge",
		    host_families[i].unit, host_families[i].help);
		for (size_t h = 0; h < fleet_count(f); h++)
			host_families[i].add(out, host_families[i].name,
			    fleet_at(f, h));
	}
}

static bool
may_scrape(struct http_req *r)
{
	const struct hub *hub = r->srv->hub;
	const char *bearer = r->authorization == NULL ? NULL :
	    http_header_bearer(r->authorization);

	if (hub->metrics_token != NULL && bearer != NULL &&
	    str_secret_eq(hub->metrics_token, bearer))
		return (true);
	return (routes_session(r) == 0);
}

void
api_metrics_show(struct http_req *r)
{
	struct hub *hub = r->srv->hub;
	struct buf out = { NULL, 0, 0 };

	if (strcmp(settings_str(hub->settings, SET_METRICS), "off") == 0) {
		http_reply_error(r, 404, "not_found",
		    "NIXFLEET_METRICS is off");
		return;
	}
	if (!may_scrape(r)) {
		http_reply_error(r, 401, "unauthorized", "metrics want "
		    "Authorization: Bearer with the token of "
		    "NIXFLEET_METRICS_TOKEN_FILE or of a session");
		return;
	}
	add_hub(&out, r->srv);
	add_mirror(&out, mirror_state(hub->mirror));
	add_counts(&out, hub->fleet);
	add_operations(&out, hub->operations);
	add_hosts(&out, hub->fleet);
	buf_adds(&out, "# EOF\n");
	http_reply(r, 200, TYPE, out.data, out.len);
	buf_free(&out);
}
