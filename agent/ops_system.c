#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confirm.h"
#include "deployed.h"
#include "file.h"
#include "running.h"
#include "str.h"

#include "ops.h"

static char *
marker(const struct opctx *x)
{
	char *dir = journal_dir(x->journal, x->req.op_id);
	char *path = file_join(dir, "activation");

	free(dir);
	return (path);
}

/* From now on ops_resume can go on; it holds the number of the last record. */
static int
mark_activation(struct opctx *x, struct err *e)
{
	char *path = marker(x), text[32];
	int n, rc;

	n = snprintf(text, sizeof(text), "%" PRId64, joblog_last(x->log));
	rc = file_write(path, text, (size_t)n, 0600, e);
	free(path);
	return (rc);
}

/* How many lines of the activation's log are in ours already. */
static int64_t
lines_seen(const struct opctx *x)
{
	char *path = marker(x), *dir;
	struct joblog_reader *reader;
	struct joblog_record rec;
	struct buf text = { 0 };
	int64_t from = 0, seen = 0;

	if (file_read(path, 32, &text, NULL) == 0 && text.len > 0)
		(void)str_int(text.data, 0, INT64_MAX - 1, &from);
	buf_free(&text);
	free(path);
	dir = journal_dir(x->journal, x->req.op_id);
	reader = joblog_reader_new(dir, from + 1);
	free(dir);
	while (joblog_read(reader, &rec) == 1)
		seen += rec.stream == STREAM_STDOUT;
	joblog_reader_free(&reader);
	return (seen);
}

/* It is of our doing from now on; without that note it looks like drift. */
static void
note_deployed(struct opctx *x, const struct deployed *what)
{
	struct err e;

	if (what->path != NULL &&
	    deployed_note(x->conf->state_dir, what, &e) == -1)
		joblog_note(x->log, "cannot remember %s: %s", what->path,
		    e.text);
}

/* Now, or only for the next boot? */
static enum deploy_mode
mode_of(struct opctx *x)
{
	const char *word = json_string_value(json_object_get(x->req.args,
	    "mode"));

	return (word == NULL ? DEPLOY_SWITCH :
	    (enum deploy_mode)deploy_mode_parse(word));
}

/* What an activation's end means for the result. */
static enum outcome
report_activation(struct opctx *x, struct deploy_result *r)
{
	int outcome = names_outcome_parse(deploy_outcome_name(r->outcome));
	const char *text = r->text != NULL ? r->text : "";

	note_deployed(x, &(struct deployed){ .path =
	    outcome == OUTCOME_ROLLED_BACK ? r->previous : r->path });
	if (r->exit_code != -1)
		x->res.exit_code = r->exit_code;
	opctx_say(x, "%s", text);
	if (r->path != NULL)
		opctx_change(x, "system", json_string(r->path));
	if (r->previous != NULL)
		opctx_change(x, "previous", json_string(r->previous));
	opctx_change(x, "activated", json_boolean(r->changed));
	if (mode_of(x) == DEPLOY_BOOT)
		opctx_change(x, "mode", json_string("boot"));
	if (r->needs_reboot)
		opctx_change(x, "reboot_needed", json_true());
	opctx_check(x, COMPARTMENT_SYSTEM,
	    outcome == OUTCOME_OK ? CHECK_OK : CHECK_ERROR, text);
	if (outcome == OUTCOME_OK && r->changed)
		opctx_check(x, COMPARTMENT_TESTS, CHECK_OUTDATED,
		    "the system changed since the last run");
	deploy_result_free(r);
	return ((enum outcome)outcome);
}

static enum outcome
fail_system(struct opctx *x, const struct err *e)
{
	enum outcome outcome = opctx_fail(x, e);

	opctx_check(x, COMPARTMENT_SYSTEM, CHECK_ERROR, x->res.message);
	return (outcome);
}

