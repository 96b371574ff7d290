#include <stdlib.h>
#include <string.h>

#include "assets.h"

static int
by_path(const void *key, const void *row)
{
	const struct asset *a = row;

	return (strcmp(key, a->path));
}

const struct asset *
assets_find(const char *path)
{
	return (bsearch(path, assets_table, assets_count,
	    sizeof(assets_table[0]), by_path));
}
