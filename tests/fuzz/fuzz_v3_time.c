#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"
#include "store_v3.h"
#include "str.h"

/* What stands in a column of an older hub: a time, or none. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = str_ndup((const char *)data, size);
	int64_t ms;

	(void)store_v3_time(text, &ms);
	free(text);
	return (0);
}