static enum outcome
activate(struct opctx *x, const char *rev, const char *path)
{
	struct deploy_request req = { .op_id = x->req.op_id,
	    .mode = mode_of(x), .path = path, .rev = rev };
	struct deploy_result r = { 0 };
	struct err e = { 0 };

	opctx_phase(x, "activate");
	if (confirm_before(x, &e) == -1 || mark_activation(x, &e) == -1 ||
	    deploy_activate(&x->deploy, &req, &r, &e) == -1) {
		deploy_result_free(&r);
		return (fail_system(x, &e));
	}
	return (report_activation(x, &r));
}

static void
on_diff_line(void *cookie, const char *line)
{
	struct opctx *x = cookie;

	joblog_note(x->log, "%s", line);
}

/* Packages that came, went and changed; nice to have. */
static void
diff(struct opctx *x, const char *path)
{
	char *running = running_path(&x->deploy);
	json_t *obj;

	if (!str_eq(running, path) &&
	    (obj = deploy_diff(&x->deploy, running, path, NULL)) != NULL) {
		deploy_diff_tell(obj, on_diff_line, x);
		opctx_change(x, "closure", obj);
	}
	free(running);
}

static void
on_subject(void *cookie, const struct repo_commit *c)
{
	char **subject = cookie;

	*subject = str_dup(c->subject);
}

static void
note_built(struct opctx *x, const char *path, const char *rev)
{
	char *subject = NULL;

	(void)!repo_log(x->repo, NULL, rev, 1, on_subject, &subject, NULL);
	note_deployed(x, &(struct deployed){ path, rev, subject });
	joblog_note(x->log, "built %s", path);
	free(subject);
}

enum outcome
ops_switch(struct opctx *x)
{
	struct deploy_build b = { 0 };
	char head[REPO_REV];
	struct err e = { 0 };
	enum outcome outcome;

	if (deploy_check(&x->deploy, &e) == -1)
		return (fail_system(x, &e));
	if (ops_repo_head(x, head, &e) == -1)
		return (fail_system(x, &e));
	opctx_phase(x, "evaluate");
	if (deploy_build(&x->deploy, head, &b, &e) == -1)
		return (fail_system(x, &e));
	note_built(x, b.path, head);
	diff(x, b.path);
	outcome = deploy_preflight(&x->deploy, b.path, &e) == 0 ?
	    activate(x, head, b.path) : fail_system(x, &e);
	deploy_build_free(&b);
	return (outcome);
}

enum outcome
ops_pull_switch(struct opctx *x)
{
	enum outcome outcome = ops_pull(x);

	return (outcome == OUTCOME_OK ? ops_switch(x) : outcome);
}

enum outcome
ops_force_update(struct opctx *x)
{
	enum outcome outcome;

	json_decref(x->req.args);
	x->req.args = json_pack("{s:[s]}", "inputs", "nixfleet");
	outcome = ops_update(x);
	return (outcome == OUTCOME_OK && !json_is_boolean(json_object_get(
	    x->res.changes, "activated")) ? ops_switch(x) : outcome);
}

enum outcome
ops_rollback(struct opctx *x)
{
	struct deploy_request req = { .op_id = x->req.op_id,
	    .mode = DEPLOY_SWITCH };
	struct deploy_result r = { 0 };
	struct err e = { 0 };

	req.generation = json_integer_value(json_object_get(x->req.args,
	    "generation"));
	opctx_phase(x, "activate");
	if (deploy_check(&x->deploy, &e) == -1 ||
	    confirm_before(x, &e) == -1 || mark_activation(x, &e) == -1 ||
	    deploy_rollback(&x->deploy, &req, &r, &e) == -1) {
		deploy_result_free(&r);
		return (fail_system(x, &e));
	}
	return (report_activation(x, &r));
}

