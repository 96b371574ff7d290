#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "str.h"
#include "unitfile.h"

static void
on_value(void *cookie, int line, const char *key, const char *value)
{
	char *word;

	(void)cookie;
	assert(line > 0 && *key != '\0');
	while ((word = unitfile_word(&value)) != NULL)
		free(word);
	assert(*value == '\0');
}

/* A unit that somebody wrote: read, or refused with the line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = str_ndup((const char *)data, size);
	struct err e;

	err_clear(&e);
	if (unitfile_parse(text, strlen(text), on_value, NULL, &e) == -1)
		assert(e.text[0] != '\0');
	free(text);
	return (0);
}
