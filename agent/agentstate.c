#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "record.h"
#include "rnd.h"
#include "str.h"
#include "ulid.h"

#include "agentstate.h"

#define STATE_MAX (256 * 1024)

#define ROW(m, t, f) RECORD_ROW(agentstate, m, t, f)
static const struct record_field fields[] = {
	ROW(agent_id, RECORD_STR, RECORD_REQ),
	ROW(hostname, RECORD_STR, 0),
	ROW(verified, RECORD_JSON, 0),
	ROW(compartments, RECORD_JSON, 0),
	ROW(repo, RECORD_JSON, 0),
	ROW(last_op, RECORD_STR, RECORD_OMIT),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

int
agentstate_parse(const char *text, size_t len, struct agentstate *st,
    struct err *e)
{
	json_t *obj;

	if (record_parse(text, len, &obj, e) == -1)
		return (-1);
	if (record_decode(fields, NFIELDS, obj, st, e) == -1) {
		json_decref(obj);
		return (-1);
	}
	json_decref(obj);
	if (st->agent_id[0] == '\0' ||
	    (st->last_op != NULL && !ulid_valid(st->last_op)) ||
	    (st->compartments != NULL && !json_is_object(st->compartments)) ||
	    (st->repo != NULL && !json_is_object(st->repo)) ||
	    (st->verified != NULL && !json_is_object(st->verified))) {
		agentstate_free(st);
		return (err_set(e, ERR_DAMAGED, "agent_id, last_op, "
		    "compartments, repo or verified is not what we write"));
	}
	return (0);
}

static int
begin(const char *dir, struct agentstate *st, struct err *e)
{

	memset(st, 0, sizeof(*st));
	st->agent_id = rnd_token(18);
	st->compartments = json_object();
	if (agentstate_save(dir, st, e) == 0)
		return (0);
	agentstate_free(st);
	return (-1);
}

int
agentstate_load(const char *dir, struct agentstate *st, struct err *damaged,
    struct err *e)
{
	char *path = file_join(dir, "state.json"), *aside;
	struct buf text = { 0 };
	struct err sub = { 0 };
	int rc = 0;

	if (file_read(path, STATE_MAX, &text, &sub) == 0 &&
	    agentstate_parse(text.data != NULL ? text.data : "", text.len,
	    st, &sub) == 0)
		goto out;
	if (sub.code == ERR_SYS) {
		rc = err_set(e, sub.code, "%s", sub.text);
		goto out;
	}
	if (sub.code != ERR_NOTFOUND) {
		aside = str_printf("%s.damaged", path);
		(void)rename(path, aside);
		err_set(damaged, ERR_DAMAGED, "%s: %s; begun anew, the old "
		    "one is %s", path, sub.text, aside);
		free(aside);
	}
	rc = begin(dir, st, e);
out:
	buf_free(&text);
	free(path);
	return (rc);
}

int
agentstate_save(const char *dir, const struct agentstate *st, struct err *e)
{
	char *path = file_join(dir, "state.json");
	int rc = record_write(path, fields, NFIELDS, st, e);

	free(path);
	return (rc);
}

void
agentstate_apply(struct agentstate *st, const json_t *compartments)
{
	json_t *copy;

	if (st->compartments == NULL)
		st->compartments = json_object();
	if ((copy = json_deep_copy(compartments)) == NULL)
		return;
	(void)json_object_update(st->compartments, copy);
	json_decref(copy);
}

void
agentstate_get(const struct agentstate *st, enum compartment which,
    struct wire_check *c)
{

	wire_check_get(st->compartments, which, c);
}

void
agentstate_free(struct agentstate *st)
{

	record_free(fields, NFIELDS, st);
}
