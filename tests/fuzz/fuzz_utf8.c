#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "utf8.h"

/* Cleaned text is valid, and valid text is not changed by cleaning. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct buf b = { 0 };

	utf8_clean(&b, p, size);
	if (!utf8_valid(b.data, b.len))
		abort();
	if (utf8_valid(p, size) &&
	    (b.len != size || (size > 0 && memcmp(b.data, p, size) != 0)))
		abort();
	buf_free(&b);
	return (0);
}
