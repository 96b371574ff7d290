#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#include "intake.h"
#include "settle.h"

#define DEADLINE_MAX 604800

static int
check_inputs(const json_t *v, struct err *e)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(v))
		return (err_set(e, ERR_INPUT, "argument inputs must be a "
		    "list of names of flake inputs"));
	json_array_foreach(v, i, one)
		if (!json_is_string(one) || json_string_length(one) == 0 ||
		    json_string_value(one)[0] == '-')
			return (err_set(e, ERR_INPUT, "argument inputs[%zu] "
			    "must be the name of a flake input", i));
	return (0);
}

int
intake_args(const struct wire_op *op, const json_t *args, struct err *e)
{
	const json_t *v;
	const char *name;

	if (args == NULL)
		return (0);
	if (!json_is_object(args))
		return (err_set(e, ERR_INPUT, "args must be an object"));
	/* jansson's iteration wants a pointer it could write through. */
	json_object_foreach((json_t *)(uintptr_t)args, name, v) {
		if (!wire_op_has_arg(op, name))
			return (err_set(e, ERR_INPUT, "operation %s has no "
			    "argument \"%s\"", op->name, name));
		if (str_eq(name, "inputs") && check_inputs(v, e) == -1)
			return (-1);
		if (str_eq(name, "dry") && !json_is_boolean(v))
			return (err_set(e, ERR_INPUT, "argument dry must be "
			    "true or false"));
		if (str_eq(name, "mode") &&
		    !str_eq(json_string_value(v), "switch") &&
		    !str_eq(json_string_value(v), "boot"))
			return (err_set(e, ERR_INPUT, "argument mode must be "
			    "\"switch\" or \"boot\""));
		if (str_eq(name, "revision") && !json_is_string(v))
			return (err_set(e, ERR_INPUT, "argument revision must "
			    "be a full revision"));
		if (str_eq(name, "generation") && json_integer_value(v) <= 0)
			return (err_set(e, ERR_INPUT, "argument generation "
			    "must be a generation's number"));
	}
	return (0);
}

static int
reject(enum reject *why, enum reject code)
{

	*why = code;
	return (-1);
}

/* May it run at all, and now? */
static int
check(struct daemon *d, const struct intake *in, const struct wire_op **op,
    enum reject *why, struct err *e)
{
	struct jobs_info info;
	const char *nearest;

	jobs_reap(d->jobs);
	if ((*op = wire_op_find(in->op)) == NULL) {
		nearest = wire_op_nearest(in->op);
		err_set(e, ERR_INPUT, "unknown operation \"%s\"%s%s%s", in->op,
		    nearest != NULL ? "; did you mean " : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "?" : "");
		return (reject(why, REJECT_UNKNOWN));
	}
	if (((*op)->flags & WIRE_OP_LOCAL) != 0 &&
	    !str_eq(in->origin, "local")) {
		err_set(e, ERR_REFUSED, "%s can only be asked for on the "
		    "machine itself", in->op);
		return (reject(why, REJECT_POLICY));
	}
	if (intake_args(*op, in->args, e) == -1)
		return (reject(why, REJECT_BAD_ARGS));
	if (((*op)->flags & WIRE_OP_IMMEDIATE) == 0 &&
	    jobs_main(d->jobs, &info)) {
		err_set(e, ERR_BUSY, "%s is running (operation %s); stop it "
		    "or wait for it", info.op, info.op_id);
		return (reject(why, REJECT_BUSY));
	}
	return (0);
}

/* Give an operation that the daemon does itself its result. */
static void
finish(struct daemon *d, const struct journal_request *req,
    enum outcome outcome, const char *message)
{
	struct journal_result res;
	char at[TICK_TEXT];
	struct err e = { 0 };

