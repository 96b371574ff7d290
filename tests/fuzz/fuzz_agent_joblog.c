#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "joblog.h"
#include "utf8.h"

/* A line of a log that anybody may have damaged. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *nl, *end = p + size;
	struct joblog_record rec;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (joblog_parse(p, (size_t)(nl - p), &rec) == -1)
			continue;
		assert(rec.seq > 0 && rec.ts >= 0);
		assert(rec.text >= p && rec.text + rec.len == nl);
		assert(utf8_valid(rec.text, rec.len));
	}
	return (0);
}
