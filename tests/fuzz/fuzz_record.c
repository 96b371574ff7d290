#include <stdlib.h>

#include "fuzz.h"
#include "record.h"

struct all {
	char *s, *word;
	int64_t i, none;
	double r;
	bool b;
	json_t *j;
};

static const char *const words[] = { "ok", "failed", NULL };
static const struct record_field fields[] = {
	RECORD_ROW(all, s, RECORD_STR, RECORD_OMIT),
	{ "word", RECORD_STR, RECORD_NULL, offsetof(struct all, word), words },
	RECORD_ROW(all, i, RECORD_INT, RECORD_REQ),
	RECORD_ROW(all, none, RECORD_INT, RECORD_NULL),
	RECORD_ROW(all, r, RECORD_REAL, 0),
	RECORD_ROW(all, b, RECORD_BOOL, 0),
	RECORD_ROW(all, j, RECORD_JSON, 0),
};
#define N (sizeof(fields) / sizeof(fields[0]))

/* What could be decoded, encodes to what decodes to the same again. */
static void
round_trip(const struct all *a)
{
	json_t *first = record_encode(fields, N, a), *second;
	struct all again;

	if (record_decode(fields, N, first, &again, NULL) == -1)
		abort();
	second = record_encode(fields, N, &again);
	if (!json_equal(first, second))
		abort();
	json_decref(first);
	json_decref(second);
	record_free(fields, N, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct all a;
	struct err e;
	json_t *v;

	if (record_parse((const char *)data, size, &v, &e) == -1)
		return (0);
	if (record_decode(fields, N, v, &a, &e) == 0) {
		round_trip(&a);
		record_free(fields, N, &a);
	}
	json_decref(v);
	return (0);
}
