#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confirm.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#include "opctx.h"

#define PROGRESS_EVERY 250
#define PROGRESS_TEXT 400

static void
on_repo_line(void *cookie, enum proc_stream stream, const char *p, size_t n)
{
	struct opctx *x = cookie;

	joblog_add(x->log, stream == PROC_OUT ? STREAM_STDOUT : STREAM_STDERR,
	    p, n);
}

static void
on_repo_note(void *cookie, const char *text)
{
	struct opctx *x = cookie;

	joblog_note(x->log, "%s", text);
}

static void
on_deploy_line(void *cookie, enum deploy_stream stream, const char *p,
    size_t n)
{
	static const enum log_stream streams[] = {
		[DEPLOY_OUT] = STREAM_STDOUT,
		[DEPLOY_ERR] = STREAM_STDERR,
		[DEPLOY_NOTE] = STREAM_NOTE,
	};
	struct opctx *x = cookie;

	joblog_add(x->log, streams[stream], p, n);
}

static void
store_progress(struct opctx *x, int64_t done, int64_t expected,
    const char *text)
{
	struct journal_progress p = { .phase = x->phase, .done = done,
	    .expected = expected };
	size_t n = text != NULL ? strlen(text) : 0;

	/* Not in the middle of a character. */
	if (n > PROGRESS_TEXT)
		for (n = PROGRESS_TEXT; n > 0 &&
		    ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	p.text = str_ndup(text != NULL ? text : "", n);
	journal_progress_set(x->journal, x->req.op_id, &p);
	free(p.text);
	x->progress_at = tick_mono();
}

static void
on_deploy_progress(void *cookie, const struct deploy_progress *p)
{
	struct opctx *x = cookie;

	if (!str_eq(p->phase, x->phase))
		opctx_phase(x, p->phase);
	if (x->phase != NULL && tick_mono() - x->progress_at > PROGRESS_EVERY)
		store_progress(x, p->done, p->expected, p->text);
}

static int
on_confirm(void *cookie, int64_t limit, struct err *e)
{

	return (confirm_after(cookie, limit, e));
}

int
opctx_open(const struct agentconf *conf, const char *op_id, struct opctx *x,
    struct err *e)
{
	struct repo_conf rc;
	char *dir;
	int rc2;

	x->conf = conf;
	if (journal_open(conf->state_dir, &x->journal, e) == -1 ||
	    journal_request(x->journal, op_id, &x->req, e) == -1)
		return (-1);
	journal_result_init(&x->req, &x->res);
	dir = journal_dir(x->journal, op_id);
	rc2 = joblog_open(dir, &x->log, e);
	free(dir);
	if (rc2 == -1)
		return (-1);
	agentconf_repo(conf, &rc);
	rc.stop_fd = x->stop_fd;
	rc.on_line = on_repo_line;
	rc.on_note = on_repo_note;
	rc.cookie = x;
	if (repo_open(&rc, &x->repo, e) == -1)
		return (-1);
	agentconf_deploy(conf, &x->deploy);
	x->deploy.stop_fd = x->stop_fd;
	x->deploy.on_line = on_deploy_line;
	x->deploy.on_progress = on_deploy_progress;
	x->deploy.confirm = on_confirm;
	x->deploy.cookie = x;
	return (0);
}

void
opctx_close(struct opctx *x)
{

	repo_free(&x->repo);
	(void)joblog_close(&x->log, NULL, NULL);
	journal_request_free(&x->req);
	journal_result_free(&x->res);
	journal_free(&x->journal);
	free(x->phase);
}

void
opctx_phase(struct opctx *x, const char *name)
{
	int64_t now = tick_mono();

	if (x->phase != NULL) {
		if (x->res.phases == NULL)
			x->res.phases = json_array();
		wire_phases_add(x->res.phases, x->phase,
		    now - x->phase_since);
	}
	free(x->phase);
	x->phase = str_dup(name);
	x->phase_since = now;
	if (name != NULL)
		store_progress(x, 0, 0, "");
}

void
opctx_say(struct opctx *x, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(x->res.message);
	x->res.message = str_dup(text);
}

/* May it work the next time, with nothing changed but the world around? */
static bool
transient(enum err_code code)
{

	switch (code) {
	case ERR_SYS:
	case ERR_BUSY:
	case ERR_STOPPED:
	case ERR_AUTH:
	case ERR_NET:
	case ERR_DAMAGED:
	case ERR_NOSPACE:
		return (true);
	default:
		return (false);
	}
}

enum outcome
opctx_fail(struct opctx *x, const struct err *e)
{
	int outcome = names_outcome_parse(
	    deploy_outcome_name(deploy_outcome_of(e)));

	x->res.transient = transient(e->code);
	if (outcome == OUTCOME_STOPPED && *x->timed_out)
		outcome = OUTCOME_TIMED_OUT;
	if (outcome == OUTCOME_TIMED_OUT && *x->timed_out)
		opctx_say(x, "the deadline of %d s passed: %s",
		    (int)x->req.deadline_s, e->text);
	else
		opctx_say(x, "%s", e->text);
	return ((enum outcome)outcome);
}

void
opctx_check(struct opctx *x, enum compartment which, enum check status,
    const char *message)
{
	char at[TICK_TEXT];
	struct wire_check c = { names_check(status), message,
	    tick_text_s(tick_wall(), at) };

	if (x->res.compartments == NULL)
		x->res.compartments = json_object();
	wire_check_set(x->res.compartments, which, &c);
}

void
opctx_change(struct opctx *x, const char *name, json_t *v)
{

	if (x->res.changes == NULL)
		x->res.changes = json_object();
	(void)json_object_set_new(x->res.changes, name, v);
}
