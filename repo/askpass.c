#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "askpass.h"
#include "file.h"
#include "str.h"
#include "term.h"

#define TOKEN_MAX (64 * 1024)
#define PROGRAM "nixfleet askpass"

/* Forges take any name beside a token; GitHub documents this one. */
#define USER "x-access-token"

char *
askpass_site(const struct remote *r)
{
	bool v6 = strchr(r->host, ':') != NULL;
	struct buf b = { 0 };

	buf_addf(&b, "%s://%s%s%s", remote_proto_name(r), v6 ? "[" : "",
	    r->host, v6 ? "]" : "");
	if (r->port != 0)
		buf_addf(&b, ":%d", r->port);
	return (buf_take(&b));
}

/* The value of NAME=value, or the line itself. */
static char *
bare(char *line)
{
	char *p = line;
	size_t n;

	while (isupper((unsigned char)*p) || *p == '_' ||
	    (p > line && isdigit((unsigned char)*p)))
		p++;
	if (p > line && *p == '=')
		line = str_trim(p + 1);
	n = strlen(line);
	if (n >= 2 && (line[0] == '"' || line[0] == '\'') &&
	    line[n - 1] == line[0]) {
		line[n - 1] = '\0';
		line++;
	}
	return (line);
}

int
askpass_token(const char *path, char **out, struct err *e)
{
	struct buf b = { 0 };
	char *line;
	int rc = 0;

	if (file_read(path, TOKEN_MAX, &b, e) == -1) {
		err_wrap(e, "token file (NIXFLEET_REPO_TOKEN_FILE)");
		if (e != NULL)
			e->code = ERR_AUTH;
		return (-1);
	}
	line = b.len == 0 ? NULL : bare(str_trim(b.data));
	if (line == NULL || *line == '\0' || strpbrk(line, "\r\n") != NULL)
		rc = err_set(e, ERR_AUTH, "token file %s "
		    "(NIXFLEET_REPO_TOKEN_FILE) must hold one line with the "
		    "token", path);
	else
		*out = str_dup(line);
	str_wipe(b.data, b.len);
	buf_free(&b);
	return (rc);
}

/* git asks "Username for 'SITE': " and "Password for 'SCHEME://USER@…': ". */
bool
askpass_prompt(const char *prompt, const char *site, bool *password)
{
	const char *p, *host = strstr(site, "://"), *at;
	size_t scheme;

	if (str_prefix(prompt, "Username for '"))
		*password = false;
	else if (str_prefix(prompt, "Password for '"))
		*password = true;
	else
		return (false);
	p = prompt + strlen("Username for '");
	if (host == NULL)
		return (false);
	host += 3;
	scheme = (size_t)(host - site);
	if (strncmp(p, site, scheme) != 0)
		return (false);
	p += scheme;
	if ((at = strchr(p, '@')) != NULL && strcspn(p, "/'") >
	    (size_t)(at - p))
		p = at + 1;
	return (str_prefix(p, host) && str_eq(p + strlen(host), "': "));
}

bool
askpass_wanted(void)
{
	return (getenv(ASKPASS_FILE) != NULL && getenv(ASKPASS_SITE) != NULL);
}

static int
answer(const char *s)
{
	return (file_write_all(STDOUT_FILENO, s, strlen(s)) == 0 &&
	    file_write_all(STDOUT_FILENO, "\n", 1) == 0 ? 0 : 1);
}

int
askpass_main(int argc, char **argv)
{
	const char *path = getenv(ASKPASS_FILE), *site = getenv(ASKPASS_SITE);
	char *token = NULL;
	bool password;
	struct err e;
	int rc;

	if (argc != 2 || path == NULL || site == NULL ||
	    !askpass_prompt(argv[1], site, &password)) {
		term_error(PROGRAM, "the question is not from the configured "
		    "git server; the token is not given");
		return (1);
	}
	if (!password)
		return (answer(USER));
	if (askpass_token(path, &token, &e) == -1) {
		term_error(PROGRAM, e.text);
		return (1);
	}
	rc = answer(token);
	str_wipefree(&token);
	return (rc);
}
