#include <stdlib.h>
#include <string.h>

#include "gitmodules.h"
#include "str.h"

#define PREFIX "submodule."

/* Of "submodule.NAME.LEAF", NAME may hold dots: is it this LEAF? */
static bool
is_leaf(const char *key, const char *leaf)
{
	const char *dot = strrchr(key, '.');

	return (str_prefix(key, PREFIX) && dot > key + strlen(PREFIX) &&
	    str_eq(dot + 1, leaf));
}

/* Do both keys belong to one NAME? */
static bool
same_name(const char *a, const char *b)
{
	size_t n = (size_t)(strrchr(a, '.') - a);

	return (n == (size_t)(strrchr(b, '.') - b) && memcmp(a, b, n) == 0);
}

/*
 * The next "KEY LF VALUE NUL" of [*p, end): the key without its line feed as
 * a string of its own, the value in place; NULL at the end.
 */
static char *
next_entry(const char **p, const char *end, const char **value)
{
	const char *nul, *nl;
	char *key = NULL;

	while (key == NULL && *p < end &&
	    (nul = memchr(*p, '\0', (size_t)(end - *p))) != NULL) {
		nl = memchr(*p, '\n', (size_t)(nul - *p));
		if (nl != NULL) {
			key = str_ndup(*p, (size_t)(nl - *p));
			*value = nl + 1;
		}
		*p = nul + 1;
	}
	return (key);
}

/* The only key of that leaf and value, or NULL. */
static char *
key_of(const char *text, size_t len, const char *leaf, const char *want)
{
	const char *p = text, *value;
	char *key, *found = NULL;
	size_t n = 0;

	while ((key = next_entry(&p, text + len, &value)) != NULL) {
		if (is_leaf(key, leaf) && str_eq(value, want) && n++ == 0)
			found = key;
		else
			free(key);
	}
	if (n > 1) {
		free(found);
		found = NULL;
	}
	return (found);
}

char *
gitmodules_url(const char *text, size_t len, const char *path)
{
	char *name = key_of(text, len, "path", path), *key, *url = NULL;
	const char *p = text, *value;

	/* Of several lines the last one counts, as for git. */
	while (name != NULL &&
	    (key = next_entry(&p, text + len, &value)) != NULL) {
		if (is_leaf(key, "url") && same_name(key, name)) {
			free(url);
			url = str_dup(value);
		}
		free(key);
	}
	free(name);
	return (url);
}

/* Where the path begins in a URL that remote_parse takes. */
static size_t
path_start(const char *url)
{
	const char *p = strstr(url, "://");

	if (p != NULL)
		return ((size_t)(p + 3 - url) + strcspn(p + 3, "/"));
	if (url[0] == '/')
		return (0);
	p = url[0] == '[' ? strstr(url, "]:") : NULL;
	return (p != NULL ? (size_t)(p + 2 - url) : strcspn(url, ":") + 1);
}

/* Cut the last component of what begins at ${start}; false: there is none. */
static bool
chop(char *url, size_t start)
{
	size_t n = strlen(url);

	while (n > start && url[n - 1] == '/')
		n--;
	if (n == start)
		return (false);
	while (n > start && url[n - 1] != '/')
		n--;
	while (n > start && url[n - 1] == '/')
		n--;
	url[n] = '\0';
	return (true);
}

char *
gitmodules_resolve(const char *base, const char *url, struct err *e)
{
	size_t start = path_start(base), n;
	char *top, *out;
	bool inside;

	if (!str_prefix(url, "./") && !str_prefix(url, "../"))
		return (str_dup(url));
	if (start > strlen(base))
		start = strlen(base);
	top = str_dup(base);
	for (n = strlen(top); n > start && top[n - 1] == '/'; n--)
		top[n - 1] = '\0';
	for (inside = true; inside; ) {
		if (str_prefix(url, "./"))
			url += 2;
		else if (str_prefix(url, "../")) {
			inside = chop(top, start);
			url += 3;
		} else
			break;
		url += strspn(url, "/");
	}
	if (!inside || *url == '\0') {
		free(top);
		err_set(e, ERR_INPUT, "its URL leads out of the server");
		return (NULL);
	}
	/* "host:path" has no slash before its path. */
	out = str_printf("%s%s%s", top, strlen(top) == start && start > 0 &&
	    top[start - 1] == ':' ? "" : "/", url);
	free(top);
	return (out);
}
