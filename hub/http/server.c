#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "http.h"
#include "http_conn.h"
#include "http_proxy.h"
#include "hubcheck.h"
#include "lag.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "server.h"
#include "str.h"
#include "stranger.h"
#include "ws_browser.h"
#include "ws_gate.h"
#include "ws_peer.h"

/* lws has tables of this many descriptors. */
#define FDS_MAX 131072

/*
 * Requests being read at once, and the longest head; memory only meanwhile.
 * Nobody else comes in while strangers hold them all.
 */
#define HEADS 8192
#define HEAD_MAX 8192

/* A message of an agent comes in pieces of this; kept per connection. */
#define RX 1024

/* Seconds. */
#define HEAD_S 15
#define KEEPALIVE_S 60

/* What hangs on a connection of lws. */
struct sock {
	struct http_conn *http;
	struct ws_peer *ws;
	struct stranger *stranger;	/* NULL: known, or about to end */
};

static struct server *
server_of(struct lws *wsi)
{
	return (lws_context_user(lws_get_context(wsi)));
}

static struct sock *
sock_of(struct lws *wsi)
{
	struct sock *s = lws_get_opaque_user_data(wsi);

	if (s == NULL) {
		s = str_alloc(sizeof(*s));
		lws_set_opaque_user_data(wsi, s);
	}
	return (s);
}

static void
sock_free(struct lws *wsi)
{
	struct sock *s = lws_get_opaque_user_data(wsi);

	if (s == NULL)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	stranger_known(&s->stranger);
	http_conn_free(&s->http);
	if (s->ws != NULL)
		ws_peer_closed(s->ws);
	free(s);
}

void
server_known(struct lws *wsi)
{
	stranger_known(&sock_of(wsi)->stranger);
}

void
server_heard(struct lws *wsi, const char *client)
{
	struct sock *s = sock_of(wsi);

	if (s->stranger != NULL)
		stranger_heard(s->stranger, http_proxy_trusted(
		    server_of(wsi)->proxies, client) ? NULL : client);
}

/* Never the one that lws is busy with; later, it might set another timeout. */
static void
on_evict(void *cookie)
{
	struct lws *wsi = cookie;
	struct sock *s = sock_of(wsi);

	s->stranger = NULL;
	if (s->ws != NULL && s->ws->wsi != NULL)
		ws_peer_close(s->ws, LWS_CLOSE_STATUS_POLICY_VIOLATION,
		    "no register message came");
	else
		lws_set_timeout(wsi, 1, LWS_TO_KILL_SYNC);
}

static int
refuse(struct http_req *r, struct lws *wsi, int status, const char *text)
{
	const struct http_answer a = {
		.status = status, .secure = r->secure,
		.type = "text/plain; charset=utf-8", .body = text,
		.len = strlen(text), .headers = status == 426 ?
		    "Sec-WebSocket-Version: 13\r\n" : NULL,
	};
	static const char room[LWS_PRE];
	struct buf out = { NULL, 0, 0 };
	int rc;

	buf_add(&out, room, sizeof(room));
	http_compose(&out, &a);
	rc = lws_write(wsi, (unsigned char *)out.data + LWS_PRE,
	    out.len - LWS_PRE, LWS_WRITE_HTTP_FINAL);
	buf_free(&out);
	return (rc < 0 ? -1 : 1);
}

/* What lws would choke on, and what it would answer with silence. */
static int
handshake(struct lws *wsi, const char *upgrade, const char **text)
{
	char version[8] = "";

	if (strcasecmp(upgrade, "websocket") != 0) {
		*text = "Bad Request: only WebSocket is spoken here\n";
		return (400);
	}
	lws_hdr_copy(wsi, version, sizeof(version), WSI_TOKEN_VERSION);
	if (strcmp(version, "13") != 0) {
		*text = "Upgrade Required\n";
		return (426);
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) <= 0 ||
	    lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) {
		*text = "Bad Request\n";
		return (400);
	}
	return (0);
}

