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
 * loop_info(uv, f, info):
 * Zero ${info} and fill in what all our programs share: ${uv} as the foreign
 * loop, no listening, few descriptors, small buffers, no extensions, headers
 * that do not name the library.  A server sets fd_limit_per_thread itself.
 * ${f} must live until loop_open returned.
 */
void	 loop_info(uv_loop_t *, struct loop_foreign *,
	    struct lws_context_creation_info *);

/* Create the context; NULL with ${e} filled. */
struct lws_context *loop_open(const struct lws_context_creation_info *,
	    struct err *);

/**
 * loop_close(uv, ctx):
 * Destroy the context, run ${uv} until its handles are closed, and set the
 * pointer to NULL.  Handles of the program's own stay as they are.
 */
void	 loop_close(uv_loop_t *, struct lws_context **);

/**
 * loop_log(fn):
 * Give the library's errors and warnings to ${fn}, a line without a newline
 * each (${level}: LLL_ERR or LLL_WARN); NULL: silence, which is how a program
 * starts as soon as loop_info was called once.
 */
void	 loop_log(void (*)(int level, const char *line));

#endif
