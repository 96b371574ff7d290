#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "osinfo.h"
#include "str.h"
#include "tick.h"

#define SMALL 65536

/* A small file's text without white space around it; NULL if there is none. */
static char *
text_of(const char *path)
{
	struct buf b = { 0 };
	char *text = NULL;

	if (file_read(path, SMALL, &b, NULL) == 0 && b.data != NULL)
		text = str_dup(str_trim(b.data));
	buf_free(&b);
	return (text);
}

char *
osinfo_boot_id(void)
{
	char *id = text_of("/proc/sys/kernel/random/boot_id");

	return (id != NULL ? id : str_dup(""));
}

/* The value of "NAME=value" or NAME="value" in an os-release file. */
static char *
value_of(char *text, const char *name)
{
	char *line, *rest = text, *value;
	size_t n;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (!str_prefix(line, name) || line[strlen(name)] != '=')
			continue;
		value = str_trim(line + strlen(name) + 1);
		n = strlen(value);
		if (n >= 2 && (value[0] == '"' || value[0] == '\'') &&
		    value[n - 1] == value[0])
			return (str_ndup(value + 1, n - 2));
		return (str_dup(value));
	}
	return (NULL);
}

char *
osinfo_version(void)
{
	char *text = text_of("/etc/os-release"), *version;

	if (text == NULL)
		return (NULL);
	version = value_of(text, "VERSION_ID");
	free(text);
	return (version);
}

int64_t
osinfo_uptime(void)
{
	/* CLOCK_BOOTTIME. */
	return (tick_mono() / 1000);
}
