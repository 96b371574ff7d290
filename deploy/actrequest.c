#include <stdlib.h>
#include <string.h>

#include "actrequest.h"
#include "deploy.h"
#include "record.h"
#include "str.h"
#include "ulid.h"

#define TIME_MAX (7LL * 24 * 3600 * 1000)
#define REASON_MAX 500

static const char *const verbs[] = {
	[ACTVERB_PREPARE] = "prepare", [ACTVERB_ACTIVATE] = "activate",
	[ACTVERB_CONFIRM] = "confirm", [ACTVERB_REVERT] = "revert",
	[ACTVERB_STATUS] = "status", [ACTVERB_REBOOT] = "reboot", NULL,
};

#define ROW(m, t, f) RECORD_ROW(actrequest, m, t, f)
static const struct record_field fields[] = {
	{ "verb", RECORD_STR, RECORD_REQ, offsetof(struct actrequest, verb),
	    verbs },
	ROW(op, RECORD_STR, RECORD_OMIT),
	ROW(kind, RECORD_STR, RECORD_OMIT),
	ROW(mode, RECORD_STR, RECORD_OMIT),
	ROW(profile, RECORD_STR, RECORD_OMIT),
	ROW(program, RECORD_STR, RECORD_OMIT),
	ROW(path, RECORD_STR, RECORD_OMIT),
	ROW(reason, RECORD_STR, RECORD_OMIT),
	ROW(generation, RECORD_INT, RECORD_OMIT),
	ROW(timeout, RECORD_INT, RECORD_OMIT),
	ROW(confirm, RECORD_INT, RECORD_OMIT),
	ROW(keep, RECORD_INT, RECORD_OMIT),
	ROW(rollback, RECORD_BOOL, RECORD_OMIT),
};
#define NFIELDS (sizeof(fields) / sizeof(*fields))

void
actrequest_free(struct actrequest *req)
{
	record_free(fields, NFIELDS, req);
}

enum actverb
actrequest_verb(const struct actrequest *req)
{
	size_t i = 0;

	/* Parsing has let none but these pass. */
	while (i < ACTVERB_REBOOT && !str_eq(verbs[i], req->verb))
		i++;
	return ((enum actverb)i);
}

const char *
actrequest_verb_name(enum actverb v)
{
	return (verbs[v]);
}

static int
check_kind(const struct actrequest *req, struct err *e)
{
	if (req->kind == NULL || deploy_kind_parse(req->kind) == -1)
		return (err_set(e, ERR_INPUT, "kind is not one that is known"));
	return (0);
}

static int
check_prepare(const struct actrequest *req, struct err *e)
{
	if (check_kind(req, e) == -1)
		return (-1);
	if (req->mode == NULL || deploy_mode_parse(req->mode) == -1)
		return (err_set(e, ERR_INPUT, "mode is not one that is known"));
	if (req->path == NULL)
		return (err_set(e, ERR_INPUT, "path is missing"));
	if (req->timeout < 1 || req->timeout > TIME_MAX)
		return (err_set(e, ERR_INPUT, "timeout must be 1 to %lld ms",
		    TIME_MAX));
	if (req->confirm < 0 || req->confirm > TIME_MAX)
		return (err_set(e, ERR_INPUT, "confirm must be 0 to %lld ms",
		    TIME_MAX));
	if (req->keep < 0)
		return (err_set(e, ERR_INPUT, "keep is negative"));
	if (req->generation < 0)
		return (err_set(e, ERR_INPUT, "generation is negative"));
	return (0);
}

static int
check(const struct actrequest *req, struct err *e)
{
	const enum actverb verb = actrequest_verb(req);

	if (verb == ACTVERB_STATUS && req->op == NULL)
		return (check_kind(req, e));
	if (verb != ACTVERB_REBOOT && (req->op == NULL ||
	    !ulid_valid(req->op)))
		return (err_set(e, ERR_INPUT, "op must be a ULID"));
	if (req->reason != NULL && strlen(req->reason) > REASON_MAX)
		return (err_set(e, ERR_INPUT, "reason is too long"));
	return (verb == ACTVERB_PREPARE ? check_prepare(req, e) : 0);
}

int
actrequest_parse(const char *line, size_t len, struct actrequest *req,
    struct err *e)
{
	json_t *obj;
	int r;

	if (len >= ACTREQUEST_MAX)
		return (err_set(e, ERR_INPUT, "a request has at most %d bytes",
		    ACTREQUEST_MAX));
	if (record_parse(line, len, &obj, e) == -1)
		return (-1);
	r = record_decode(fields, NFIELDS, obj, req, e);
	json_decref(obj);
	if (r == 0 && (r = check(req, e)) == -1)
		actrequest_free(req);
	return (r);
}

char *
actrequest_text(const struct actrequest *req)
{
	json_t *obj = record_encode(fields, NFIELDS, req);
	char *text = json_dumps(obj, JSON_COMPACT), *line;

	if (text == NULL)
		abort();
	line = str_printf("%s\n", text);
	free(text);
	json_decref(obj);
	return (line);
}
