#include <inttypes.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "loop.h"
#include "reach_job.h"
#include "rnd.h"
#include "str.h"
#include "tick.h"

#include "hublink.h"

#define PING_EVERY 10000
#define READ_DEADLINE 45000
#define CONNECT_DEADLINE 20000
#define CLOSE_DEADLINE 2000
#define BACKOFF_MIN 1000
#define BACKOFF_MAX 60000
#define BACKOFF_REFUSED 15000
#define BACKOFF_REFUSED_MAX 300000
#define MESSAGE_MAX (8 * 1024 * 1024)
#define ROOM 65536

/* One frame to be sent; a ping has no text. */
struct frame {
	struct frame *next;
	size_t len;
	bool ping;
	unsigned char data[];	/* LWS_PRE bytes of room first */
};

struct hublink {
	struct hublink_conf conf;
	struct lws_context *ctx;
	struct lws *wsi;	/* NULL: no attempt and no connection */
	struct reach_job *job;	/* before and after an attempt, or NULL */
	uv_timer_t timer;	/* back-off; then connect, close deadline */
	uv_timer_t ping;
	enum hublink_state state;
	int64_t since;
	char reason[256];
	unsigned failures;	/* in a row */
	bool refused;		/* the last attempt ended with 401 or 403 */
	bool again;		/* connect at once: another token */
	bool closing, bye, gone;
	int64_t not_before;	/* monotonic; hublink_pause */
	int64_t last_rx;
	uint64_t pings, pongs;
	struct frame *head, **tail;
	size_t queued;
	struct buf in;		/* fragments of a message */
};

static int on_lws(struct lws *, enum lws_callback_reasons, void *, void *,
    size_t);

static const struct lws_protocols protocols[] = {
	{ .name = "nixfleet", .callback = on_lws, .rx_buffer_size = 4096 },
	{ .name = NULL },
};

int64_t
hublink_backoff(unsigned n, bool refused, uint32_t r)
{
	int64_t base = refused ? BACKOFF_REFUSED : BACKOFF_MIN;
	int64_t max = refused ? BACKOFF_REFUSED_MAX : BACKOFF_MAX;
	int64_t span = base << (n < 16 ? n : 16);

	if (span > max)
		span = max;
	/* Never at once: a tenth of the span is sure. */
	return (span / 10 + (int64_t)((uint64_t)r * (uint64_t)(span -
	    span / 10) >> 32));
}

static void
set_state(struct hublink *l, enum hublink_state state, const char *reason)
{
	bool was_open = l->state == HUBLINK_OPEN;

	if (l->gone)
		return;
	l->state = state;
	if (was_open != (state == HUBLINK_OPEN))
		l->since = tick_wall();
	if (reason != NULL)
		snprintf(l->reason, sizeof(l->reason), "%s", reason);
	l->conf.on_state(l->conf.cookie);
}

static void
drop_queue(struct hublink *l)
{
	struct frame *f;

	while ((f = l->head) != NULL) {
		l->head = f->next;
		free(f);
	}
	l->tail = &l->head;
	l->queued = 0;
}

static void	connect_now(struct hublink *);
static void	ended(struct hublink *, const char *);

static void
on_timer(uv_timer_t *t)
{
	struct hublink *l = t->data;

	if (l->wsi != NULL) {
		/* Handshake or closing took too long. */
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK,
		    LWS_TO_KILL_ASYNC);
		return;
	}
	if (l->job != NULL) {
		reach_job_cancel(&l->job);
		ended(l, "the hub's host name cannot be looked up: no answer");
	} else if (l->closing)
		set_state(l, HUBLINK_CLOSED, NULL);
	else
		connect_now(l);
}

static void
arm(struct hublink *l, int64_t ms)
{

	(void)uv_timer_start(&l->timer, on_timer, (uint64_t)ms, 0);
}

