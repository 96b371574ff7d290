#ifndef ASSETS_H
#define ASSETS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The dashboard's files, built into the program: assets_table is made by
 * scripts/embed.py from web/dist, sorted by path.
 */
struct asset {
	const char *path;	/* "/assets/index-Zji_9JZK.js" */
	const char *type;	/* of its content */
	const char *etag;	/* with its quotes */
	bool immutable;		/* the name changes with the content */
	const unsigned char *data;
	size_t len;
	const unsigned char *gz; /* the same, gzip'd; NULL: not worth it */
	size_t gzlen;
};
extern const struct asset assets_table[];
extern const size_t assets_count;

/* The file of that path, or NULL. */
const struct asset *assets_find(const char *path);

#endif
