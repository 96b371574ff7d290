#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "str.h"

static const struct {
	const char *name;
	enum remote_proto proto;
} protos[] = {
	{ "ssh", REMOTE_SSH },
	{ "https", REMOTE_HTTPS },
	{ "http", REMOTE_HTTP },
	{ "git", REMOTE_GIT },
	{ "file", REMOTE_FILE },
};
#define NPROTOS (sizeof(protos) / sizeof(protos[0]))

static const char allowed[] = "allowed: ssh://, user@host:path, https://, "
			      "http://, git://, file://, an absolute path";

static int
hexval(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* Git decodes %XX in the path of file://, so must we. */
static char *
url_decode(const char *s)
{
	char *out = str_alloc(strlen(s) + 1);
	size_t n = 0;

	while (*s != '\0') {
		if (s[0] == '%' && hexval(s[1]) >= 0 && hexval(s[2]) >= 0 &&
		    (s[1] != '0' || s[2] != '0')) {
			out[n++] = (char)(hexval(s[1]) * 16 + hexval(s[2]));
			s += 3;
		} else
			out[n++] = *s++;
	}
	return (out);
}

/* "[user@]host[:port]" of ${n} bytes. */
static int
parse_authority(const char *s, size_t n, struct remote *out, struct err *e)
{
	char *auth = str_ndup(s, n), *host = strrchr(auth, '@'), *end;
	int64_t port = 0;
	int rc = 0;

	if (host != NULL && memchr(auth, ':', (size_t)(host - auth)) != NULL) {
		rc = err_set(e, ERR_INPUT, "the repository's URL holds a "
		    "password; put it into a file and name that in "
		    "NIXFLEET_REPO_TOKEN_FILE");
		goto out;
	}
	host = host == NULL ? auth : host + 1;
	if (host[0] == '[' && (end = strchr(host, ']')) != NULL) {
		host++;
		*end++ = '\0';
	} else
		end = host + strcspn(host, ":");
	if (*end == ':' && end[1] != '\0' &&
	    str_int(end + 1, 1, 65535, &port) == -1)
		rc = err_set(e, ERR_INPUT, "port \"%s\" in the repository's "
		    "URL is not a number from 1 to 65535", end + 1);
	*end = '\0';
	if (rc == 0 && (host[0] == '\0' || host[0] == '-'))
		rc = err_set(e, ERR_INPUT, "the repository's URL has no "
		    "usable host name");
	if (rc == 0) {
		out->host = str_dup(host);
		out->port = (int)port;
	}
out:
	free(auth);
	return (rc);
}

static int
parse_url(const char *url, const char *rest, enum remote_proto proto,
    struct remote *out, struct err *e)
{
	size_t n = strcspn(rest, "/");

	out->proto = proto;
	if (proto == REMOTE_FILE) {
		if (rest[0] != '/')
			return (err_set(e, ERR_INPUT, "repository URL \"%s\": "
			    "file:// needs an absolute path", url));
		out->path = url_decode(rest);
		return (0);
	}
	if (parse_authority(rest, n, out, e) == -1)
		return (-1);
	out->path = str_dup(rest + n);
	return (0);
}

int
remote_parse(const char *url, struct remote *res, struct err *e)
{
	struct remote out = { 0 };
	const char *p, *colon;

	for (p = url; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return (err_set(e, ERR_INPUT, "the repository's URL "
			    "holds a control character"));
	if ((p = strstr(url, "://")) != NULL) {
		size_t n = (size_t)(p - url);

		for (size_t i = 0; i < NPROTOS; i++)
			if (strlen(protos[i].name) == n &&
			    memcmp(url, protos[i].name, n) == 0) {
				if (parse_url(url, p + 3, protos[i].proto,
				    &out, e) == -1)
					goto bad;
				goto ok;
			}
		goto unusable;
	}
	if (url[0] == '/') {
		out.proto = REMOTE_FILE;
		out.path = str_dup(url);
		goto ok;
	}
	if (url[0] == '[' && (colon = strstr(url, "]:")) != NULL)
		colon++;
	else
		colon = strchr(url, ':');
	if (url[0] == '-' || colon == NULL || colon == url ||
	    colon[1] == ':' || colon[1] == '\0' ||
	    memchr(url, '/', (size_t)(colon - url)) != NULL)
		goto unusable;
	out.proto = REMOTE_SSH;
	if (parse_authority(url, (size_t)(colon - url), &out, e) == -1)
		goto bad;
	out.path = str_dup(colon + 1);
ok:
	*res = out;
	return (0);
unusable:
	err_set(e, ERR_INPUT, "repository URL \"%s\" cannot be used; %s", url,
	    allowed);
bad:
	remote_done(&out);
	return (-1);
}

void
remote_done(struct remote *r)
{
	free(r->host);
	free(r->path);
	*r = (struct remote){ 0 };
}

const char *
remote_proto_name(const struct remote *r)
{
	for (size_t i = 0; i < NPROTOS; i++)
		if (protos[i].proto == r->proto)
			return (protos[i].name);
	abort();
}

bool
remote_loopback(const struct remote *r)
{
	return (r->host != NULL && (str_eq(r->host, "localhost") ||
	    str_prefix(r->host, "127.") || str_eq(r->host, "::1")));
}

int
remote_branch_check(const char *b, struct err *e)
{
	size_t n = strlen(b);
	const char *why = NULL;

	if (n == 0 || n > 200)
		why = "it must have 1 to 200 bytes";
	else if (b[0] == '-' || b[0] == '/' || b[0] == '.' || b[n - 1] == '/' ||
	    b[n - 1] == '.' || str_eq(b, "@"))
		why = "it begins or ends in a way that git does not allow";
	else if (strpbrk(b, " ~^:?*[\\\"") != NULL || strstr(b, "..") != NULL ||
	    strstr(b, "@{") != NULL || strstr(b, "//") != NULL ||
	    strstr(b, "/.") != NULL || strstr(b, ".lock/") != NULL ||
	    str_suffix(b, ".lock"))
		why = "it holds characters that git does not allow";
	for (; why == NULL && *b != '\0'; b++)
		if ((unsigned char)*b < 0x20 || *b == 0x7f)
			why = "it holds a control character";
	if (why != NULL)
		return (err_set(e, ERR_INPUT, "branch name is not valid: %s",
		    why));
	return (0);
}