enum outcome
ops_resume(struct opctx *x)
{
	struct deploy_result r = { 0 };
	struct err e = { 0 };

	opctx_phase(x, "activate");
	joblog_note(x->log, "going on with the activation after an "
	    "interruption");
	if (deploy_reattach(&x->deploy, x->req.op_id, lines_seen(x), &r,
	    &e) == 0)
		return (report_activation(x, &r));
	deploy_result_free(&r);
	if (e.code != ERR_NOTFOUND)
		return (fail_system(x, &e));
	opctx_say(x, "interrupted before the activation began");
	return (OUTCOME_INTERRUPTED);
}

static void
on_test(void *cookie, const struct deploy_test *t)
{
	struct opctx *x = cookie;
	char how[64] = "passed";

	if (!t->ok && t->end == PROC_EXITED)
		snprintf(how, sizeof(how), "FAILED with exit status %d",
		    t->code);
	else if (!t->ok && t->end == PROC_SIGNALLED)
		snprintf(how, sizeof(how), "FAILED: killed by signal %d",
		    t->code);
	else if (!t->ok)
		snprintf(how, sizeof(how), "FAILED: %s", t->end ==
		    PROC_TIMEOUT ? "no time left" : "stopped");
	joblog_note(x->log, "test %zu of %zu, %s: %s (%" PRId64 " ms)",
	    t->index, t->total, t->name, how, t->ms);
}

static int
run_tests(struct opctx *x, struct deploy_tests *t, struct err *e)
{
	opctx_phase(x, "test");
	return (deploy_tests_run(&x->deploy, x->conf->flake_dir, on_test, t,
	    e));
}

enum outcome
ops_test(struct opctx *x)
{
	char head[REPO_REV];
	struct deploy_tests t;
	struct err e = { 0 };
	int outcome;

	if (ops_repo_head(x, head, &e) == -1 || run_tests(x, &t, &e) == -1) {
		outcome = opctx_fail(x, &e);
		opctx_check(x, COMPARTMENT_TESTS, CHECK_ERROR,
		    x->res.message);
		return ((enum outcome)outcome);
	}
	outcome = names_outcome_parse(deploy_outcome_name(t.outcome));
	opctx_say(x, "%s", t.message);
	if (outcome == OUTCOME_STOPPED && *x->timed_out) {
		outcome = OUTCOME_TIMED_OUT;
		opctx_say(x, "the deadline of %d s passed: %s",
		    (int)x->req.deadline_s, t.message);
	}
	opctx_change(x, "tests", json_pack("{s:I, s:I}", "total",
	    (json_int_t)t.total, "passed", (json_int_t)t.passed));
	opctx_check(x, COMPARTMENT_TESTS,
	    outcome == OUTCOME_OK ? CHECK_OK : CHECK_ERROR, t.message);
	return ((enum outcome)outcome);
}

enum outcome
ops_refresh_system(struct opctx *x)
{
	struct deploy_state st;
	char head[REPO_REV];
	struct err e = { 0 };

	if (repo_head(x->repo, head) == -1) {
		opctx_check(x, COMPARTMENT_SYSTEM, CHECK_UNKNOWN,
		    "there is no clone of the configuration yet");
		opctx_say(x, "%s", names_check(CHECK_UNKNOWN));
		return (OUTCOME_OK);
	}
	if (ops_repo_head(x, head, &e) == -1)
		return (fail_system(x, &e));
	opctx_phase(x, "evaluate");
	deploy_system_state(&x->deploy, head, &st);
	opctx_check(x, COMPARTMENT_SYSTEM, (enum check)names_check_parse(
	    deploy_status_name(st.status)), st.message);
	opctx_say(x, "%s", deploy_status_name(st.status));
	joblog_note(x->log, "%s", st.message);
	deploy_state_free(&st);
	return (OUTCOME_OK);
}

enum outcome
ops_refresh_all(struct opctx *x)
{
	enum outcome outcome = ops_refresh_lock(x);

	return (outcome == OUTCOME_OK ? ops_refresh_system(x) : outcome);
}
