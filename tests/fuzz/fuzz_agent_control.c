#include <assert.h>

#include "control_request.h"
#include "fuzz.h"
#include "ulid.h"

/* A request from a stranger at the control socket. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request req;
	struct err e = { 0 };

	if (control_request_parse((const char *)data, size, &req, &e) == -1) {
		assert(e.code != ERR_NONE && e.text[0] != '\0');
		return (0);
	}
	assert(req.cmd != NULL);
	assert(req.op_id == NULL || ulid_valid(req.op_id));
	control_request_free(&req);
	return (0);
}
