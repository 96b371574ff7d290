#include <string.h>
#include <strings.h>

#include "http_header.h"
#include "str.h"

/*
 * The next element of a list separated by ${sep}, without blanks around it.
 * NULL after the last one.
 */
static const char *
next_item(const char **p, char sep, size_t *len)
{
	const char *s, *end;

	if (*p == NULL)
		return (NULL);
	s = *p;
	if ((end = strchr(s, sep)) == NULL) {
		end = s + strlen(s);
		*p = NULL;
	} else
		*p = end + 1;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*len = (size_t)(end - s);
	return (s);
}

char *
http_header_cookie(const char *value, const char *name)
{
	size_t n, nlen = strlen(name);
	const char *s;

	while ((s = next_item(&value, ';', &n)) != NULL) {
		if (n <= nlen || s[nlen] != '=' || strncmp(s, name, nlen) != 0)
			continue;
		s += nlen + 1;
		n -= nlen + 1;
		if (n >= 2 && s[0] == '"' && s[n - 1] == '"')
			return (str_ndup(s + 1, n - 2));
		return (str_ndup(s, n));
	}
	return (NULL);
}

const char *
http_header_bearer(const char *value)
{
	if (value == NULL || !str_prefix(value, "Bearer "))
		return (NULL);
	return (value + strlen("Bearer "));
}

/* Is the item, up to a ';' and blanks before it, that word? */
static bool
item_is(const char *s, size_t n, const char *word)
{
	size_t len = strlen(word);

	if (n < len || strncasecmp(s, word, len) != 0)
		return (false);
	while (len < n && (s[len] == ' ' || s[len] == '\t'))
		len++;
	return (len == n || s[len] == ';');
}

bool
http_header_is_type(const char *value, const char *type)
{
	return (value != NULL && item_is(value, strlen(value), type));
}

bool
http_header_wants_json(const char *value)
{
	const char *s;
	size_t n;

	while ((s = next_item(&value, ',', &n)) != NULL)
		if (item_is(s, n, "application/json"))
			return (true);
	return (false);
}

bool
http_header_etag_match(const char *value, const char *etag)
{
	const char *s;
	size_t n, len = strlen(etag);

	while ((s = next_item(&value, ',', &n)) != NULL) {
		if (n == 1 && *s == '*')
			return (true);
		if (n > 2 && s[0] == 'W' && s[1] == '/') {
			s += 2;
			n -= 2;
		}
		if (n == len && memcmp(s, etag, n) == 0)
			return (true);
	}
	return (false);
}

bool
http_header_gzip(const char *value)
{
	const char *s, *q;
	size_t n;

	while ((s = next_item(&value, ',', &n)) != NULL) {
		if (!item_is(s, n, "gzip"))
			continue;
		/* ";q=0", ";q=0.0" … refuse it. */
		if ((q = memchr(s, '=', n)) == NULL)
			return (true);
		return (strspn(q + 1, "0. \t") < (size_t)(s + n - q - 1));
	}
	return (false);
}
