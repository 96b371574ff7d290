#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

/* A client has one link, a stray second one while reconnecting, and pipes. */
#define CLIENT_FDS 16
#define SERV_BUF 4096

/* Closing takes three turns of the loop; more is the program's own doing. */
#define CLOSE_TURNS 1000

static void (*sink)(int, const char *);
/* The newest error, for who could not open a context. */
static char last_error[256];

static void
on_log(int level, const char *text)
{
	char line[sizeof(last_error)];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\r\n"), text);
	if (level == LLL_ERR)
		memcpy(last_error, line, sizeof(line));
	if (sink != NULL)
		sink(level, line);
}

void
loop_log(void (*fn)(int level, const char *line))
{
	sink = fn;
}

void
loop_init(uv_loop_t *uv)
{
	(void)setenv("UV_USE_IO_URING", "0", 1);
	(void)uv_loop_init(uv);
}

void
loop_info(uv_loop_t *uv, struct loop_foreign *f,
    struct lws_context_creation_info *info)
{
	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	memset(info, 0, sizeof(*info));
	f->loops[0] = uv;
	info->foreign_loops = f->loops;
	info->options = LWS_SERVER_OPTION_LIBUV |
	    LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
	info->port = CONTEXT_PORT_NO_LISTEN;
	info->fd_limit_per_thread = CLIENT_FDS;
	info->pt_serv_buf_size = SERV_BUF;
}

struct lws_context *
loop_open(const struct lws_context_creation_info *info, struct err *e)
{
	struct lws_context_creation_info i = *info;
	struct lws_context *ctx;

	/* Only for those who need it: OpenSSL costs 3 MiB. */
	if (i.ssl_cert_filepath != NULL || i.provided_client_ssl_ctx != NULL)
		i.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	last_error[0] = '\0';
	if ((ctx = lws_create_context(&i)) == NULL)
		err_set(e, ERR_SYS, "cannot set up the network library%s%s",
		    last_error[0] != '\0' ? ": " : "", last_error);
	return (ctx);
}

static void
on_walk(uv_handle_t *h, void *closing)
{
	if (uv_is_closing(h))
		*(bool *)closing = true;
}

static void
run_until_closed(uv_loop_t *uv)
{
	bool closing = true;

	for (int i = 0; closing && i < CLOSE_TURNS; i++) {
		uv_run(uv, UV_RUN_NOWAIT);
		closing = false;
		uv_walk(uv, on_walk, &closing);
	}
}

void
loop_close(uv_loop_t *uv, struct lws_context **ctx)
{
	if (*ctx == NULL)
		return;
	lws_context_destroy(*ctx);
	run_until_closed(uv);
#if LWS_LIBRARY_VERSION_NUMBER < 4002000
	/* Later versions free it when the last handle has been closed. */
	lws_context_destroy(*ctx);
#endif
	*ctx = NULL;
}
