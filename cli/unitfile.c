#include <string.h>

#include "buf.h"
#include "str.h"
#include "unitfile.h"

#define BLANKS " \t\r\n"

/* One logical line into ${out}; ${p} moves behind it, ${line} with it. */
static void
join(const char **p, const char *end, int *line, struct buf *out)
{
	const char *nl;
	size_t n;

	buf_clear(out);
	buf_adds(out, "");
	for (;;) {
		nl = memchr(*p, '\n', (size_t)(end - *p));
		n = (size_t)((nl == NULL ? end : nl) - *p);
		buf_add(out, *p, n);
		*p += n + (nl != NULL);
		*line += nl != NULL;
		if (nl == NULL || n == 0 || (*p)[-2] != '\\')
			return;
		out->data[out->len - 1] = ' ';
	}
}

static int
assignment(char *text, int line, unitfile_cb *cb, void *cookie, struct err *e)
{
	char *equals = strchr(text, '='), *key;

	if (equals == NULL)
		return (
		    err_set(e, ERR_INPUT, "line %d is not KEY=VALUE", line));
	*equals = '\0';
	key = str_trim(text);
	if (*key == '\0')
		return (err_set(e, ERR_INPUT, "line %d has no key", line));
	cb(cookie, line, key, str_trim(equals + 1));
	return (0);
}

int
unitfile_parse(
    const char *text, size_t len, unitfile_cb *cb, void *cookie, struct err *e)
{
	const char *p = text, *end = text + len;
	struct buf b = { 0 };
	int line = 1, at, rc = 0;
	char *s;

	if (memchr(text, '\0', len) != NULL)
		return (err_set(e, ERR_INPUT, "a NUL is in it"));
	while (p < end && rc == 0) {
		at = line;
		join(&p, end, &line, &b);
		s = str_trim(b.data);
		if (strchr("#;[", *s) == NULL)
			rc = assignment(s, at, cb, cookie, e);
	}
	buf_free(&b);
	return (rc);
}

static void
escaped(const char **p, struct buf *word)
{
	static const char names[] = "nts\\\"'", bytes[] = "\n\t \\\"'";
	const char *at = **p == '\0' ? NULL : strchr(names, **p);

	if (at == NULL) {
		buf_adds(word, "\\");
		return;
	}
	buf_add(word, &bytes[at - names], 1);
	(*p)++;
}

char *
unitfile_word(const char **value)
{
	const char *p = *value + strspn(*value, BLANKS);
	struct buf word = { 0 };
	char quote = '\0';

	if (*p == '\0')
		return (NULL);
	buf_adds(&word, "");
	for (; *p != '\0' && (quote != '\0' || strchr(BLANKS, *p) == NULL);) {
		char c = *p++;

		if (c == '\\')
			escaped(&p, &word);
		else if (c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else
			buf_add(&word, &c, 1);
	}
	*value = p;
	return (buf_take(&word));
}
