#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe.h"
#include "str.h"

/* What is let through says the same when it is read again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = str_ndup((const char *)data, size);
	struct probe_list l, again;
	struct err e;
	size_t i;

	if (probe_parse(text, &l, &e) == -1) {
		if (e.text[0] == '\0')
			abort();
		free(text);
		return (0);
	}
	for (i = 0; i < l.n; i++) {
		if (probe_parse(l.list[i].text, &again, &e) == -1 ||
		    again.n != 1 || again.list[0].kind != l.list[i].kind ||
		    again.list[0].within != l.list[i].within ||
		    strchr(l.list[i].text, '\n') != NULL)
			abort();
		if (l.list[i].kind == PROBE_EXEC &&
		    l.list[i].argv[0][0] != '/')
			abort();
		probe_free(&again);
	}
	probe_free(&l);
	free(text);
	return (0);
}
