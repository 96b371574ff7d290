#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"
#include "store_v3_log.h"
#include "str.h"

/* A line of an older hub's log, and the name of such a file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = str_ndup((const char *)data, size);
	struct store_v3_line l;
	int64_t start;

	if (store_v3_log_line((const char *)data, size, &l) == 0 &&
	    ((const uint8_t *)l.text < data ||
		(const uint8_t *)l.text + l.len != data + size))
		abort();
	(void)store_v3_log_start(text, &start);
	free(text);
	return (0);
}
