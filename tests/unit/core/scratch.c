#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "scratch.h"

static char scratch_dir[64];

static void
need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "scratch directory: %s\n", what);
		abort();
	}
}

void
scratch_begin(void)
{
	strcpy(scratch_dir, "/tmp/nixfleet-unit.XXXXXX");
	need(mkdtemp(scratch_dir) != NULL, "cannot be made");
}

void
scratch_end(void)
{
	struct err e;

	need(file_rmtree(scratch_dir, &e) == 0, "cannot be removed");
}

const char *
scratch_path(const char *name)
{
	static char paths[4][256];
	static unsigned n;
	char *out = paths[n++ % 4];

	snprintf(out, sizeof(paths[0]), "%s/%s", scratch_dir, name);
	return (out);
}

const char *
scratch_file(const char *name, const char *text)
{
	const char *path = scratch_path(name);
	struct err e;

	need(file_write(path, text, strlen(text), 0600, &e) == 0,
	    "cannot write a file");
	return (path);
}
