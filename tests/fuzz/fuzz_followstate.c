#include <stdlib.h>

#include "branchtip.h"
#include "followstate.h"
#include "fuzz.h"

/* A follow.json that anybody may have damaged, and what a child printed. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct branchtip_answer a;
	struct followstate fs;
	struct err e = { 0 };

	if (followstate_parse((const char *)data, size, &fs, &e) == 0) {
		if (fs.nheld > FOLLOWSTATE_HELD)
			abort();
		json_decref(followstate_json(&fs));
		(void)followstate_find(&fs, "1", 0);
		followstate_free(&fs);
	} else if (e.code == ERR_NONE)
		abort();
	if (branchtip_parse((const char *)data, size, &a, NULL) == 0)
		branchtip_answer_free(&a);
	return (0);
}
