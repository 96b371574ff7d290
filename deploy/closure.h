#ifndef CLOSURE_H
#define CLOSURE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A store path of a closure and its size. */
struct closure_path {
	char *path;
	int64_t size;
};

struct closure {
	struct closure_path *paths;	/* sorted by path */
	size_t n;
};

/**
 * closure_parse(text, c):
 * Paths, one a line, as nix-store -qR prints them; sizes are 0.
 */
void	 closure_parse(const char *, struct closure *);
void	 closure_free(struct closure *);

/**
 * closure_split(name, version):
 * The package name's length in "hello-1.0-man", and in *${version} its
 * version ("1.0", without nixpkgs' usual output names), which the caller
 * frees; "" if it has none.
 */
size_t	 closure_split(const char *, char **version);

/* As deploy_diff, without "from" and "to". */
json_t	*closure_diff(const struct closure *from, const struct closure *to);

#endif
