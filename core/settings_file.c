#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "settings_file.h"
#include "str.h"

struct scan {
	const char *p, *end;
	int line;
	struct buf name, value;
};

static int
peek(const struct scan *s)
{
	return (s->p == s->end ? -1 : (unsigned char)*s->p);
}

static int
next(struct scan *s)
{
	int c = peek(s);

	if (c == -1)
		return (-1);
	s->p++;
	if (c == '\n')
		s->line++;
	return (c);
}

static bool
is_blank(int c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

static void
add(struct buf *b, int c)
{
	char byte = (char)c;

	buf_add(b, &byte, 1);
}

/* To the line's end; a backslash continues comments too. */
static void
skip_comment(struct scan *s)
{
	int c;

	while ((c = next(s)) != -1 && c != '\n')
		if (c == '\\')
			next(s);
}

static int
read_name(struct scan *s, struct err *e)
{
	int c, line = s->line;

	buf_clear(&s->name);
	while ((c = next(s)) != '=') {
		if (c == -1 || c == '\n' || c == '\0')
			return (err_set(e, ERR_INPUT,
			    "line %d is not NAME=value", line));
		add(&s->name, c);
	}
	while (s->name.len > 0 && is_blank(s->name.data[s->name.len - 1]))
		s->name.data[--s->name.len] = '\0';
	if (s->name.len == 0 || strcspn(s->name.data, " \t'\"") != s->name.len)
		return (err_set(e, ERR_INPUT,
		    "line %d is not NAME=value", line));
	return (0);
}

static int
read_quoted(struct scan *s, int quote, struct err *e)
{
	int c, line = s->line;

	while ((c = next(s)) != quote) {
		if (c == -1)
			return (err_set(e, ERR_INPUT,
			    "the quote in line %d is never closed", line));
		if (quote == '"' && c == '\\') {
			if ((c = next(s)) == '\n' || c == -1)
				continue;
			if (strchr("\"\\`$", c) == NULL)
				add(&s->value, '\\');
		}
		add(&s->value, c);
	}
	return (0);
}

/* A bare part up to the line's end, without the blanks before that. */
static void
read_bare(struct scan *s)
{
	size_t solid = s->value.len;
	int c;

	while ((c = peek(s)) != -1 && c != '\n') {
		next(s);
		if (c == '\\') {
			if ((c = next(s)) == '\n' || c == -1)
				continue;
			add(&s->value, c);
			solid = s->value.len;
			continue;
		}
		add(&s->value, c);
		if (!is_blank(c))
			solid = s->value.len;
	}
	if (s->value.data != NULL) {
		s->value.len = solid;
		s->value.data[solid] = '\0';
	}
}

static int
read_value(struct scan *s, struct err *e)
{
	int c, line = s->line;

	buf_clear(&s->value);
	buf_adds(&s->value, "");
	while ((c = peek(s)) != -1 && c != '\n') {
		if (is_blank(c))
			next(s);
		else if (c == '"' || c == '\'') {
			next(s);
			if (read_quoted(s, c, e) == -1)
				return (-1);
		} else
			read_bare(s);
	}
	next(s);
	if (strlen(s->value.data) != s->value.len)
		return (err_set(e, ERR_INPUT, "line %d holds a NUL", line));
	return (0);
}

int
settings_file_parse(const char *text, size_t len, settings_file_cb *cb,
    void *cookie, struct err *e)
{
	struct scan s = { .p = text, .end = text + len, .line = 1 };
	int c, line, rc = 0;

	while (rc == 0 && (c = peek(&s)) != -1) {
		if (is_blank(c) || c == '\n') {
			next(&s);
		} else if (c == '#' || c == ';') {
			skip_comment(&s);
		} else {
			line = s.line;
			if ((rc = read_name(&s, e)) == 0 &&
			    (rc = read_value(&s, e)) == 0)
				cb(cookie, line, s.name.data, s.value.data);
		}
	}
	if (s.value.data != NULL)
		str_wipe(s.value.data, s.value.cap);
	buf_free(&s.name);
	buf_free(&s.value);
	return (rc);
}
