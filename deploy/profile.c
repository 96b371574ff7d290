#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "nixstore.h"
#include "profile.h"
#include "str.h"

/* N of "${base}-N-link", or 0. */
static int64_t
number_of(const char *name, const char *base)
{
	size_t n = strlen(base), len = strlen(name);
	int64_t number = 0;
	char *digits;

	if (!str_prefix(name, base) || name[n] != '-' ||
	    !str_suffix(name, "-link") || len < n + 7)
		return (0);
	digits = str_ndup(name + n + 1, len - n - 1 - strlen("-link"));
	if (str_int(digits, 1, INT64_MAX, &number) == -1)
		number = 0;
	free(digits);
	return (number);
}

static const char *
base_of(const char *profile)
{
	const char *slash = strrchr(profile, '/');

	return (slash == NULL ? profile : slash + 1);
}

int64_t
profile_number(const char *profile)
{
	char link[512];
	ssize_t n;

	if ((n = readlink(profile, link, sizeof(link) - 1)) <= 0)
		return (0);
	link[n] = '\0';
	return (number_of(base_of(link), base_of(profile)));
}

int64_t
profile_count(const char *profile)
{
	char *dir = file_dirname(profile);
	const struct dirent *de;
	int64_t n = 0;
	DIR *d;

	if ((d = opendir(dir)) != NULL) {
		while ((de = readdir(d)) != NULL)
			n += number_of(de->d_name, base_of(profile)) > 0;
		closedir(d);
	}
	free(dir);
	return (n);
}

static int
by_number(const void *a, const void *b)
{
	const struct profile_generation *x = a, *y = b;

	return ((x->number > y->number) - (x->number < y->number));
}

static void
add(struct profile_generation **gens, size_t *n, const char *dir,
    const char *name, int64_t number)
{
	struct profile_generation *g;
	char *link = file_join(dir, name), *path;
	struct stat st;

	path = nixstore_resolve(link);
	if (path == NULL || lstat(link, &st) == -1) {
		free(path);
		free(link);
		return;
	}
	free(link);
	if ((*gens = realloc(*gens, (*n + 1) * sizeof(**gens))) == NULL)
		abort();
	g = &(*gens)[(*n)++];
	memset(g, 0, sizeof(*g));
	g->number = number;
	g->path = path;
	g->made = (int64_t)st.st_mtime * 1000;
}

int
profile_generations(const char *profile, struct profile_generation **out,
    size_t *n, struct err *e)
{
	struct profile_generation *gens = NULL;
	char *dir = file_dirname(profile);
	int64_t number, current = profile_number(profile);
	const struct dirent *de;
	size_t count = 0, i;
	DIR *d;

	if ((d = opendir(dir)) == NULL && errno != ENOENT) {
		err_sys(e, "open %s", dir);
		free(dir);
		return (-1);
	}
	while (d != NULL && (de = readdir(d)) != NULL)
		if ((number = number_of(de->d_name, base_of(profile))) > 0)
			add(&gens, &count, dir, de->d_name, number);
	if (d != NULL)
		closedir(d);
	free(dir);
	if (count > 0)
		qsort(gens, count, sizeof(*gens), by_number);
	for (i = 0; i < count; i++)
		gens[i].current = gens[i].number == current;
	*out = gens;
	*n = count;
	return (0);
}

void
profile_generations_free(struct profile_generation **gens, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free((*gens)[i].path);
	free(*gens);
	*gens = NULL;
}

const struct profile_generation *
profile_before(const struct profile_generation *gens, size_t n)
{
	size_t at, i;

	for (at = 0; at < n && !gens[at].current; at++)
		;
	for (i = at; at < n && i > 0; i--)
		if (!str_eq(gens[i - 1].path, gens[at].path))
			return (&gens[i - 1]);
	return (NULL);
}
