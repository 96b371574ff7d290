#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "names.h"
#include "record.h"
#include "rnd.h"
#include "str.h"
#include "wire_op.h"

#include "followstate.h"

#define FILE_MAX (256 * 1024)
#define TEXT_MAX 1000
/* A passing trouble is tried again after a minute, then less and less. */
#define RETRY_FIRST 60000
#define RETRY_MAX (RETRY_FIRST << 6)
/* What depends on more than the commit: a builder, a mirror, a key. */
#define RETRY_SLOW (6 * 3600000)
/* So often may a machine go down during an activation. */
#define INTERRUPTIONS 3

static const char *const kinds[] = { "activation", "rolled_back", "rollback",
	"interrupted", "build", "refused", "temporary", NULL };

#define HELD(m, t, f) RECORD_ROW(followstate_held, m, t, f)
static const struct record_field held_fields[] = {
	HELD(revision, RECORD_STR, RECORD_REQ),
	{ "kind", RECORD_STR, RECORD_REQ,
	    offsetof(struct followstate_held, kind), kinds },
	HELD(text, RECORD_STR, 0),
	HELD(op_id, RECORD_STR, RECORD_OMIT),
	HELD(since, RECORD_INT, 0),
	HELD(tries, RECORD_INT, 0),
	HELD(retry_at, RECORD_INT, 0),
};
#define NHELD (sizeof(held_fields) / sizeof(held_fields[0]))

/* The file. */
struct stored {
	char *done, *done_mode, *rebooted;
	json_t *held_back;
};

