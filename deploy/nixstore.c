#include <sys/stat.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "nixstore.h"

#define STORE_HASH 32
#define STORE_NAME_MAX 211

static const char hash_chars[] = "0123456789abcdfghijklmnpqrsvwxyz";
static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._?=";

static const char *
env_or(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return (v != NULL && v[0] == '/' ? v : fallback);
}

const char *
nixstore_dir(void)
{
	return (env_or("NIX_STORE_DIR", "/nix/store"));
}

const char *
nixstore_state_dir(void)
{
	return (env_or("NIX_STATE_DIR", "/nix/var/nix"));
}

/* "HASH-NAME"; returns the name or NULL. */
static const char *
base_name(const char *base)
{
	size_t n;

	if (strspn(base, hash_chars) < STORE_HASH || base[STORE_HASH] != '-')
		return (NULL);
	base += STORE_HASH + 1;
	n = strspn(base, name_chars);
	if (n == 0 || n > STORE_NAME_MAX || base[n] != '\0')
		return (NULL);
	return (base);
}

bool
nixstore_valid(const char *path)
{
	const char *dir = nixstore_dir();
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return (strncmp(path, dir, n) == 0 && path[n] == '/' &&
	    base_name(path + n + 1) != NULL);
}

int
nixstore_check(const char *path, struct err *e)
{
	struct stat st;

	if (!nixstore_valid(path))
		return (err_set(e, ERR_INPUT,
		    "\"%.200s\" is not a store path (%s/HASH-NAME)", path,
		    nixstore_dir()));
	if (lstat(path, &st) == -1)
		return (err_sys(e, "%s", path));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return (err_set(e, ERR_INPUT,
		    "%s is neither a directory nor a file", path));
	return (0);
}

const char *
nixstore_name(const char *path)
{
	const char *base, *name;

	base = strrchr(path, '/');
	base = base == NULL ? path : base + 1;
	name = base_name(base);
	return (name == NULL ? base : name);
}

char *
nixstore_resolve(const char *link)
{
	char *path = realpath(link, NULL);

	if (path != NULL && !nixstore_valid(path)) {
		free(path);
		return (NULL);
	}
	return (path);
}
