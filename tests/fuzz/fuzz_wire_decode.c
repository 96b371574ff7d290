#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire.h"

/* What was understood once must be understood again, and mean the same. */
static void
round_trip(const struct wire_msg *msg, enum wire_dir from, int dialect)
{
	struct wire_msg again;
	struct err e;
	char *text = wire_encode(msg, dialect), *second;

	if (wire_decode(text, strlen(text), from, &again, &e) == -1)
		abort();
	second = wire_encode(&again, dialect);
	if (strcmp(text, second) != 0)
		abort();
	free(second);
	free(text);
	wire_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum wire_dir dirs[] = { WIRE_FROM_AGENT, WIRE_FROM_HUB };
	struct wire_msg msg;
	struct err e;

	for (int i = 0; i < 2; i++) {
		if (wire_decode((const char *)data, size, dirs[i], &msg,
		    &e) == -1)
			continue;
		for (int d = wire_dialect(msg.type); d <= WIRE_DIALECT; d++)
			round_trip(&msg, dirs[i], d);
		wire_free(&msg);
	}
	return (0);
}
