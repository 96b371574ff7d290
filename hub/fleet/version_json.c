#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "str.h"
#include "tick.h"
#include "version_json.h"

struct raw {
	char *gitCommit, *message, *branch, *repo, *lockHash;
	json_t *timestamp;
};

static const struct record_field fields[] = {
	RECORD_ROW(raw, gitCommit, RECORD_STR, RECORD_REQ),
	RECORD_ROW(raw, message, RECORD_STR, 0),
	RECORD_ROW(raw, branch, RECORD_STR, 0),
	RECORD_ROW(raw, repo, RECORD_STR, 0),
	RECORD_ROW(raw, lockHash, RECORD_STR, 0),
	RECORD_ROW(raw, timestamp, RECORD_JSON, 0),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

/* Upper case is made lower. */
static int
hex(char *s, size_t min, size_t max)
{
	size_t n = strlen(s);

	if (n < min || n > max)
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s >= 'A' && *s <= 'F')
			*s = (char)(*s - 'A' + 'a');
		if (strchr("0123456789abcdef", *s) == NULL)
			return (-1);
	}
	return (0);
}

static int
check(struct raw *r, struct err *e)
{
	if (hex(r->gitCommit, 7, 64) == -1)
		return (err_set(e, ERR_INPUT, "gitCommit must be a commit in "
		    "7 to 64 hex digits"));
	if (r->lockHash != NULL && *r->lockHash != '\0' &&
	    hex(r->lockHash, 64, 64) == -1)
		return (err_set(e, ERR_INPUT, "lockHash must be the SHA-256 "
		    "of flake.lock in 64 hex digits"));
	return (0);
}

int
version_json_parse(const char *text, size_t len, struct version_json *out,
    struct err *e)
{
	struct version_json v = { 0 };
	struct raw r;
	json_t *obj;
	int rc = -1;

	if (record_parse(text, len, &obj, e) == -1)
		return (-1);
	if (record_decode(fields, NFIELDS, obj, &r, e) == -1)
		goto err1;
	if (check(&r, e) == -1)
		goto err2;
	if (json_is_string(r.timestamp))
		(void)tick_parse(json_string_value(r.timestamp), &v.timestamp);
	v.commit = str_dup(r.gitCommit);
	v.message = str_dup(r.message);
	v.branch = str_dup(r.branch);
	v.repo = str_dup(r.repo);
	if (r.lockHash != NULL && *r.lockHash != '\0')
		v.lock_hash = str_dup(r.lockHash);
	*out = v;
	rc = 0;
err2:
	record_free(fields, NFIELDS, &r);
err1:
	json_decref(obj);
	return (rc);
}

void
version_json_free(struct version_json *v)
{
	free(v->commit);
	free(v->message);
	free(v->branch);
	free(v->repo);
	free(v->lock_hash);
	memset(v, 0, sizeof(*v));
}
