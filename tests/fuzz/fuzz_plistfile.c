#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"
#include "plistfile.h"

static void
on_value(void *cookie, int line, const char *keys, const char *value)
{
	(void)cookie;
	assert(line > 0 && keys != NULL && value != NULL);
}

/* A property list that somebody wrote: read, or refused with a reason. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;

	err_clear(&e);
	if (plistfile_parse((const char *)data, size, on_value, NULL, &e) == -1)
		assert(e.text[0] != '\0');
	return (0);
}
