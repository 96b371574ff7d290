#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/*
 * The least that an agent can be on the same libraries: a WebSocket client on
 * libuv's loop that says hello and sends the same small message every five
 * seconds.  The bench takes its memory and its CPU as the reference.
 *
 *	bare_client ADDRESS PORT TOKEN [CA_FILE]
 */

#define HELLO "{\"type\":\"register\",\"payload\":{\"hostname\":\"bare\"}}"
#define BEAT "{\"type\":\"heartbeat\",\"payload\":{\"generation\":\"\"}}"

static struct lws *link_wsi;
static const char *token;
static const char *next_text;

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t len)
{
	unsigned char **p = in, msg[LWS_PRE + 128];
	char auth[256];
	size_t n;

	(void)user;
	switch (why) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		snprintf(auth, sizeof(auth), "Bearer %s", token);
		return (lws_add_http_header_by_token(wsi,
		    WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)auth,
		    (int)strlen(auth), p, *p + len));
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		next_text = HELLO;
		lws_callback_on_writable(wsi);
		return (0);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		if (next_text == NULL)
			return (0);
		n = strlen(next_text);
		memcpy(msg + LWS_PRE, next_text, n);
		next_text = NULL;
		return (lws_write(wsi, msg + LWS_PRE, n, LWS_WRITE_TEXT) <
		    (int)n ? -1 : 0);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLIENT_CLOSED:
		fprintf(stderr, "bare_client: connection lost\n");
		exit(1);
	default:
		return (0);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "bare", .callback = on_event, .rx_buffer_size = 4096 },
	{ 0 },
};

static void
on_timer(uv_timer_t *t)
{
	(void)t;
	next_text = BEAT;
	lws_callback_on_writable(link_wsi);
}

int
main(int argc, char **argv)
{
	uv_loop_t *uv = uv_default_loop();
	void *loops[] = { uv };
	const char *ca = argc > 4 ? argv[4] : NULL;
	struct lws_context_creation_info info = { .protocols = protocols,
		.foreign_loops = loops, .port = CONTEXT_PORT_NO_LISTEN,
		.fd_limit_per_thread = 16, .client_ssl_ca_filepath = ca,
		.options = LWS_SERVER_OPTION_LIBUV |
		(ca ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0) };
	struct lws_client_connect_info cci = { .path = "/ws",
		.ssl_connection = ca ? LCCSCF_USE_SSL : 0, .pwsi = &link_wsi,
		.local_protocol_name = "bare" };
	uv_timer_t timer;

	if (argc < 4)
		return (2);
	lws_set_log_level(LLL_ERR, NULL);
	token = argv[3];
	if ((cci.context = lws_create_context(&info)) == NULL)
		return (1);
	cci.address = cci.host = cci.origin = argv[1];
	cci.port = atoi(argv[2]);
	if (lws_client_connect_via_info(&cci) == NULL)
		return (1);
	uv_timer_init(uv, &timer);
	uv_timer_start(&timer, on_timer, 5000, 5000);
	uv_run(uv, UV_RUN_DEFAULT);
	return (0);
}
