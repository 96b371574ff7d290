#include <string.h>

#include "record.h"
#include "ulid.h"

#include "control_request.h"

#define OPS_MAX 1000
#define PAUSE_MAX 31536000
#define REASON_MAX 500

static const struct record_field fields[] = {
	RECORD_ROW(control_request, cmd, RECORD_STR, RECORD_REQ),
	RECORD_ROW(control_request, op, RECORD_STR, 0),
	RECORD_ROW(control_request, op_id, RECORD_STR, 0),
	RECORD_ROW(control_request, args, RECORD_JSON, 0),
	RECORD_ROW(control_request, follow, RECORD_JSON, 0),
	RECORD_ROW(control_request, limit, RECORD_INT, 0),
	RECORD_ROW(control_request, seconds, RECORD_INT, 0),
	RECORD_ROW(control_request, reason, RECORD_STR, 0),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

int
control_request_parse(const char *line, size_t len, struct control_request *req,
    struct err *e)
{
	json_t *obj;
	int rc;

	if (record_parse(line, len, &obj, e) == -1)
		return (-1);
	rc = record_decode(fields, NFIELDS, obj, req, e);
	json_decref(obj);
	if (rc == -1)
		return (-1);
	if (req->follow != NULL && !json_is_boolean(req->follow))
		err_set(e, ERR_INPUT, "follow must be true or false");
	else if (req->args != NULL && !json_is_object(req->args))
		err_set(e, ERR_INPUT, "args must be an object");
	else if (req->op_id != NULL && !ulid_valid(req->op_id))
		err_set(e, ERR_INPUT, "op_id must be an operation id (ULID)");
	else if (req->limit < 0 || req->limit > OPS_MAX)
		err_set(e, ERR_INPUT, "limit must be 1 to %d", OPS_MAX);
	else if (req->seconds < 0 || req->seconds > PAUSE_MAX)
		err_set(e, ERR_INPUT, "seconds must be 1 to %d, a year; "
		    "without them a pause lasts until resume", PAUSE_MAX);
	else if (req->reason != NULL && strlen(req->reason) > REASON_MAX)
		err_set(e, ERR_INPUT, "reason must have at most %d bytes",
		    REASON_MAX);
	else
		return (0);
	control_request_free(req);
	return (-1);
}

void
control_request_free(struct control_request *req)
{

	record_free(fields, NFIELDS, req);
}
