#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "hub.h"
#include "server.h"
#include "str.h"
#include "ticker.h"
#include "ws_peer.h"

/* How often the silent ones are looked for. */
#define SWEEP_MS 1000

/* Seconds for a peer to take what waits and our close frame. */
#define CLOSE_S 10

struct ws_peers {
	struct server *srv;
	struct ticker *ticker;
	struct ws_peer *head, *tail;	/* longest silent first */
	size_t count;
};

static void
list_remove(struct ws_peers *all, struct ws_peer *p)
{
	if (p->prev == NULL)
		all->head = p->next;
	else
		p->prev->next = p->next;
	if (p->next == NULL)
		all->tail = p->prev;
	else
		p->next->prev = p->prev;
	p->prev = p->next = NULL;
	all->count--;
}

static void
list_append(struct ws_peers *all, struct ws_peer *p)
{
	p->heard = uv_now(all->srv->hub->loop);
	p->pinged = false;
	p->prev = all->tail;
	if (all->tail == NULL)
		all->head = p;
	else
		all->tail->next = p;
	all->tail = p;
	all->count++;
}

static void
heard(struct ws_peer *p)
{
	list_remove(p->srv->peers, p);
	list_append(p->srv->peers, p);
}

static void
on_sweep(void *cookie)
{
	struct ws_peers *all = cookie;
	uint64_t now = uv_now(all->srv->hub->loop);
	struct ws_peer *p;

	for (p = all->head; p != NULL; p = p->next) {
		if (now - p->heard < WS_PEER_PING)
			return;
		if (now - p->heard >= WS_PEER_DEAD)
			lws_set_timeout(p->wsi, 1, LWS_TO_KILL_ASYNC);
		else if (!p->pinged) {
			p->ping = p->pinged = true;
			lws_callback_on_writable(p->wsi);
		}
	}
}

int
ws_peers_new(struct server *srv, struct ws_peers **out, struct err *e)
{
	struct ws_peers *all = str_alloc(sizeof(*all));

	all->srv = srv;
	if (ticker_new(srv->hub->loop, SWEEP_MS, on_sweep, all, &all->ticker,
	    e) == -1) {
		free(all);
		return (-1);
	}
	*out = all;
	return (0);
}

void
ws_peers_free(struct ws_peers **all)
{
	if (*all != NULL)
		ticker_free(&(*all)->ticker);
	free(*all);
	*all = NULL;
}

size_t
ws_peers_count(const struct ws_peers *all)
{
	return (all->count);
}

void
ws_peers_close_all(struct ws_peers *all, int code, const char *reason)
{
	struct ws_peer *p;

	for (p = all->head; p != NULL; p = p->next)
		ws_peer_close(p, code, reason);
}

void
ws_peer_open(struct ws_peer *p, struct lws *wsi)
{
	p->wsi = wsi;
	list_append(p->srv->peers, p);
	if (p->class->on_drained != NULL)
		lws_callback_on_writable(wsi);
}

int
ws_peer_receive(struct ws_peer *p, const char *text, size_t len)
{
	bool whole = lws_is_final_fragment(p->wsi) &&
	    lws_remaining_packet_payload(p->wsi) == 0;

	if (p->code != 0)
		return (0);
	heard(p);
	if (p->in.len + len > p->class->max_in) {
		buf_free(&p->in);
		ws_peer_close(p, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
		    "message too long");
		return (0);
	}
	if (whole && p->in.len == 0) {
		p->class->on_message(p, text, len);
		return (0);
	}
	buf_add(&p->in, text, len);
	if (whole) {
		p->class->on_message(p, p->in.data, p->in.len);
		buf_free(&p->in);
	}
	return (0);
}

/*
 * Returning -1 from a callback would do as well, but for Debian's build of
 * lws (with _DEBUG): that then closes twice on libuv's loop, and the close
 * frame is lost.
 */
static void
begin_close(struct ws_peer *p)
{
	p->said_bye = true;
	lws_close_reason(p->wsi, (enum lws_close_status)p->code,
	    (unsigned char *)p->reason, strlen(p->reason));
	lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
	    LWS_TO_KILL_SYNC);
}

int
ws_peer_writable(struct ws_peer *p)
{
	unsigned char ping[LWS_PRE + 1];
	int rc;

	if (p->said_bye)
		return (0);
	if (p->ping) {
		p->ping = false;
		if (lws_write(p->wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return (-1);
		lws_callback_on_writable(p->wsi);
		return (0);
	}
	if (p->out.head == NULL && p->code != 0) {
		begin_close(p);
		return (0);
	}
	if ((rc = ws_queue_write(&p->out, p->wsi)) == -1)
		return (-1);
	if (rc == 1 || p->code != 0) {
		lws_callback_on_writable(p->wsi);
		return (0);
	}
	if (p->class->on_drained != NULL)
		p->class->on_drained(p);
	return (0);
}

void
ws_peer_pong(struct ws_peer *p)
{
	heard(p);
}

void
ws_peer_closing(struct ws_peer *p, const void *data, size_t len)
{
	const unsigned char *b = data;

	p->closing = true;
	p->clean = len >= 2 && (b[0] << 8 | b[1]) == LWS_CLOSE_STATUS_NORMAL;
}

void
ws_peer_closed(struct ws_peer *p)
{
	if (p->wsi != NULL)
		list_remove(p->srv->peers, p);
	p->class->on_gone(p, p->clean);
}

/*
 * Waiting for the loop to say "writable" costs two system calls and a turn of
 * the loop, and asking the socket whether it takes more is one more: lws keeps
 * what it does not take.  Whoever wants to know when all is sent waits.
 */
static bool
writes_now(const struct ws_peer *p)
{
	return (p->out.head == NULL && !p->ping && !p->closing &&
	    p->class->on_drained == NULL && !lws_partial_buffered(p->wsi));
}

void
ws_peer_send(struct ws_peer *p, struct ws_text *t)
{
	bool now;

	if (p->code != 0 || p->wsi == NULL)
		return;
	now = writes_now(p);
	ws_queue_add(&p->out, t);
	/* What fails here fails again when lws calls, and can be closed. */
	if (!now || ws_queue_write(&p->out, p->wsi) != 0)
		lws_callback_on_writable(p->wsi);
}

void
ws_peer_close(struct ws_peer *p, int code, const char *reason)
{
	size_t n;

	if (p->code != 0 || p->wsi == NULL)
		return;
	p->code = (uint16_t)code;
	/* A control frame holds 125 bytes, two of them the code. */
	for (n = strnlen(reason, 121); n > 120 || (n > 0 &&
	    ((unsigned char)reason[n] & 0xc0) == 0x80); n--)
		;
	p->reason = str_ndup(reason, n);
	lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_S);
	lws_callback_on_writable(p->wsi);
}

void
ws_peer_done(struct ws_peer *p)
{
	buf_free(&p->in);
	ws_queue_free(&p->out);
	free(p->reason);
}
