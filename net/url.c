#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "str.h"
#include "url.h"

static const struct {
	const char *scheme;
	bool tls;
} schemes[] = {
	{ "https://", true },
	{ "http://", false },
	{ "wss://", true },
	{ "ws://", false },
};

/* What follows the scheme, or NULL if it is none of ours. */
static const char *
parse_scheme(const char *text, bool *tls)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(text, schemes[i].scheme,
		    strlen(schemes[i].scheme)) == 0) {
			*tls = schemes[i].tls;
			return (text + strlen(schemes[i].scheme));
		}
	return (NULL);
}

static bool
is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (strcmp(host, "localhost") == 0 || str_suffix(host, ".localhost"))
		return (true);
	if (inet_pton(AF_INET, host, &four) == 1)
		return (ntohl(four.s_addr) >> 24 == 127);
	return (inet_pton(AF_INET6, host, &six) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&six));
}

static bool
host_valid(const char *host, bool bracketed)
{
	struct in6_addr six;
	size_t n = strlen(host);

	if (bracketed)
		return (inet_pton(AF_INET6, host, &six) == 1);
	if (n == 0 || n > 253)
		return (false);
	for (const char *p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			return (false);
	return (true);
}

/* "host", "host:port", "[v6]" or "[v6]:port" of ${n} bytes. */
static int
parse_authority(const char *s, size_t n, struct url *u, struct err *e)
{
	char *auth = str_ndup(s, n), *host = auth, *port = NULL, *end;
	bool bracketed = *auth == '[';
	int64_t v = u->tls ? 443 : 80;
	int rc = -1;

	if (bracketed && (end = strchr(auth, ']')) != NULL) {
		host = auth + 1;
		*end++ = '\0';
		if (*end == ':')
			port = end + 1;
		else if (*end != '\0')
			host[0] = '\0';
	} else if ((port = strchr(auth, ':')) != NULL)
		*port++ = '\0';

	for (char *p = host; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!host_valid(host, bracketed)) {
		err_set(e, ERR_INPUT, "no valid host name in it");
		goto done;
	}
	if (port != NULL && str_int(port, 1, 65535, &v) == -1) {
		err_set(e, ERR_INPUT, "the port must be 1 to 65535");
		goto done;
	}
	u->host = str_dup(host);
	u->port = (uint16_t)v;
	u->loopback = is_loopback(host);
	rc = 0;
done:
	free(auth);
	return (rc);
}

static int
parse(const char *text, struct url *out, struct err *e)
{
	struct url u = { 0 };
	const char *rest;
	size_t n;

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return (err_set(e, ERR_INPUT,
			    "blanks and control characters are not allowed"));
	if ((rest = parse_scheme(text, &u.tls)) == NULL)
		return (err_set(e, ERR_INPUT, "it must begin with https://, "
		    "wss://, http:// or ws://"));
	if (strchr(rest, '#') != NULL)
		return (err_set(e, ERR_INPUT, "'#' is not allowed"));
	n = strcspn(rest, "/?");
	if (memchr(rest, '@', n) != NULL)
		return (err_set(e, ERR_INPUT, "a user name or password is not "
		    "allowed in it"));
	if (parse_authority(rest, n, &u, e) == -1)
		return (-1);
	u.path = str_printf("%s%s", rest[n] == '/' ? "" : "/", rest + n);
	*out = u;
	return (0);
}

int
url_parse(const char *text, struct url *u, struct err *e)
{
	struct err why;

	if (parse(text, u, &why) == 0)
		return (0);
	/* Whatever stands before an '@' may be a password. */
	if (strchr(text, '@') != NULL)
		text = "(not shown)";
	return (err_set(e, ERR_INPUT, "address \"%.200s\": %s", text,
	    why.text));
}

static int
check_insecure(const char *text, bool allow, const struct url *u,
    struct err *e)
{
	if (u->tls || u->loopback || allow)
		return (0);
	return (err_set(e, ERR_REFUSED, "address \"%.200s\" has no TLS: the "
	    "token would cross the network in the clear; use https://, or set "
	    "NIXFLEET_ALLOW_INSECURE_HTTP=true if that is meant", text));
}

int
url_base(const char *text, bool allow_insecure, struct url *out, struct err *e)
{
	struct url u;
	size_t n;

	if (url_parse(text, &u, e) == -1)
		return (-1);
	if (check_insecure(text, allow_insecure, &u, e) == -1) {
		url_free(&u);
		return (-1);
	}
	u.path[strcspn(u.path, "?")] = '\0';
	for (n = strlen(u.path); n > 0 && u.path[n - 1] == '/'; n--)
		u.path[n - 1] = '\0';
	if (str_suffix(u.path, "/ws"))
		u.path[n - 3] = '\0';
	*out = u;
	return (0);
}

int
url_agent(const char *text, bool allow_insecure, struct url *out,
    struct err *e)
{
	char *path;

	if (url_base(text, allow_insecure, out, e) == -1)
		return (-1);
	path = str_printf("%s/ws", out->path);
	free(out->path);
	out->path = path;
	return (0);
}

char *
url_host_header(const struct url *u)
{
	bool six = strchr(u->host, ':') != NULL;
	char port[8] = "";

	if (u->port != (u->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%u", u->port);
	return (str_printf("%s%s%s%s", six ? "[" : "", u->host, six ? "]" : "",
	    port));
}

char *
url_http(const struct url *u, const char *path)
{
	char *host = url_host_header(u), *text;

	text = str_printf("http%s://%s%s%s", u->tls ? "s" : "", host, u->path,
	    path);
	free(host);
	return (text);
}

void
url_free(struct url *u)
{
	free(u->host);
	free(u->path);
	memset(u, 0, sizeof(*u));
}