static void
schedule(struct hublink *l)
{
	int64_t wait, now = tick_mono();

	wait = hublink_backoff(l->failures, l->refused,
	    rnd_below(UINT32_MAX));
	if (l->failures < 32)
		l->failures++;
	if (l->again)
		wait = 0;
	l->again = false;
	if (now + wait < l->not_before)
		wait = l->not_before - now;
	arm(l, wait);
}

/* The connection or the attempt is over. */
static void
ended(struct hublink *l, const char *why)
{

	l->wsi = NULL;
	(void)uv_timer_stop(&l->ping);
	drop_queue(l);
	buf_free(&l->in);
	if (l->closing) {
		(void)uv_timer_stop(&l->timer);
		set_state(l, HUBLINK_CLOSED, NULL);
		return;
	}
	set_state(l, HUBLINK_WAITING, why);
	schedule(l);
}

/* Ask what would block; else the attempt is over. */
static void
ask(struct hublink *l, const struct reach_ask *what, reach_told *told)
{
	struct err e = { 0 };

	arm(l, CONNECT_DEADLINE);
	l->job = reach_job_start(l->conf.loop, what, told, l, &e);
	if (l->job == NULL)
		ended(l, e.text);
}

static void
on_why(void *cookie, const char *reason)
{
	struct hublink *l = cookie;

	l->job = NULL;
	ended(l, reason);
}

/* The library could not connect, and its words (or none) do not say why. */
static void
unreachable(struct hublink *l, const char *words, size_t len)
{
	const struct reach_ask what = { .url = l->conf.url, .why = true,
	    .words = words, .len = len };

	l->wsi = NULL;
	if (l->closing)
		ended(l, NULL);
	else
		ask(l, &what, on_why);
}

static void
on_address(void *cookie, const char *address)
{
	struct hublink *l = cookie;
	const struct url *u = l->conf.url;
	struct lws_client_connect_info ci = { 0 };
	char *host = url_host_header(u);
	struct lws *wsi;

	l->job = NULL;
	ci.context = l->ctx;
	ci.address = address;
	ci.port = u->port;
	ci.path = u->path;
	ci.host = host;
	ci.local_protocol_name = protocols[0].name;
	ci.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
	    (u->tls ? LCCSCF_USE_SSL : 0);
	ci.opaque_user_data = l;
	/* May call back, and end the attempt, before it returns. */
	wsi = lws_client_connect_via_info(&ci);
	free(host);
	if (l->state != HUBLINK_CONNECTING || l->job != NULL)
		return;
	if (wsi == NULL)
		unreachable(l, NULL, 0);
	else
		l->wsi = wsi;
}

static void
connect_now(struct hublink *l)
{
	const struct reach_ask what = { .url = l->conf.url,
	    .turn = l->failures };

	if (l->conf.token(l->conf.cookie) == NULL) {
		ended(l, "no token");
		return;
	}
	l->state = HUBLINK_CONNECTING;
	l->refused = false;
	ask(l, &what, on_address);
}

static void
on_ping(uv_timer_t *t)
{
	struct hublink *l = t->data;

	if (tick_mono() - l->last_rx > READ_DEADLINE) {
		snprintf(l->reason, sizeof(l->reason),
		    "the hub was silent for %d s", READ_DEADLINE / 1000);
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK,
		    LWS_TO_KILL_ASYNC);
		return;
	}
	(void)hublink_ping(l);
}

static void
opened(struct hublink *l, struct lws *wsi)
{

	l->wsi = wsi;
	l->pings = l->pongs = 0;
	l->last_rx = tick_mono();
	(void)uv_timer_stop(&l->timer);
	(void)uv_timer_start(&l->ping, on_ping, PING_EVERY, PING_EVERY);
	set_state(l, HUBLINK_OPEN, "");
	l->conf.on_open(l->conf.cookie);
}

