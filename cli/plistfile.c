#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "plistfile.h"
#include "str.h"

#define DEPTH 32

struct scan {
	const char *p, *end;
	int line;
	plistfile_cb *cb;
	void *cookie;
	struct buf keys;    /* "a/b/", of where we are */
	size_t lens[DEPTH]; /* of ${keys} in each dict and array */
	int depth;
};

static int
bad(const struct scan *s, const char *what, struct err *e)
{
	return (err_set(e, ERR_INPUT, "line %d: %s", s->line, what));
}

/* Behind the next ${mark}; NULL if there is none. */
static const char *
behind(struct scan *s, const char *mark)
{
	size_t n = strlen(mark);
	const char *at = memmem(s->p, (size_t)(s->end - s->p), mark, n);

	if (at == NULL)
		return (NULL);
	for (; s->p < at + n; s->p++)
		s->line += *s->p == '\n';
	return (at);
}

static void
add_text(struct buf *to, const char *p, size_t n)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "&lt;", '<' },
		{ "&gt;", '>' },
		{ "&amp;", '&' },
		{ "&quot;", '"' },
		{ "&apos;", '\'' },
	};
	const char *end = p + n;
	size_t i, count = sizeof(entities) / sizeof(entities[0]);

	while (p < end) {
		for (i = 0; i < count; i++) {
			n = strlen(entities[i].name);
			if ((size_t)(end - p) >= n &&
			    memcmp(p, entities[i].name, n) == 0)
				break;
		}
		buf_add(to, i < count ? &entities[i].c : p, 1);
		p += i < count ? n : 1;
	}
}

/* The text up to </${name}>; the caller frees. */
static char *
text_of(struct scan *s, const char *name)
{
	char *close = str_printf("</%s>", name);
	const char *from = s->p, *to = behind(s, close);
	struct buf b = { 0 };

	free(close);
	if (to == NULL)
		return (NULL);
	buf_adds(&b, "");
	add_text(&b, from, (size_t)(to - from));
	return (buf_take(&b));
}

static void
back_to(struct scan *s, size_t len)
{
	if (s->keys.len > len)
		s->keys.data[s->keys.len = len] = '\0';
}

static size_t
here(const struct scan *s)
{
	return (s->depth == 0 ? 0 : s->lens[s->depth - 1]);
}

static int
container(struct scan *s, bool open, struct err *e)
{
	if (!open) {
		if (s->depth == 0)
			return (bad(s, "an end without a beginning", e));
		s->depth--;
		back_to(s, here(s));
		return (0);
	}
	if (s->depth == DEPTH)
		return (bad(s, "it is too deep", e));
	if (s->depth > 0)
		buf_adds(&s->keys, "/");
	s->lens[s->depth++] = s->keys.len;
	return (0);
}

/* <key> or a value that has a text. */
static int
leaf(struct scan *s, const char *name, struct err *e)
{
	int line = s->line;
	char *text = text_of(s, name);

	if (text == NULL)
		return (bad(s, "an element has no end", e));
	if (str_eq(name, "key")) {
		back_to(s, here(s));
		buf_adds(&s->keys, text);
	} else if (str_eq(name, "string"))
		s->cb(s->cookie, line, s->keys.data == NULL ? "" : s->keys.data,
		    text);
	free(text);
	return (0);
}

static int
element(struct scan *s, struct err *e)
{
	const char *from = s->p, *to = behind(s, ">");
	char *name, *at;
	int rc = 0;

	if (to == NULL)
		return (bad(s, "a tag has no end", e));
	if (*from == '?' || *from == '!' || to == from || to[-1] == '/')
		return (0);
	name = str_ndup(from, (size_t)(to - from));
	name[strcspn(name, " \t\r\n")] = '\0';
	at = name + (*name == '/');
	if (str_eq(at, "dict") || str_eq(at, "array"))
		rc = container(s, at == name, e);
	else if (at == name && !str_eq(name, "plist"))
		rc = leaf(s, name, e);
	free(name);
	return (rc);
}

int
plistfile_parse(
    const char *text, size_t len, plistfile_cb *cb, void *cookie, struct err *e)
{
	struct scan s = { .p = text,
		.end = text + len,
		.line = 1,
		.cb = cb,
		.cookie = cookie };
	int rc = 0;

	if (len >= 6 && memcmp(text, "bplist", 6) == 0)
		return (err_set(e, ERR_INPUT,
		    "it is a binary property list; "
		    "plutil -convert xml1 -o FILE makes a text of it"));
	if (memchr(text, '\0', len) != NULL ||
	    memmem(text, len, "<plist", 6) == NULL)
		return (err_set(e, ERR_INPUT, "it is no property list"));
	while (rc == 0 && behind(&s, "<") != NULL) {
		if (s.end - s.p >= 3 && memcmp(s.p, "!--", 3) == 0)
			rc = behind(&s, "-->") == NULL
			    ? bad(&s, "a comment has no end", e)
			    : 0;
		else
			rc = element(&s, e);
	}
	buf_free(&s.keys);
	return (rc);
}
