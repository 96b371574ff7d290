#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "http_pairs.h"
#include "str.h"
#include "utf8.h"

int
http_pairs_add(struct http_pairs *p, const char *text, size_t len,
    struct err *e)
{
	const char *eq;

	if (!utf8_valid(text, len))
		return (err_set(e, ERR_INPUT,
		    "a form or query field is not valid UTF-8"));
	if (p->n == HTTP_PAIRS_MAX)
		return (err_set(e, ERR_INPUT,
		    "more than %d form or query fields", HTTP_PAIRS_MAX));
	if (p->v == NULL)
		p->v = str_alloc(HTTP_PAIRS_MAX * sizeof(*p->v));
	if ((eq = memchr(text, '=', len)) == NULL)
		eq = text + len;
	p->v[p->n].name = str_ndup(text, (size_t)(eq - text));
	p->v[p->n].value = eq == text + len ? str_dup("") :
	    str_ndup(eq + 1, (size_t)(text + len - eq - 1));
	p->n++;
	return (0);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* Decode [s, s+n) into ${out}, which holds n bytes; -1: broken escape. */
static int
unescape(const char *s, size_t n, char *out, size_t *outlen)
{
	size_t i, o = 0;

	for (i = 0; i < n; i++) {
		if (s[i] != '%') {
			out[o++] = s[i] == '+' ? ' ' : s[i];
			continue;
		}
		if (n - i < 3 || hex(s[i + 1]) == -1 || hex(s[i + 2]) == -1)
			return (-1);
		out[o++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
		i += 2;
	}
	*outlen = o;
	return (0);
}

/*
 * An escaped '=' in a name would be taken for the separator by
 * http_pairs_add, so name and value are decoded apart.
 */
static int
add_escaped(struct http_pairs *p, const char *s, size_t n, struct err *e)
{
	char *text = str_alloc(n + 2);
	const char *eq = memchr(s, '=', n);
	size_t nlen = eq == NULL ? n : (size_t)(eq - s), a, b = 0;
	int rc = -1;

	if (unescape(s, nlen, text, &a) == -1 || (eq != NULL &&
	    unescape(eq + 1, n - nlen - 1, text + a + 1, &b) == -1)) {
		err_set(e, ERR_INPUT, "a form field has a broken %%-escape");
		goto out;
	}
	if (memchr(text, '=', a) != NULL) {
		err_set(e, ERR_INPUT, "a form field's name holds '='");
		goto out;
	}
	text[a] = '=';
	rc = http_pairs_add(p, text, a + 1 + b, e);
out:
	str_wipe(text, n + 2);
	free(text);
	return (rc);
}

int
http_pairs_form(struct http_pairs *p, const char *text, size_t len,
    struct err *e)
{
	const char *end = text + len, *amp;

	while (text < end) {
		if ((amp = memchr(text, '&', (size_t)(end - text))) == NULL)
			amp = end;
		if (amp > text &&
		    add_escaped(p, text, (size_t)(amp - text), e) == -1)
			return (-1);
		text = amp + 1;
	}
	return (0);
}

const char *
http_pairs_get(const struct http_pairs *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return (p->v[i].value);
	return (NULL);
}

void
http_pairs_free(struct http_pairs *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->v[i].name);
		str_wipefree(&p->v[i].value);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}
