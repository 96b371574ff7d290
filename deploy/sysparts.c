#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "nixstore.h"
#include "str.h"
#include "sysparts.h"

#define LIST_MAX (256 * 1024)

char *
sysparts_specialisation(const char *system, const char *running)
{
	char *dir, *link, *path, *name = NULL;
	const struct dirent *de;
	DIR *d;

	if (system == NULL || running == NULL)
		return (NULL);
	dir = file_join(system, "specialisation");
	d = opendir(dir);
	while (d != NULL && name == NULL && (de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		link = file_join(dir, de->d_name);
		path = nixstore_resolve(link);
		if (str_eq(path, running))
			name = str_dup(de->d_name);
		free(path);
		free(link);
	}
	if (d != NULL)
		closedir(d);
	free(dir);
	return (name);
}

static bool
list_of(const char *system, struct buf *out)
{
	char *path = file_join(system, "switch-inhibitors");
	bool there = file_read(path, LIST_MAX, out, NULL) == 0;

	free(path);
	return (there);
}

bool
sysparts_inhibited(const char *running, const char *next)
{
	struct buf old = { 0 }, new = { 0 };
	bool differ = false;

	if (running != NULL && list_of(running, &old) && list_of(next, &new))
		differ = old.len != new.len || (old.len > 0 &&
		    memcmp(old.data, new.data, old.len) != 0);
	buf_free(&old);
	buf_free(&new);
	return (differ);
}
