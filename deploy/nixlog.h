#ifndef NIXLOG_H
#define NIXLOG_H

#include <stddef.h>

#include "buf.h"

#include "deploy.h"

/*
 * What nix prints with --log-format internal-json ("@nix {…}" lines mixed with
 * plain text; the numbers are those of nix's logging.hh): lines for people,
 * progress, and the reason of a failure.
 */
struct nixlog;

/* Lines without colours; progress at most four times a second; may be NULL. */
struct nixlog_sink {
	void (*on_line)(void *, enum deploy_stream, const char *, size_t);
	void (*on_progress)(void *, const struct deploy_progress *);
	void *cookie;
};

/* ${sink} is copied. */
struct nixlog *nixlog_new(const struct nixlog_sink *);
void	 nixlog_free(struct nixlog **);

/**
 * nixlog_feed(l, p, n):
 * One line without its newline, or a piece of it: a piece of exactly
 * PROC_LINE_MAX bytes is followed by the rest of its line.  Lines over
 * NIXLOG_MAX bytes are replaced by a note.
 */
#define NIXLOG_MAX (1024 * 1024)
void	 nixlog_feed(struct nixlog *, const char *, size_t);

/* Nothing came for a while: report the progress that was held back. */
void	 nixlog_quiet(struct nixlog *);

/* No more input: handle what is held, report the last progress. */
void	 nixlog_end(struct nixlog *);

/**
 * nixlog_error(l):
 * Why nix failed, without "error: " and colours, a builder's last lines
 * after its message; NULL if nix gave no reason.  The caller frees.
 */
char	*nixlog_error(const struct nixlog *);

#endif