/* 0: go on with the upgrade; 1: answered; -1: broken. */
static int
on_upgrade(struct lws *wsi, const char *upgrade)
{
	struct http_req *r = http_conn_request(server_of(wsi), wsi);
	struct sock *s = sock_of(wsi);
	const char *text = NULL;
	char *uri = NULL;
	int len = 0, rc, status;

	status = handshake(wsi, upgrade, &text);
	if (lws_http_get_uri_and_method(wsi, &uri, &len) >= 0)
		r->path = str_ndup(uri, (size_t)len);
	if (status == 0)
		status = ws_gate(r, &s->ws, &text);
	server_heard(wsi, r->client);
	if (status == 0 && r->session != NULL)
		server_known(wsi);
	rc = status == 0 ? 0 : refuse(r, wsi, status, text);
	http_free(&r);
	return (rc);
}

static int
on_head(struct lws *wsi, const char *uri, size_t len)
{
	struct sock *s = sock_of(wsi);

	if (s->http == NULL)
		s->http = http_conn_new(server_of(wsi), wsi);
	return (http_conn_head(s->http, uri, len));
}

static int
on_http(struct http_conn *c, enum lws_callback_reasons why, const void *in,
    size_t len)
{
	if (why == LWS_CALLBACK_HTTP_BODY)
		return (http_conn_body(c, in, len));
	if (why == LWS_CALLBACK_HTTP_BODY_COMPLETION)
		return (http_conn_body_end(c));
	return (http_conn_writable(c));
}

static int
on_ws(struct lws *wsi, struct ws_peer *p, enum lws_callback_reasons why,
    const void *in, size_t len)
{
	switch (why) {
	case LWS_CALLBACK_ESTABLISHED:
		ws_peer_open(p, wsi);
		return (0);
	case LWS_CALLBACK_RECEIVE:
		return (ws_peer_receive(p, in, len));
	case LWS_CALLBACK_RECEIVE_PONG:
		ws_peer_pong(p);
		return (0);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return (ws_peer_writable(p));
	default:
		ws_peer_closing(p, in, len);
		return (0);
	}
}

/* lws 4.4.0 and 4.4.1 leave out the end of the upgrade's last line. */
static void
end_line(struct lws_process_html_args *a)
{
	if (a->max_len < 2 || memcmp(a->p - 2, "\r\n", 2) == 0)
		return;
	memcpy(a->p, "\r\n", 2);
	a->p += 2;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t len)
{
	struct sock *s;

	switch (why) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		/* Ten thousand idle connections keep no buffers. */
		SSL_CTX_set_mode(user, SSL_MODE_RELEASE_BUFFERS);
		return (0);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return (on_upgrade(wsi, in));
	case LWS_CALLBACK_ADD_HEADERS:
		end_line(in);
		return (0);
	case LWS_CALLBACK_HTTP:
		return (on_head(wsi, in, len));
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
	case LWS_CALLBACK_HTTP_WRITEABLE:
		s = sock_of(wsi);
		return (s->http == NULL ? 0 : on_http(s->http, why, in, len));
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_RECEIVE_PONG:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		s = sock_of(wsi);
		return (s->ws == NULL ? -1 : on_ws(wsi, s->ws, why, in, len));
	case LWS_CALLBACK_WSI_DESTROY:
		sock_free(wsi);
		return (0);
	default:
		return (0);
	}
}

static const struct lws_protocols protocols[] = {
	{ "nixfleet", on_event, 0, RX, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};

/* Strangers can cause these: not worth more than a debug line. */
static void
on_log(int level, const char *line)
{
	(void)level;
	log_debug("network library", "line", line);
}

/*
 * As many descriptors as we may have, within reason: with a limit above its
 * tables lws would look for a connection from one end to the other.
 */
static unsigned
set_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (1024);
	rl.rlim_cur = rl.rlim_max < FDS_MAX ? rl.rlim_max : FDS_MAX;
	setrlimit(RLIMIT_NOFILE, &rl);
	return ((unsigned)rl.rlim_cur);
}

