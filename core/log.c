#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "log.h"
#include "term.h"
#include "tick.h"
#include "utf8.h"

/* Longer values are cut. */
#define LOG_VALUE_MAX 4096

enum form { FORM_JSON, FORM_JOURNAL, FORM_TEXT, FORM_COLOUR };

static const struct {
	const char *name;
	int priority;		/* of syslog(3) */
	const char *colour;
} levels[] = {
	[LOG_DEBUG] = { "debug", 7, "\033[2m" },
	[LOG_INFO] = { "info", 6, "\033[36m" },
	[LOG_WARN] = { "warn", 4, "\033[33m" },
	[LOG_ERROR] = { "error", 3, "\033[31m" },
};

static const char *log_program = "nixfleet";
static enum log_level log_least = LOG_INFO;
static enum form log_form = FORM_JSON;

int
log_level_parse(const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (strcmp(name, levels[i].name) == 0)
			return (i);
	return (-1);
}

void
log_open(const char *program, enum log_level least)
{
	log_program = program;
	log_least = least;
	if (isatty(STDERR_FILENO))
		log_form = term_colour(stderr) ? FORM_COLOUR : FORM_TEXT;
	else if (getenv("JOURNAL_STREAM") != NULL)
		log_form = FORM_JOURNAL;
	else
		log_form = FORM_JSON;
}

bool
log_on(enum log_level level)
{
	return (level >= log_least);
}

/* Valid UTF-8 of at most LOG_VALUE_MAX bytes of ${s}. */
static void
clean(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	buf_adds(out, "");
	utf8_clean(out, s, n < LOG_VALUE_MAX ? n : LOG_VALUE_MAX);
	if (n > LOG_VALUE_MAX)
		buf_adds(out, "...");
}

static void
json_member(json_t *obj, const char *key, const char *value)
{
	struct buf b = { 0 };

	clean(&b, value);
	json_object_set_new(obj, key, json_stringn(b.data, b.len));
	buf_free(&b);
}

/* The length of a control character at ${p}: C0, DEL, or C1 in UTF-8. */
static size_t
control(const unsigned char *p)
{
	if (p[0] < 0x20 || p[0] == 0x7f)
		return (1);
	return (p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0);
}

/* ${s} on one line; in quotes where a reader could take it for more. */
static void
text_value(struct buf *out, const char *s, bool quotes)
{
	struct buf b = { 0 };
	size_t n;

	clean(&b, s);
	if (quotes)
		buf_adds(out, "\"");
	for (const char *p = b.data; *p != '\0'; p += n == 0 ? 1 : n) {
		if ((n = control((const unsigned char *)p)) > 0)
			buf_addf(out, "\\x%02x", (unsigned char)p[n - 1]);
		else if (quotes && (*p == '"' || *p == '\\'))
			buf_addf(out, "\\%c", *p);
		else
			buf_add(out, p, 1);
	}
	if (quotes)
		buf_adds(out, "\"");
	buf_free(&b);
}

static bool
needs_quotes(const char *s)
{
	if (*s == '\0')
		return (true);
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || strchr("\"\\=", *s) != NULL ||
		    (unsigned char)*s >= 0x7f)
			return (true);
	return (false);
}

static void
write_text(struct buf *out, enum log_level level, const char *msg, va_list ap)
{
	const char *key, *value, *reset = "";
	char now[TICK_TEXT];

	if (log_form == FORM_JOURNAL) {
		buf_addf(out, "<%d>", levels[level].priority);
	} else {
		buf_addf(out, "%s ", tick_text(tick_wall(), now));
		if (log_form == FORM_COLOUR) {
			buf_adds(out, levels[level].colour);
			reset = "\033[0m";
		}
		buf_addf(out, "%-5s%s ", levels[level].name, reset);
	}
	text_value(out, msg, false);
	while ((key = va_arg(ap, const char *)) != NULL) {
		if ((value = va_arg(ap, const char *)) == NULL)
			continue;
		buf_addf(out, " %s=", key);
		text_value(out, value, needs_quotes(value));
	}
}

static void
write_json(struct buf *out, enum log_level level, const char *msg, va_list ap)
{
	const char *key, *value;
	char now[TICK_TEXT], *text;
	json_t *obj = json_object();

	json_member(obj, "time", tick_text(tick_wall(), now));
	json_member(obj, "level", levels[level].name);
	json_member(obj, "program", log_program);
	json_member(obj, "msg", msg);
	while ((key = va_arg(ap, const char *)) != NULL)
		if ((value = va_arg(ap, const char *)) != NULL)
			json_member(obj, key, value);
	if ((text = json_dumps(obj, JSON_COMPACT)) != NULL)
		buf_adds(out, text);
	free(text);
	json_decref(obj);
}

void
log_write(enum log_level level, const char *msg, ...)
{
	struct buf line = { 0 };
	va_list ap;

	if (!log_on(level))
		return;
	va_start(ap, msg);
	if (log_form == FORM_JSON)
		write_json(&line, level, msg, ap);
	else
		write_text(&line, level, msg, ap);
	va_end(ap);
	buf_adds(&line, "\n");
	/* There is nobody to tell when this fails. */
	(void)file_write_all(STDERR_FILENO, line.data, line.len);
	buf_free(&line);
}
