#include <stdlib.h>

#include "fuzz.h"
#include "str.h"
#include "weekhours.h"

/* Whatever is accepted opens at some minute of the week. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = str_ndup((const char *)data, size);
	struct weekhours w;
	struct err e = { 0 };

	if (weekhours_parse(s, &w, &e) == -1) {
		if (e.text[0] == '\0')
			abort();
	} else if (weekhours_wait(&w, WEEKHOURS_MINUTES - 1) >=
	    WEEKHOURS_MINUTES)
		abort();
	free(s);
	return (0);
}
