#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "settings_file.h"
#include "settings_value.h"
#include "str.h"

static void
on_value(void *cookie, int line, const char *name, const char *value)
{
	int64_t number;
	struct err e;

	(void)cookie;
	if (line < 1 || strlen(name) == 0)
		abort();
	for (int i = 0; i < SET_COUNT; i++)
		if (settings_value_check(&settings_table[i], value, &number,
		    &e) == -1 && e.text[0] == '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;

	if (settings_file_parse((const char *)data, size, on_value, NULL, &e) ==
	    -1 && strncmp(e.text, "line ", 5) != 0 &&
	    strncmp(e.text, "the quote ", 10) != 0)
		abort();
	return (0);
}