#define ROW(m, t, f) RECORD_ROW(stored, m, t, f)
static const struct record_field fields[] = {
	ROW(done, RECORD_STR, RECORD_OMIT),
	ROW(done_mode, RECORD_STR, RECORD_OMIT),
	ROW(rebooted, RECORD_STR, RECORD_OMIT),
	ROW(held_back, RECORD_JSON, 0),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

void
followstate_free(struct followstate *fs)
{
	size_t i;

	free(fs->done);
	free(fs->done_mode);
	free(fs->rebooted);
	for (i = 0; i < fs->nheld; i++)
		record_free(held_fields, NHELD, &fs->held[i]);
	memset(fs, 0, sizeof(*fs));
}

static int
take_held(const json_t *list, struct followstate *fs, struct err *e)
{
	size_t i;

	if (list != NULL && !json_is_array(list))
		return (err_set(e, ERR_DAMAGED, "held_back is no list"));
	for (i = 0; i < json_array_size(list) && i < FOLLOWSTATE_HELD; i++) {
		if (record_decode(held_fields, NHELD, json_array_get(list, i),
		    &fs->held[i], e) == -1)
			return (-1);
		fs->nheld++;
	}
	return (0);
}

int
followstate_parse(const char *text, size_t len, struct followstate *fs,
    struct err *e)
{
	struct stored st;
	json_t *obj;
	int rc;

	memset(fs, 0, sizeof(*fs));
	if (record_parse(text, len, &obj, e) == -1)
		return (-1);
	rc = record_decode(fields, NFIELDS, obj, &st, e);
	json_decref(obj);
	if (rc == -1)
		return (-1);
	fs->done = st.done;
	fs->done_mode = st.done_mode;
	fs->rebooted = st.rebooted;
	if ((rc = take_held(st.held_back, fs, e)) == -1)
		followstate_free(fs);
	json_decref(st.held_back);
	return (rc);
}

int
followstate_load(const char *dir, struct followstate *fs, struct err *damaged,
    struct err *e)
{
	char *path = file_join(dir, "follow.json");
	struct buf text = { 0 };
	struct err sub = { 0 };
	int rc;

	memset(fs, 0, sizeof(*fs));
	if ((rc = file_read(path, FILE_MAX, &text, &sub)) == 0)
		rc = followstate_parse(text.data != NULL ? text.data : "",
		    text.len, fs, &sub);
	if (rc == -1 && sub.code == ERR_SYS) {
		rc = err_set(e, sub.code, "%s", sub.text);
	} else if (rc == -1) {
		if (sub.code != ERR_NOTFOUND)
			err_set(damaged, ERR_DAMAGED, "%s: %s", path,
			    sub.text);
		rc = 0;
	}
	buf_free(&text);
	free(path);
	return (rc);
}

int
followstate_save(const char *dir, const struct followstate *fs, struct err *e)
{
	struct stored st = { fs->done, fs->done_mode, fs->rebooted,
	    json_array() };
	char *path = file_join(dir, "follow.json");
	size_t i;
	int rc;

	for (i = 0; i < fs->nheld; i++)
		(void)json_array_append_new(st.held_back,
		    record_encode(held_fields, NHELD, &fs->held[i]));
	rc = record_write(path, 0600, fields, NFIELDS, &st, e);
	json_decref(st.held_back);
	free(path);
	return (rc);
}

static size_t
index_of(const struct followstate *fs, const char *rev)
{
	size_t i;

	for (i = 0; i < fs->nheld && !str_eq(fs->held[i].revision, rev); i++)
		;
	return (i);
}

static void
drop(struct followstate *fs, size_t i)
{

	record_free(held_fields, NHELD, &fs->held[i]);
	fs->nheld--;
	memmove(&fs->held[i], &fs->held[i + 1], (fs->nheld - i) *
	    sizeof(fs->held[0]));
}

bool
followstate_release(struct followstate *fs, const char *rev)
{
	size_t i = index_of(fs, rev);

	if (i == fs->nheld)
		return (false);
	drop(fs, i);
	return (true);
}

const struct followstate_held *
followstate_find(const struct followstate *fs, const char *rev, int64_t now)
{
	size_t i = index_of(fs, rev);
	const struct followstate_held *h = &fs->held[i];

	/* A clock that was set back does not hold it for years. */
	if (i == fs->nheld || (h->retry_at != 0 && (now >= h->retry_at ||
	    h->retry_at - now > RETRY_SLOW)))
		return (NULL);
	return (h);
}

bool
followstate_done(const struct followstate *fs, const char *rev,
    const char *mode)
{

	return (str_eq(fs->done, rev) && (str_eq(fs->done_mode, mode) ||
	    str_eq(fs->done_mode, "switch")));
}

static int64_t
retry_at(const char *kind, int64_t tries, const struct followstate_at *at)
{
	if (str_eq(kind, "build") || str_eq(kind, "refused"))
		return (at->now + RETRY_SLOW - at->random % RETRY_FIRST);
	if (!str_eq(kind, "temporary"))
		return (0);
	return (at->now + rnd_backoff(RETRY_FIRST, RETRY_MAX, tries,
	    at->random));
}

static void
hold(struct followstate *fs, const char *rev, const char *kind,
    const char *text, const struct journal_result *res,
    const struct followstate_at *at)
{
	size_t i = index_of(fs, rev);
	struct followstate_held h = { .revision = str_dup(rev), .tries = 1,
	    .since = at->now };

	if (i < fs->nheld) {
		h.tries += fs->held[i].tries;
		h.since = fs->held[i].since;
		drop(fs, i);
	} else if (fs->nheld == FOLLOWSTATE_HELD)
		drop(fs, 0);
	if (str_eq(res->outcome, names_outcome(OUTCOME_INTERRUPTED)) &&
	    h.tries >= INTERRUPTIONS)
		kind = "interrupted";
	h.kind = str_dup(kind);
	h.text = str_ndup(text, strnlen(text, TEXT_MAX));
	h.op_id = str_dup(res->op_id);
	h.retry_at = retry_at(kind, h.tries, at);
	fs->held[fs->nheld++] = h;
}

/* The phase in which it ended; "" if it had none. */
static const char *
last_phase(const struct journal_result *res)
{
	size_t n = json_array_size(res->phases);
	const char *name = n == 0 ? NULL : json_string_value(json_object_get(
	    json_array_get(res->phases, n - 1), "name"));

	return (name != NULL ? name : "");
}

static bool
fetching(const struct journal_result *res)
{
	const char *phase = last_phase(res);

	return (phase[0] == '\0' || str_eq(phase, "fetch"));
}

static bool
activated(const struct journal_result *res)
{

	return (json_is_boolean(json_object_get(res->changes, "activated")));
}

/* What a failure means for the revision. */
static const char *
kind_of(const struct journal_result *res)
{
	switch ((enum outcome)names_outcome_parse(res->outcome)) {
	case OUTCOME_ROLLED_BACK:
		return ("rolled_back");
	case OUTCOME_STOPPED:
	case OUTCOME_INTERRUPTED:
		return ("temporary");
	default:
		break;
	}
	if (activated(res))
		return ("activation");
	if (res->transient)
		return ("temporary");
	if (!fetching(res))
		return (str_eq(last_phase(res), "activate") ? "activation" :
		    "build");
	return (str_eq(res->outcome, names_outcome(OUTCOME_REFUSED)) ?
	    "refused" : "temporary");
}

static bool
note_failure(struct followstate *fs, const struct journal_result *res,
    const struct followstate_at *at)
{
	bool ours = str_eq(res->origin, "follow");
	const char *rev = at->head;

	if (res->generation != NULL && res->generation[0] != '\0')
		rev = res->generation;
	/* What could not be fetched is not in the clone. */
	if (fetching(res) && !activated(res))
		rev = ours ? at->tip : NULL;
	if (rev == NULL || rev[0] == '\0')
		return (false);
	hold(fs, rev, kind_of(res), res->message != NULL ? res->message : "",
	    res, at);
	return (true);
}

static bool
note_success(struct followstate *fs, const struct journal_result *res)
{
	const char *mode = json_string_value(json_object_get(res->changes,
	    "mode"));
	size_t i = index_of(fs, res->generation);

	if (activated(res)) {
		(void)followstate_release(fs, res->generation);
		free(fs->done);
		free(fs->done_mode);
		fs->done = str_dup(res->generation);
		fs->done_mode = str_dup(mode != NULL ? mode : "switch");
		return (true);
	}
	/* It can be pulled now; nothing else is known of it. */
	if (i == fs->nheld || (!str_eq(fs->held[i].kind, "refused") &&
	    !str_eq(fs->held[i].kind, "temporary")))
		return (false);
	drop(fs, i);
	return (true);
}

/* What was left is not what following goes back to. */
static bool
note_rollback(struct followstate *fs, const struct journal_result *res,
    const struct followstate_at *at)
{
	const char *left = fs->done != NULL ? fs->done : at->head;
	char *text;

	if (left == NULL || left[0] == '\0')
		return (false);
	text = str_printf("rolled back by %s", res->by);
	hold(fs, left, "rollback", text, res, at);
	free(text);
	free(fs->done);
	fs->done = NULL;
	return (true);
}

bool
followstate_note(struct followstate *fs, const struct journal_result *res,
    const struct followstate_at *at)
{
	const struct wire_op *op = wire_op_find(res->op);
	bool ok = str_eq(res->outcome, names_outcome(OUTCOME_OK));
	bool system = op != NULL && (op->flags & WIRE_OP_SYSTEM) != 0;

	if (res->generation == NULL && ok)
		return (false);
	if (str_eq(res->op, "rollback"))
		return (ok && note_rollback(fs, res, at));
	if (ok)
		return ((activated(res) || (op != NULL && !system &&
		    (op->flags & WIRE_OP_REPO) != 0)) &&
		    note_success(fs, res));
	/* Others' pulls and checks say nothing about a revision. */
	if (system || activated(res) || str_eq(res->origin, "follow"))
		return (!str_eq(res->op, "reboot") &&
		    note_failure(fs, res, at));
	return (false);
}

json_t *
followstate_json(const struct followstate *fs)
{
	json_t *list = json_array(), *obj;
	size_t i;

	for (i = fs->nheld; i-- > 0;) {
		obj = record_encode(held_fields, NHELD, &fs->held[i]);
		(void)json_object_set_new(obj, "since",
		    record_time_s(fs->held[i].since));
		(void)json_object_set_new(obj, "retry_at",
		    record_time_s(fs->held[i].retry_at));
		(void)json_array_append_new(list, obj);
	}
	return (list);
}