	journal_result_init(req, &res);
	res.outcome = str_dup(names_outcome(outcome));
	res.exit_code = outcome == OUTCOME_OK ? 0 : 1;
	res.message = str_dup(message);
	res.started_at = str_dup(tick_text(req->accepted_at, at));
	res.finished_at = str_dup(tick_text(tick_wall(), at));
	if (journal_finish(d->journal, &res, &e) == -1)
		log_error("cannot write a result", "op_id", req->op_id,
		    "error", e.text);
	journal_result_free(&res);
	settle_result(d, req->op_id);
}

static void
begin(struct daemon *d, const struct journal_request *req)
{
	struct err e = { 0 };

	/* Maintenance makes room for anything. */
	if (d->tidy_op[0] != '\0' && !str_eq(d->tidy_op, req->op_id))
		(void)!jobs_stop(d->jobs, d->tidy_op, true, NULL);
	if (str_eq(req->op, "repo-maintain"))
		memcpy(d->tidy_op, req->op_id, sizeof(d->tidy_op));
	if (str_eq(req->op, "restart")) {
		finish(d, req, OUTCOME_OK, "the agent restarts");
		daemon_end(d, req->op_id, 0);
	} else if (str_eq(req->op, "stop")) {
		if (jobs_stop(d->jobs, NULL, false, &e) == 0)
			finish(d, req, OUTCOME_OK, "asked it to stop");
		else
			finish(d, req, OUTCOME_FAILED, e.text);
	} else if (jobs_start(d->jobs, req->op_id, req->op, req->deadline_s,
	    &e) == -1) {
		finish(d, req, OUTCOME_FAILED, e.text);
	}
	beat_touch(d->beat);
	if (d->reporter != NULL)
		reporter_pump(d->reporter);
}

static int64_t
deadline_of(const struct daemon *d, const struct intake *in,
    const struct wire_op *op)
{

	if (str_eq(op->name, "repo-maintain"))
		return (settings_int(d->conf->set, SET_REPO_UPKEEP_TIMEOUT));
	if (in->deadline_s <= 0)
		return (op->deadline_s);
	return (in->deadline_s < DEADLINE_MAX ? in->deadline_s :
	    DEADLINE_MAX);
}

/* The same op_id again: answer and report again. */
static int
again(struct daemon *d, const struct intake *in)
{

	if (in->on_accepted != NULL)
		in->on_accepted(d, in->op_id);
	if (journal_acked(d->journal, in->op_id))
		journal_unack(d->journal, in->op_id);
	if (d->reporter != NULL) {
		reporter_add(d->reporter, in->op_id);
		reporter_pump(d->reporter);
	}
	return (0);
}

int
intake_take(struct daemon *d, const struct intake *in,
    char op_id[ULID_LEN + 1], enum reject *why, struct err *e)
{
	struct journal_request req = { 0 }, old;
	const struct wire_op *op;

	if (in->op_id != NULL) {
		memcpy(op_id, in->op_id, ULID_LEN + 1);
		if (journal_request(d->journal, op_id, &old, NULL) == 0) {
			journal_request_free(&old);
			return (again(d, in));
		}
	} else
		ulid_make(op_id);
	if (check(d, in, &op, why, e) == -1)
		return (-1);
	req.op_id = str_dup(op_id);
	req.op = str_dup(in->op);
	req.args = json_incref(in->args);
	req.by = str_dup(in->by);
	req.origin = str_dup(in->origin);
	req.dialect = in->dialect;
	req.deadline_s = deadline_of(d, in, op);
	req.accepted_at = tick_wall();
	if (journal_add(d->journal, &req, e) == -1) {
		journal_request_free(&req);
		return (reject(why, REJECT_POLICY));
	}
	log_info("operation accepted", "op", req.op, "op_id", req.op_id,
	    "by", req.by);
	if (in->on_accepted != NULL)
		in->on_accepted(d, op_id);
	if (d->reporter != NULL)
		reporter_add(d->reporter, op_id);
	begin(d, &req);
	journal_request_free(&req);
	return (0);
}
