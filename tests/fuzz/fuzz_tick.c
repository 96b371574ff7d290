#include <stdlib.h>

#include "fuzz.h"
#include "str.h"
#include "tick.h"

/* What is parsed and written again must mean the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TICK_TEXT], *s = str_ndup((const char *)data, size);
	int64_t ms, again;

	if (tick_parse(s, &ms) == 0 && ms >= 0 &&
	    (tick_parse(tick_text(ms, text), &again) == -1 || again != ms) &&
	    ms < INT64_C(253402300800000))
		abort();
	free(s);
	return (0);
}
