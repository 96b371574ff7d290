#include <jansson.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

/*
 * The least that a hub can be on the same libraries: it takes every
 * connection, reads every message as JSON, answers a register, and says
 * nothing else.  The bench takes its memory and its CPU as the reference.
 *
 *	bare_server PORT [CERT KEY]
 */

#define ANSWER "{\"type\":\"registered\",\"payload\":{\"host_id\":\"\"}}"
#define IN_MAX 1024

struct session {
	int answer;
};

/* Every connection has a buffer of IN_MAX; shorter messages come whole. */
static void
on_text(struct lws *wsi, struct session *s, const char *text, size_t n)
{
	json_t *msg = json_loadb(text, n, 0, NULL);
	const char *type = json_string_value(json_object_get(msg, "type"));

	if (type != NULL && strcmp(type, "register") == 0) {
		s->answer = 1;
		lws_callback_on_writable(wsi);
	}
	json_decref(msg);
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t len)
{
	unsigned char msg[LWS_PRE + sizeof(ANSWER)];
	struct session *s = user;

	switch (why) {
	case LWS_CALLBACK_RECEIVE:
		on_text(wsi, s, in, len);
		return (0);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		if (!s->answer)
			return (0);
		s->answer = 0;
		memcpy(msg + LWS_PRE, ANSWER, strlen(ANSWER));
		return (lws_write(wsi, msg + LWS_PRE, strlen(ANSWER),
		    LWS_WRITE_TEXT) < 0 ? -1 : 0);
	default:
		return (0);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "bare", .callback = on_event, .rx_buffer_size = IN_MAX,
	    .per_session_data_size = sizeof(struct session) },
	{ 0 },
};

int
main(int argc, char **argv)
{
	uv_loop_t *uv = uv_default_loop();
	void *loops[] = { uv };
	struct lws_context_creation_info info = { .protocols = protocols,
		.foreign_loops = loops, .options = LWS_SERVER_OPTION_LIBUV };
	struct rlimit r;

	if (argc != 2 && argc != 4)
		return (2);
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	lws_set_log_level(LLL_ERR, NULL);
	info.port = atoi(argv[1]);
	if (argc == 4) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = argv[2];
		info.ssl_private_key_filepath = argv[3];
	}
	if (lws_create_context(&info) == NULL)
		return (1);
	puts("ready");
	fflush(stdout);
	uv_run(uv, UV_RUN_DEFAULT);
	return (0);
}
