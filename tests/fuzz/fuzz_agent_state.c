#include <assert.h>

#include "agentstate.h"
#include "fuzz.h"

/* A state.json that anybody may have damaged. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agentstate st;
	struct wire_check c;
	struct err e = { 0 };

	if (agentstate_parse((const char *)data, size, &st, &e) == -1) {
		assert(e.code != ERR_NONE);
		return (0);
	}
	assert(st.agent_id[0] != '\0');
	agentstate_get(&st, COMPARTMENT_SYSTEM, &c);
	assert(c.status != NULL && c.message != NULL);
	agentstate_apply(&st, st.compartments);
	agentstate_free(&st);
	return (0);
}
