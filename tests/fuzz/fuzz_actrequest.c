#include <stdlib.h>
#include <string.h>

#include "actrequest.h"
#include "fuzz.h"
#include "str.h"

/* What is let through can be said again, and means the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct actrequest req, again;
	struct err e;
	char *line;

	if (actrequest_parse((const char *)data, size, &req, &e) == -1) {
		if (e.text[0] == '\0')
			abort();
		return (0);
	}
	line = actrequest_text(&req);
	/* Escaping may have made it longer than a request may be. */
	if (actrequest_parse(line, strlen(line) - 1, &again, &e) == 0) {
		if (!str_eq(again.path, req.path) ||
		    !str_eq(again.op, req.op) ||
		    again.timeout != req.timeout ||
		    actrequest_verb(&again) != actrequest_verb(&req))
			abort();
		actrequest_free(&again);
	} else if (strlen(line) < ACTREQUEST_MAX)
		abort();
	actrequest_free(&req);
	free(line);
	return (0);
}
