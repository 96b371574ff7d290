#ifndef OUT_H
#define OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * What the command prints.  Text of hosts and hubs is a stranger's: nothing
 * of it may move a terminal's cursor, set its title or hide other text.
 */

/**
 * out_clean(to, p, n, colours):
 * Append one line of text with everything taken out that a terminal acts on:
 * control characters (a carriage return becomes a blank, a tab stays), escape
 * sequences, marks that turn the direction of writing.  With ${colours} the
 * sequences that set colours stay, and are reset at the end.
 */
void	 out_clean(struct buf *, const char *, size_t, bool colours);

/* Choose by NIXFLEET_COLOR ("auto", "always", "never"); call once. */
void	 out_open(const char *mode);

/* The sequence that paints a word of state ("ok", "failed") or ""; its end. */
const char *out_paint(const char *word);
const char *out_plain(void);

/* One line on stdout after ${prefix}, cleaned. */
void	 out_line(const char *prefix, const char *, size_t);
/* The same of a format whose arguments may be a stranger's. */
void	 out_linef(const char *, ...) __attribute__((format(printf, 1, 2)));
/* A line that the next one overwrites, only on a terminal; "" removes it. */
void	 out_transient(const char *);

/* JSON on one line. */
void	 out_json(const json_t *);

/* "nixfleet: text" on stderr, cleaned; returns the exit code for ${e}. */
int	 out_error(const struct err *);

#endif
