#include <string.h>
#include <strings.h>

#include "http_origin.h"

/* "localhost", "127.0.0.1" or "[::1]", with or without a port. */
static bool
is_local(const char *authority)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
	    "[::1]" };
	size_t i, n;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i]);
		if (strncasecmp(authority, names[i], n) == 0 &&
		    (authority[n] == '\0' || authority[n] == ':'))
			return (true);
	}
	return (false);
}

static bool
in_list(const char *list, const char *origin)
{
	size_t n, len = strlen(origin);

	if (list == NULL)
		return (false);
	while (*list != '\0') {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if ((n == len || (n == len + 1 && list[len] == '/')) &&
		    len > 0 && strncasecmp(list, origin, len) == 0)
			return (true);
		list += n;
	}
	return (false);
}

bool
http_origin_ok(const char *origin, const char *host, bool secure,
    const char *allowed)
{
	const char *authority;

	if (origin == NULL || in_list(allowed, origin))
		return (true);
	if (strncasecmp(origin, "https://", 8) == 0)
		authority = origin + 8;
	else if (strncasecmp(origin, "http://", 7) == 0 && !secure)
		authority = origin + 7;
	else
		return (false);
	if (host == NULL)
		return (false);
	if (is_local(host))
		return (is_local(authority));
	return (strcasecmp(authority, host) == 0);
}
