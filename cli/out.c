#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"
#include "str.h"
#include "term.h"
#include "utf8.h"
#include "verb.h"

#define RESET "\033[0m"
/* A longer sequence of colours is none. */
#define COLOUR_MAX 32

static bool colours_on;
static bool transient;

/*
 * Length of the escape sequence at ${p}, which begins with ESC: CSI up to its
 * final byte, strings (OSC, DCS, ...) up to BEL or ST, else two bytes.  What
 * never ends is dropped up to the end of the text.
 */
static size_t
escape(const char *p, size_t n)
{
	size_t i = 2;

	/* What follows must belong to it. */
	if (n < 2 || p[1] < ' ' || p[1] > '~')
		return (1);
	if (p[1] == '[') {
		while (i < n && (unsigned char)p[i] >= 0x20 &&
		    (unsigned char)p[i] <= 0x3f)
			i++;
		return (i < n && p[i] >= '@' && p[i] <= '~' ? i + 1 : i);
	}
	if (strchr("]PX^_", p[1]) == NULL)
		return (2);
	for (; i < n; i++) {
		if (p[i] == '\a')
			return (i + 1);
		if (p[i] == '\033' && i + 1 < n && p[i + 1] == '\\')
			return (i + 2);
	}
	return (n);
}

static bool
is_colour(const char *p, size_t n)
{
	return (n >= 3 && n <= COLOUR_MAX && p[1] == '[' && p[n - 1] == 'm' &&
	    strspn(p + 2, "0123456789;:") == n - 3);
}

/* Length of the character at ${p} that must go although it is no C0: or 0. */
static size_t
hidden(const char *p)
{
	static const char *const marks[] = { "\u200e", "\u200f", "\u2028",
		"\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
		"\u2066", "\u2067", "\u2068", "\u2069", "\u061c" };

	if (p[0] == '\x7f')
		return (1);
	if (p[0] == '\xc2' && (unsigned char)p[1] < 0xa0)
		return (2);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (str_prefix(p, marks[i]))
			return (strlen(marks[i]));
	return (0);
}

/* Nobody reads any more: there is nothing left to do. */
static void
flush(void)
{
	if (fflush(stdout) == EOF)
		exit(VERB_FAILED);
}

void
out_clean(struct buf *to, const char *p, size_t n, bool colours)
{
	struct buf valid = { 0 };
	bool painted = false;
	size_t len, i;

	utf8_clean(&valid, p, n);
	for (i = 0; i < valid.len; i += len) {
		const char *at = valid.data + i;

		len = 1;
		if (*at == '\033') {
			len = escape(at, valid.len - i);
			if (!colours || !is_colour(at, len))
				continue;
			painted = true;
			buf_add(to, at, len);
		} else if (*at == '\r') {
			buf_adds(to, " ");
		} else if ((len = hidden(at)) == 0) {
			len = 1;
			if ((unsigned char)*at >= ' ' || *at == '\t')
				buf_add(to, at, 1);
		}
	}
	if (painted)
		buf_adds(to, RESET);
	buf_free(&valid);
}

void
out_open(const char *mode)
{
	colours_on = str_eq(mode, "always") ||
	    (!str_eq(mode, "never") && term_colour(stdout));
}

const char *
out_paint(const char *word)
{
	static const struct {
		const char *colour;
		const char *const words[8];
	} rows[] = {
		{ "\033[32m", { "ok", "connected", NULL } },
		{ "\033[33m", { "outdated", "late", "stopped", "queued",
		    "interrupted", "warn", NULL } },
		{ "\033[31m", { "error", "failed", "timed_out", "rolled_back",
		    "refused", "conflict", "bad", NULL } },
		{ "\033[36m", { "working", "running", "sent", "busy",
		    NULL } },
		{ "\033[2m", { "unknown", "offline", "never", "lost", NULL } },
	};

	for (size_t i = 0; colours_on && i < sizeof(rows) / sizeof(rows[0]);
	    i++)
		for (const char *const *w = rows[i].words; *w != NULL; w++)
			if (str_eq(*w, word))
				return (rows[i].colour);
	return ("");
}

const char *
out_plain(void)
{
	return (colours_on ? RESET : "");
}

void
out_transient(const char *text)
{
	struct buf b = { 0 };

	if (!isatty(STDOUT_FILENO) || (text[0] == '\0' && !transient))
		return;
	out_clean(&b, text, strlen(text), false);
	buf_adds(&b, "");
	/* Wrapped lines could not be taken back. */
	printf("\r\033[K%.*s", 76, b.data);
	flush();
	transient = text[0] != '\0';
	buf_free(&b);
}

void
out_line(const char *prefix, const char *p, size_t n)
{
	struct buf b = { 0 };

	out_transient("");
	out_clean(&b, p, n, colours_on);
	buf_adds(&b, "\n");
	fputs(prefix, stdout);
	fwrite(b.data, 1, b.len, stdout);
	flush();
	buf_free(&b);
}

void
out_linef(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	va_end(ap);
	out_line("", text, strlen(text));
	free(text);
}

void
out_json(const json_t *v)
{
	/* ASCII only: a terminal acts on some of the other characters too. */
	char *s = json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII |
	    JSON_ENCODE_ANY);

	puts(s == NULL ? "null" : s);
	flush();
	free(s);
}

int
out_error(const struct err *e)
{
	struct buf b = { 0 };
	size_t n;

	for (const char *p = e->text; *p != '\0'; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		out_clean(&b, p, n, false);
		buf_adds(&b, "\n");
	}
	buf_adds(&b, "");
	out_transient("");
	term_error("nixfleet", b.data);
	buf_free(&b);
	if (e->code == ERR_NET || e->code == ERR_TIMEOUT)
		return (VERB_UNREACHABLE);
	return (e->code == ERR_INPUT ? VERB_USAGE : VERB_FAILED);
}