static void
failed(struct hublink *l, struct lws *wsi, const char *in, size_t len)
{
	const char *tls = l->conf.trust != NULL ?
	    tls_trust_failure(l->conf.trust) : NULL;
	unsigned status = lws_http_client_http_response(wsi);
	char why[200];

	if (status == 401 || status == 403) {
		l->refused = true;
		l->again = l->conf.on_refused(l->conf.cookie);
		snprintf(why, sizeof(why), status == 401 ?
		    "the hub refuses this token (401): new hosts take the one "
		    "of its NIXFLEET_AGENT_TOKEN_FILE" :
		    "the hub has revoked this host's token (403): an operator "
		    "must accept the host again");
	} else if (status >= 200 && status != 101) {
		snprintf(why, sizeof(why), "the hub answered HTTP %u, not as "
		    "a NixFleet hub at this address would", status);
	} else if (l->conf.url->tls && tls != NULL) {
		snprintf(why, sizeof(why), "TLS: %s", tls);
	} else {
		unreachable(l, in, len);
		return;
	}
	ended(l, why);
}

static int
received(struct hublink *l, struct lws *wsi, const char *p, size_t len)
{

	l->last_rx = tick_mono();
	l->failures = 0;
	if (l->in.len + len > MESSAGE_MAX)
		return (-1);
	if (l->in.len == 0 && lws_is_first_fragment(wsi) &&
	    lws_is_final_fragment(wsi) &&
	    lws_remaining_packet_payload(wsi) == 0) {
		l->conf.on_message(l->conf.cookie, p, len);
		return (0);
	}
	buf_add(&l->in, p, len);
	if (lws_is_final_fragment(wsi) &&
	    lws_remaining_packet_payload(wsi) == 0) {
		struct buf whole = l->in;

		memset(&l->in, 0, sizeof(l->in));
		l->conf.on_message(l->conf.cookie,
		    whole.data != NULL ? whole.data : "", whole.len);
		buf_free(&whole);
	}
	return (0);
}

/*
 * Say 1000 "shutdown".  The closing itself is left to the next timer: after
 * -1 from this callback, Debian's library closes twice on libuv (a self-test
 * left in), which drops the frame.
 */
static int
say_bye(struct hublink *l, struct lws *wsi)
{
	static unsigned char words[] = "shutdown";

	l->bye = true;
	lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, words,
	    sizeof(words) - 1);
	lws_set_timer_usecs(wsi, 1);
	return (0);
}

/* Send one frame; -1 closes the connection. */
static int
writeable(struct hublink *l, struct lws *wsi)
{
	struct frame *f = l->head;
	size_t before = l->queued;
	int n;

	if (f == NULL)
		return (l->closing && !l->bye ? say_bye(l, wsi) : 0);
	if ((l->head = f->next) == NULL)
		l->tail = &l->head;
	l->queued -= f->len;
	n = lws_write(wsi, f->data + LWS_PRE, f->len,
	    f->ping ? LWS_WRITE_PING : LWS_WRITE_TEXT);
	free(f);
	if (n < 0)
		return (-1);
	if (l->head != NULL || l->closing)
		lws_callback_on_writable(wsi);
	if (before > ROOM && l->queued <= ROOM)
		l->conf.on_room(l->conf.cookie);
	return (0);
}

static int
handshake_header(struct hublink *l, struct lws *wsi, void *in, size_t len)
{
	unsigned char **p = in, *end = *p + len;
	const char *token = l->conf.token(l->conf.cookie);
	char *value;
	int rc;

	if (token == NULL)
		return (-1);
	value = str_printf("Bearer %s", token);
	rc = lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
	    (unsigned char *)value, (int)strlen(value), p, end);
	str_wipefree(&value);
	return (rc != 0 ? -1 : 0);
}

