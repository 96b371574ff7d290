#ifndef ASKPASS_H
#define ASKPASS_H

#include <stdbool.h>

#include "err.h"
#include "handle.h"

/* What git passes on to the program that it asks for a password. */
#define ASKPASS_FILE "NIXFLEET_ASKPASS_FILE"
#define ASKPASS_SITE "NIXFLEET_ASKPASS_SITE"

/* "https://host[:port]", the only site that gets the token; caller frees. */
char	*askpass_site(const struct remote *);

/**
 * askpass_token(path, out, e):
 * The token in a file: its first line, or what follows the "=" if that line
 * is NAME=token, quotes removed.  ERR_AUTH if there is none.  The caller
 * frees *${out} with str_wipefree.
 */
int	 askpass_token(const char *, char **, struct err *)
	    __attribute__((warn_unused_result));

/**
 * askpass_prompt(prompt, site, password):
 * Is this git's question for ${site}?  *${password} tells the two apart.
 */
bool	 askpass_prompt(const char *, const char *site, bool *password);

/* See repo_askpass_wanted and repo_askpass_main. */
bool	 askpass_wanted(void);
int	 askpass_main(int argc, char **argv);

#endif
