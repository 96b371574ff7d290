#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "str.h"

#include "hosttoken.h"

#define TOKEN_MAX 4096
#define TOKEN_NAME "NIXFLEET_TOKEN="

/* The token of a cache file, or NULL: none, or none that could be one. */
static int
read_cache(const char *path, char **out, struct err *e)
{
	struct buf text = { 0 };
	struct err sub = { 0 };
	char *p;

	*out = NULL;
	if (file_read(path, TOKEN_MAX, &text, &sub) == -1) {
		if (sub.code == ERR_NOTFOUND)
			return (0);
		return (err_set(e, sub.code, "token cache: %s", sub.text));
	}
	if (text.data == NULL)
		return (0);
	p = str_trim(text.data);
	if (str_prefix(p, TOKEN_NAME))
		p = str_trim(p + strlen(TOKEN_NAME));
	if (p[0] != '\0' && p[strcspn(p, "\r\n\t ")] == '\0')
		*out = str_dup(p);
	str_wipe(text.data, text.len);
	buf_free(&text);
	return (0);
}

int
hosttoken_load(const struct agentconf *c, struct hosttoken *t, struct err *e)
{

	str_wipefree(&t->own);
	str_wipefree(&t->shared);
	if (read_cache(c->token_cache, &t->own, e) == -1)
		return (-1);
	if (settings_secret(c->set, SET_TOKEN, SET_TOKEN_FILE, &t->shared,
	    e) == -1 && t->own == NULL)
		return (-1);
	if (t->own == NULL && t->shared == NULL)
		return (err_set(e, ERR_AUTH, "no token: set "
		    "NIXFLEET_TOKEN_FILE to a file that holds the one your "
		    "hub gave you, or NIXFLEET_TOKEN to the token itself"));
	return (0);
}

const char *
hosttoken_current(const struct hosttoken *t)
{

	if (t->own == NULL || (t->use_shared && t->shared != NULL))
		return (t->shared);
	return (t->own);
}

bool
hosttoken_refused(struct hosttoken *t)
{

	if (t->own == NULL || t->shared == NULL ||
	    str_eq(t->own, t->shared))
		return (false);
	t->use_shared = !t->use_shared;
	return (t->use_shared);
}

int
hosttoken_store(const struct agentconf *c, struct hosttoken *t,
    const char *token, struct err *e)
{
	char *line;
	int rc;

	if (token[0] == '\0' || token[strcspn(token, " \t\r\n")] != '\0')
		return (err_set(e, ERR_PROTO, "the hub sent a token that "
		    "is empty or holds blanks"));
	line = str_printf(TOKEN_NAME "%s\n", token);
	rc = file_write(c->token_cache, line, strlen(line), 0600, e);
	str_wipefree(&line);
	if (rc == -1)
		return (-1);
	if (t->own != token) {
		str_wipefree(&t->own);
		t->own = str_dup(token);
	}
	t->use_shared = false;
	return (0);
}

void
hosttoken_free(struct hosttoken *t)
{

	str_wipefree(&t->own);
	str_wipefree(&t->shared);
}