static int
open_context(struct server *srv, struct err *e)
{
	/* Pings and silence are looked after in ws_peer.c. */
	static const lws_retry_bo_t no_pings = { .secs_since_valid_ping = 0 };
	const struct settings *set = srv->hub->settings;
	struct lws_context_creation_info info;
	struct loop_foreign f;

	loop_info(srv->hub->loop, &f, &info);
	loop_log(on_log);
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.user = srv;
	info.fd_limit_per_thread = set_limit();
	info.max_http_header_pool = HEADS;
	info.max_http_header_data = HEAD_MAX;
	info.timeout_secs = HEAD_S;
	info.timeout_secs_ah_idle = HEAD_S;
	info.keepalive_timeout = KEEPALIVE_S;
	info.retry_and_idle_policy = &no_pings;
	/* One request at a time on a connection; WebSockets need 1.1. */
	info.alpn = "http/1.1";
	info.ssl_cert_filepath = settings_str(set, SET_TLS_CERT);
	info.ssl_private_key_filepath = settings_str(set, SET_TLS_KEY);
	info.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 |
	    SSL_OP_NO_TLSv1_1;
	srv->tls = info.ssl_cert_filepath != NULL;
	/* lws would go on without a certificate that it cannot read. */
	if (hubcheck_tls(info.ssl_cert_filepath,
	    info.ssl_private_key_filepath, e) == -1)
		return (-1);
	if ((srv->ctx = loop_open(&info, e)) == NULL)
		return (-1);
	srv->vhost = lws_get_vhost_by_name(srv->ctx, "default");
	return (0);
}

/* Behind a trusted proxy are many; who, its first request says. */
static void
meet(struct server *srv, struct lws *wsi)
{
	char peer[HTTP_PROXY_ADDR] = "", addr[HTTP_PROXY_ADDR];

	lws_get_peer_simple(wsi, peer, sizeof(peer));
	http_proxy_client(srv->proxies, peer, NULL, addr);
	sock_of(wsi)->stranger = stranger_add(srv->strangers,
	    http_proxy_trusted(srv->proxies, addr) ? NULL : addr, wsi);
}

static void
on_accept(void *cookie, int fd)
{
	struct server *srv = cookie;
	struct lws *wsi;

	/* On failure the descriptor is closed by it. */
	if ((wsi = lws_adopt_socket_vhost(srv->vhost, fd)) != NULL)
		meet(srv, wsi);
}

static int
open_strangers(struct server *srv, struct err *e)
{
	const struct settings *set = srv->hub->settings;
	const struct stranger_limits limits = {
		.each = (size_t)settings_int(set, SET_STRANGERS),
		.ms = settings_int(set, SET_STRANGER_TIMEOUT) * 1000,
	};

	return (strangers_new(srv->hub->loop, &limits, on_evict,
	    &srv->strangers, e));
}

int
server_new(struct hub *hub, struct server **out, struct err *e)
{
	const char *trusted = settings_str(hub->settings,
	    SET_TRUSTED_PROXIES);
	const char *where = settings_str(hub->settings, SET_LISTEN);
	struct server *srv = str_alloc(sizeof(*srv));

	srv->hub = hub;
	if (http_proxy_parse(trusted, &srv->proxies, e) == -1) {
		err_wrap(e, "NIXFLEET_TRUSTED_PROXIES");
		goto err0;
	}
	if (lag_new(hub->loop, &srv->lag, e) == -1 ||
	    open_strangers(srv, e) == -1 ||
	    ws_peers_new(srv, &srv->peers, e) == -1 ||
	    ws_browser_start(srv, &srv->browsers, e) == -1 ||
	    open_context(srv, e) == -1 ||
	    listener_open(hub->loop, where, on_accept, srv, &srv->listener,
	    e) == -1)
		goto err0;
	snprintf(srv->address, sizeof(srv->address), "http%s://%s",
	    srv->tls ? "s" : "", listener_address(srv->listener));
	*out = srv;
	return (0);
err0:
	server_free(&srv);
	return (-1);
}

const char *
server_address(const struct server *srv)
{
	return (srv->address);
}

void
server_stop(struct server *srv)
{
	srv->stopping = true;
	listener_close(&srv->listener);
	ws_peers_close_all(srv->peers, LWS_CLOSE_STATUS_GOINGAWAY,
	    "the hub is stopping");
}

size_t
server_sockets(const struct server *srv)
{
	return (ws_peers_count(srv->peers));
}

void
server_free(struct server **sp)
{
	struct server *srv = *sp;

	if (srv == NULL)
		return;
	*sp = NULL;
	listener_close(&srv->listener);
	loop_close(srv->hub->loop, &srv->ctx);
	ws_browser_stop(&srv->browsers);
	ws_peers_free(&srv->peers);
	strangers_free(&srv->strangers);
	lag_free(&srv->lag);
	http_proxy_free(&srv->proxies);
	free(srv);
}