static int
on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	struct hublink *l = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;

	(void)user;
	if (l == NULL)
		return (0);
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return (handshake_header(l, wsi, in, len));
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		opened(l, wsi);
		return (0);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		failed(l, wsi, in, len);
		return (0);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return (received(l, wsi, in, len));
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		l->last_rx = tick_mono();
		if (l->pongs < l->pings)
			l->conf.on_arrived(l->conf.cookie, ++l->pongs);
		return (0);
	case LWS_CALLBACK_TIMER:
		return (l->bye ? -1 : 0);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return (writeable(l, wsi));
	case LWS_CALLBACK_CLIENT_CLOSED:
		if (l->wsi == wsi)
			ended(l, l->reason[0] != '\0' ? NULL :
			    "the hub closed the connection");
		return (0);
	default:
		return (0);
	}
}

int
hublink_new(const struct hublink_conf *conf, struct hublink **out,
    struct err *e)
{
	struct hublink *l = str_alloc(sizeof(*l));
	struct lws_context_creation_info info;
	struct loop_foreign foreign;

	l->conf = *conf;
	l->tail = &l->head;
	l->since = tick_wall();
	snprintf(l->reason, sizeof(l->reason), "not connected yet");
	loop_info(conf->loop, &foreign, &info);
	info.protocols = protocols;
	/* Without TLS its library is not even started: it is large. */
	if (conf->url->tls)
		tls_trust_apply(conf->trust, &info);
	else
		info.options &= ~(uint64_t)LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	if ((l->ctx = loop_open(&info, e)) == NULL) {
		free(l);
		return (-1);
	}
	(void)uv_timer_init(conf->loop, &l->timer);
	(void)uv_timer_init(conf->loop, &l->ping);
	l->timer.data = l->ping.data = l;
	*out = l;
	return (0);
}

void
hublink_start(struct hublink *l)
{

	arm(l, 0);
}

static void
enqueue(struct hublink *l, const char *text, size_t len, bool ping)
{
	struct frame *f;

	if (l->state != HUBLINK_OPEN || l->closing)
		return;
	f = str_alloc(sizeof(*f) + LWS_PRE + len);
	f->len = len;
	f->ping = ping;
	if (len > 0)
		memcpy(f->data + LWS_PRE, text, len);
	*l->tail = f;
	l->tail = &f->next;
	l->queued += len;
	lws_callback_on_writable(l->wsi);
}

void
hublink_send(struct hublink *l, char *text)
{

	enqueue(l, text, strlen(text), false);
	free(text);
}

uint64_t
hublink_ping(struct hublink *l)
{

	enqueue(l, NULL, 0, true);
	return (++l->pings);
}

size_t
hublink_queued(const struct hublink *l)
{

	return (l->queued);
}

void
hublink_pause(struct hublink *l, int64_t ms, const char *reason)
{

	l->not_before = tick_mono() + ms;
	snprintf(l->reason, sizeof(l->reason), "%s", reason);
	if (l->wsi != NULL)
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK,
		    LWS_TO_KILL_ASYNC);
}

void
hublink_close(struct hublink *l)
{

	if (l->closing)
		return;
	l->closing = true;
	if (l->wsi == NULL) {
		arm(l, 0);
		return;
	}
	arm(l, l->state == HUBLINK_OPEN ? CLOSE_DEADLINE : 0);
	if (l->state == HUBLINK_OPEN)
		lws_callback_on_writable(l->wsi);
}

enum hublink_state
hublink_state(const struct hublink *l)
{

	return (l->state);
}

int64_t
hublink_since(const struct hublink *l)
{

	return (l->since);
}

const char *
hublink_reason(const struct hublink *l)
{

	return (l->reason);
}

static void
on_closed(uv_handle_t *h)
{
	struct hublink *l = h->data;

	if (h == (uv_handle_t *)&l->ping)
		free(l);
}

void
hublink_free(struct hublink **lp)
{
	struct hublink *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	l->closing = l->gone = true;
	reach_job_cancel(&l->job);
	loop_close(l->conf.loop, &l->ctx);
	drop_queue(l);
	buf_free(&l->in);
	uv_close((uv_handle_t *)&l->timer, NULL);
	uv_close((uv_handle_t *)&l->ping, on_closed);
}
