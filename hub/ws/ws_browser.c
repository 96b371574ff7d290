#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "feed.h"
#include "hub.h"
#include "operation.h"
#include "present.h"
#include "record.h"
#include "server.h"
#include "str.h"
#include "ticker.h"
#include "ws_browser.h"
#include "ws_watch.h"

/* More waiting than this: the browser is too slow for deltas. */
#define OUT_MAX (1024 * 1024)

#define IN_MAX 4096
#define SYNC_MS 30000

struct browser {
	struct ws_peer peer;		/* first: see ws_peer.h */
	struct browser *prev, *next;
	struct ws_watch *watches;	/* operations it wants the output of */
	char *token;
	bool wants_init;		/* as soon as the queue is empty */
};

struct browsers {
	struct server *srv;
	struct browser *first;
	struct ticker *ticker;
	json_int_t version;
	struct ws_text *init;		/* of this version, or NULL */
};

/* {"type", "version", "payload"}; takes the payload's reference. */
static struct ws_text *
envelope(const struct browsers *all, const char *type, json_t *payload)
{
	json_t *v = json_pack("{s:s, s:I}", "type", type, "version",
	    all->version);
	struct ws_text *t;
	char *text;

	if (payload != NULL)
		json_object_set_new(v, "payload", payload);
	text = json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(v);
	t = ws_text_new(text, strlen(text));
	free(text);
	return (t);
}

static void
send_init(struct browser *b)
{
	struct browsers *all = b->peer.srv->browsers;

	/* What is in the state must not come again as a delta. */
	feed_flush(b->peer.srv->hub->feed);
	b->wants_init = false;
	if (all->init == NULL)
		all->init = envelope(all, "init",
		    present_init(b->peer.srv->hub));
	ws_peer_send(&b->peer, all->init);
}

static void
forget_init(struct browsers *all)
{
	ws_text_put(all->init);
	all->init = NULL;
}

static void
on_delta(void *cookie, json_t *payload)
{
	struct browsers *all = cookie;
	struct browser *b;
	struct ws_text *t;

	forget_init(all);
	all->version++;
	t = envelope(all, "delta", json_incref(payload));
	for (b = all->first; b != NULL; b = b->next) {
		if (b->wants_init)
			continue;
		if (b->peer.out.bytes > OUT_MAX)
			b->wants_init = true;
		else
			ws_peer_send(&b->peer, t);
	}
	ws_text_put(t);
}

static void
on_output(void *cookie, const struct operation *op,
    const struct store_line *lines, size_t n)
{
	struct browsers *all = cookie;
	struct ws_text *t = NULL;
	struct browser *b;

	for (b = all->first; b != NULL; b = b->next) {
		if (!ws_watch_takes(b->watches, op->id))
			continue;
		if (b->peer.out.bytes > OUT_MAX) {
			ws_watch_pause(b->watches, op->id);
			continue;
		}
		if (t == NULL)
			t = envelope(all, "output",
			    ws_watch_payload(op, lines, n));
		ws_peer_send(&b->peer, t);
		ws_watch_sent(b->watches, op->id, lines[n - 1].seq);
	}
	ws_text_put(t);
}

/* Stored lines of a watch, as they come from the store. */
static void
on_stored(void *cookie, json_t *payload)
{
	struct browser *b = cookie;
	struct ws_text *t = envelope(b->peer.srv->browsers, "output", payload);

	ws_peer_send(&b->peer, t);
	ws_text_put(t);
}

static void
on_drained(struct ws_peer *p)
{
	struct browser *b = (struct browser *)p;

	if (b->wants_init)
		send_init(b);
	else
		ws_watch_pump(b->watches);
}

static void
subscribe(struct browser *b, const json_t *payload)
{
	const char *id;
	const json_t *after;

	id = json_string_value(json_object_get(payload, "op_id"));
	after = json_object_get(payload, "after");
	if (id != NULL)
		ws_watch_add(&b->watches, b->peer.srv->hub, id,
		    json_integer_value(after), on_stored, b);
	/* Read when it has taken what waits: see on_drained. */
	lws_callback_on_writable(b->peer.wsi);
}

static void
on_message(struct ws_peer *p, const char *text, size_t len)
{
	struct browser *b = (struct browser *)p;
	const char *type, *id;
	json_t *v, *payload;

	if (record_parse(text, len, &v, NULL) == -1)
		return;
	payload = json_object_get(v, "payload");
	type = json_string_value(json_object_get(v, "type"));
	id = json_string_value(json_object_get(payload, "op_id"));
	if (str_eq(type, "get_state")) {
		b->wants_init = true;
		lws_callback_on_writable(p->wsi);
	} else if (str_eq(type, "subscribe"))
		subscribe(b, payload);
	else if (str_eq(type, "unsubscribe") && id != NULL)
		ws_watch_remove(&b->watches, id);
	json_decref(v);
}

static void
on_gone(struct ws_peer *p, bool clean)
{
	struct browser *b = (struct browser *)p;
	struct browsers *all = p->srv->browsers;

	(void)clean;
	if (b->prev == NULL)
		all->first = b->next;
	else
		b->prev->next = b->next;
	if (b->next != NULL)
		b->next->prev = b->prev;
	if (all->first == NULL) {
		forget_init(all);
		feed_on(p->srv->hub->feed, false);
	}
	ws_watch_free(&b->watches);
	ws_peer_done(p);
	str_wipefree(&b->token);
	free(b);
}

struct ws_peer *
ws_browser_new(struct server *srv, const char *token)
{
	static const struct ws_peer_class class = {
		.max_in = IN_MAX,
		.on_message = on_message,
		.on_drained = on_drained,
		.on_gone = on_gone,
	};
	struct browsers *all = srv->browsers;
	struct browser *b = str_alloc(sizeof(*b));

	b->peer.class = &class;
	b->peer.srv = srv;
	b->token = str_dup(token);
	b->wants_init = true;
	if (all->first == NULL)
		feed_on(srv->hub->feed, true);
	else
		all->first->prev = b;
	b->next = all->first;
	all->first = b;
	return (&b->peer);
}

static void
on_sync(void *cookie)
{
	struct browsers *all = cookie;
	struct ws_text *t = envelope(all, "sync", NULL);
	struct browser *b;

	for (b = all->first; b != NULL; b = b->next) {
		if (auth_session(all->srv->hub->auth, b->token) == NULL)
			ws_peer_close(&b->peer, 1008, "the session is over");
		else if (!b->wants_init)
			ws_peer_send(&b->peer, t);
	}
	ws_text_put(t);
}

int
ws_browser_start(struct server *srv, struct browsers **out, struct err *e)
{
	struct browsers *all = str_alloc(sizeof(*all));
	const struct feed_sink sink = { on_delta, on_output, all };

	all->srv = srv;
	if (ticker_new(srv->hub->loop, SYNC_MS, on_sync, all, &all->ticker,
	    e) == -1) {
		free(all);
		return (-1);
	}
	feed_sink(srv->hub->feed, &sink);
	*out = all;
	return (0);
}

void
ws_browser_stop(struct browsers **all)
{
	if (*all == NULL)
		return;
	feed_sink((*all)->srv->hub->feed, NULL);
	forget_init(*all);
	ticker_free(&(*all)->ticker);
	free(*all);
	*all = NULL;
}
