#ifndef LOOP_H
#define LOOP_H

#include <libwebsockets.h>
#include <uv.h>

#include "err.h"

/*
 * libwebsockets on a libuv loop that belongs to the program.
 *
 *	struct loop_foreign f;
 *	struct lws_context_creation_info info;
 *
 *	loop_info(uv, &f, &info);
 *	info.protocols = …;		(and port, certificate, mounts, user)
 *	ctx = loop_open(&info, e);
 *	uv_run(uv, UV_RUN_DEFAULT);
 *	loop_close(uv, &ctx);
 */
struct loop_foreign {
	void *loops[1];
};

/**
 * loop_init(uv):
 * Initialise ${uv} without io_uring, to which libuv 1.45 to 1.48 gives a
 * kernel thread that polls; epoll serves what we do as well.
 */
void	 loop_init(uv_loop_t *);

/**
 * loop_info(uv, f, info):
 * Zero ${info} and fill in what all our programs share: ${uv} as the foreign
 * loop, no listening, few descriptors, small buffers.  A server
 * sets fd_limit_per_thread to 0, which means RLIMIT_NOFILE: with any lower
 * number the library looks descriptors up one by one.  ${f} must live until
 * loop_open returned.
 */
void	 loop_info(uv_loop_t *, struct loop_foreign *,
	    struct lws_context_creation_info *);

/**
 * loop_open(info, e):
 * Create the context, with TLS set up if ${info} has a certificate or a
 * client's trust; NULL with ${e} filled, the library's own words included.
 */
struct lws_context *loop_open(const struct lws_context_creation_info *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * loop_close(uv, ctx):
 * Destroy the context, run ${uv} until the context's handles are gone, and set
 * the pointer to NULL; connections are closed without a goodbye.  Handles of
 * the program's own stay as they are.  Not to be called from the library's
 * callbacks.  NULL is fine.
 */
void	 loop_close(uv_loop_t *, struct lws_context **);

/**
 * loop_log(fn):
 * Give the library's errors and warnings to ${fn}, a line without a newline
 * each (${level}: LLL_ERR or LLL_WARN).  NULL, as at the start: silence.
 */
void	 loop_log(void (*)(int level, const char *line));

#endif
