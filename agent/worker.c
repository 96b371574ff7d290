#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentconf.h"
#include "file.h"
#include "flock.h"
#include "log.h"
#include "ops.h"
#include "pause.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"
#include "wire_op.h"

#include "worker.h"

/* How long an earlier worker of the operation may take to let go. */
#define OWN_LOCK_WAIT 10000
/* How long the main worker before us may. */
#define MAIN_LOCK_WAIT 30000

extern char **environ;

static int stop_pipe[2] = { -1, -1 };
static volatile sig_atomic_t deadline_passed;

/* Readable from now on: whoever waits for a child sees it. */
static void
on_signal(int sig)
{
	int saved = errno;

	if (sig == SIGALRM)
		deadline_passed = 1;
	if (write(stop_pipe[1], "", 1) == -1)
		deadline_passed |= 0;	/* full is readable, too */
	errno = saved;
}

static int
catch_signals(struct err *e)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	if (pipe(stop_pipe) == -1)
		return (err_sys(e, "pipe"));
	for (i = 0; i < 2; i++) {
		(void)fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
		(void)fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK);
	}
	(void)sigemptyset(&sa.sa_mask);
	sa.sa_flags = SA_RESTART;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], &sa, NULL) == -1)
			return (err_sys(e, "sigaction"));
	(void)signal(SIGPIPE, SIG_DFL);
	return (0);
}

/* Seconds that are left of the deadline. */
static unsigned
left(const struct journal_request *req)
{
	int64_t age = (tick_wall() - req->accepted_at) / 1000;

	/* A clock that jumped does not shorten it. */
	if (age < 0 || age > req->deadline_s)
		age = 0;
	return (req->deadline_s > age ? (unsigned)(req->deadline_s - age) :
	    1);
}

static bool
marked(const struct opctx *x, const char *name)
{
	char *dir = journal_dir(x->journal, x->req.op_id);
	char *path = file_join(dir, name);
	bool there = file_exists(path);

	free(path);
	free(dir);
	return (there);
}

/* The operation's exit code in dialect 3's sense, unless it gave one. */
static void
fill_exit_code(struct journal_result *res, enum outcome outcome)
{

	switch (outcome) {
	case OUTCOME_OK:
		res->exit_code = 0;
		break;
	case OUTCOME_STOPPED:
		res->exit_code = 130;
		break;
	case OUTCOME_TIMED_OUT:
		res->exit_code = 124;
		break;
	default:
		if (res->exit_code == RECORD_NONE || res->exit_code == 0)
			res->exit_code = 1;
		break;
	}
}

static int
finish(struct opctx *x, enum outcome outcome, struct err *e)
{
	struct journal_result *res = &x->res;
	char head[REPO_REV], at[TICK_TEXT];
	struct err sub = { 0 };

	opctx_phase(x, NULL);
	ops_repo_facts(x);
	if (repo_head(x->repo, head) == 0)
		res->generation = str_dup(head);
	if (res->message != NULL && outcome != OUTCOME_OK)
		joblog_add(x->log, STREAM_NOTE, res->message,
		    strlen(res->message));
	fill_exit_code(res, outcome);
	res->outcome = str_dup(names_outcome(outcome));
	res->finished_at = str_dup(tick_text(tick_wall(), at));
	if (joblog_close(&x->log, &res->last_seq, &sub) == -1)
		log_error("the log is not complete", "op_id", res->op_id,
		    "error", sub.text);
	return (journal_finish(x->journal, res, e));
}

/* A pause is for what follows by itself; a person may know better. */
static void
note_pause(struct opctx *x)
{
	const struct wire_op *op = wire_op_find(x->req.op);
	struct pause p;

	if (op == NULL || (op->flags & WIRE_OP_SYSTEM) == 0 ||
	    !pause_load(x->conf->state_dir, tick_wall(), &p))
		return;
	joblog_note(x->log, "following is paused by %s%s%s; this was asked "
	    "for by %s and is done all the same", p.by,
	    p.reason[0] != '\0' ? ": " : "", p.reason, x->req.by);
	pause_free(&p);
}

static enum outcome
perform(struct opctx *x)
{
	ops_function *run = ops_find(x->req.op);

	if (x->resumed && marked(x, "activation"))
		return (ops_resume(x));
	if (x->resumed) {
		opctx_say(x, "interrupted: the worker before this one "
		    "ended");
		return (OUTCOME_INTERRUPTED);
	}
	if (run == NULL) {
		opctx_say(x, "unknown operation %s", x->req.op);
		return (OUTCOME_REFUSED);
	}
	note_pause(x);
	return (run(x));
}

/* One worker for each operation; held until we exit. */
static int
take_own_lock(const struct agentconf *conf, const char *op_id, struct err *e)
{
	char *path = str_printf("%s/ops/%s/lock", conf->state_dir, op_id);
	int fd = flock_take(path, OWN_LOCK_WAIT, e);

	free(path);
	return (fd == -1 ? -1 : 0);
}

/* Small operations run beside the main one. */
static int
take_main_lock(const struct agentconf *conf, const char *op, struct err *e)
{
	const struct wire_op *row = wire_op_find(op);
	char *path;
	int fd;

	if (row == NULL || (row->flags & WIRE_OP_IMMEDIATE) != 0)
		return (0);
	path = file_join(conf->state_dir, "lock.worker");
	fd = flock_take(path, MAIN_LOCK_WAIT, e);
	free(path);
	return (fd == -1 ? -1 : 0);
}

static int
work(const struct agentconf *conf, struct opctx *x, const char *op_id,
    struct err *e)
{
	char at[TICK_TEXT];

	x->stop_fd = stop_pipe[0];
	x->timed_out = &deadline_passed;
	if (opctx_open(conf, op_id, x, e) == -1)
		return (-1);
	(void)alarm(left(&x->req));
	x->resumed = marked(x, "started");
	if (journal_start(x->journal, op_id, tick_wall(), e) == -1 ||
	    take_main_lock(conf, x->req.op, e) == -1)
		return (-1);
	x->res.started_at = str_dup(tick_text(tick_wall(), at));
	return (finish(x, perform(x), e));
}

static bool
is_over(const struct agentconf *conf, const char *op_id)
{
	char *path = str_printf("%s/ops/%s/result.json", conf->state_dir,
	    op_id);
	bool over = file_exists(path);

	free(path);
	return (over);
}

int
worker_main(const char *op_id)
{
	struct agentconf *conf = NULL;
	struct opctx x = { 0 };
	struct err e = { 0 };
	int rc = 1;

	if (!ulid_valid(op_id)) {
		log_error("not an operation id", "op_id", op_id);
		return (2);
	}
	if (agentconf_load(AGENTCONF_WORKER, (const char *const *)environ,
	    &conf, NULL, &e) == -1 || catch_signals(&e) == -1 ||
	    take_own_lock(conf, op_id, &e) == -1)
		goto out;
	if (is_over(conf, op_id) || work(conf, &x, op_id, &e) == 0)
		rc = 0;
out:
	if (rc != 0)
		log_error("worker failed", "op_id", op_id, "error", e.text);
	opctx_close(&x);
	agentconf_free(&conf);
	return (rc);
}
