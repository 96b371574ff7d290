#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "file.h"
#include "reboot.h"
#include "str.h"

#define PART_MAX 65536

enum how { LINK, CONTENTS };

static const struct {
	const char *file;
	enum how how;
	const char *text;
} parts[] = {
	{ "kernel", LINK, "kernel" },
	{ "initrd", LINK, "initrd" },
	{ "kernel-modules", LINK, "kernel modules" },
	{ "kernel-params", CONTENTS, "kernel parameters" },
	{ "reboot-triggers", CONTENTS, "reboot triggers" },
};

/* Something to compare; "" where there is nothing. */
static char *
part_of(const char *closure, const char *file, enum how how)
{
	char *path = file_join(closure, file), *value = NULL;
	struct buf b = { 0 };

	if (how == LINK)
		value = realpath(path, NULL);
	else if (file_read(path, PART_MAX, &b, NULL) == 0)
		value = buf_take(&b);
	buf_free(&b);
	free(path);
	return (value != NULL ? value : str_dup(""));
}

char *
reboot_reason(const char *booted, const char *next)
{
	struct buf b = { 0 };
	char *old, *new;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		old = part_of(booted, parts[i].file, parts[i].how);
		new = part_of(next, parts[i].file, parts[i].how);
		if (strcmp(old, new) != 0)
			buf_addf(&b, "%s%s", b.len > 0 ? ", " : "",
			    parts[i].text);
		free(old);
		free(new);
	}
	return (b.len > 0 ? buf_take(&b) : NULL);
}
