#include <sys/types.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "flock.h"
#include "log.h"
#include "names.h"
#include "joblog.h"
#include "proc.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"
#include "wire_op.h"

#include "jobs.h"

#define TICK_EVERY 100
/* The worker gives its children PROC_GRACE before it kills them. */
#define STOP_GRACE (PROC_GRACE + 7000)
#define STOP_GRACE_HARD 2000
#define RESUMES_MAX 2

enum stop_reason { STOP_NONE, STOP_ASKED, STOP_DEADLINE };

/* A process of ours; outlives its job until libuv has closed it. */
struct child {
	uv_process_t proc;
	struct job *job;	/* NULL: nobody waits for it */
};

struct job {
	struct job *next;
	struct jobs *jobs;
	struct child *child;	/* NULL: not ours, watched by its lock */
	char op_id[ULID_LEN + 1];
	const struct wire_op *op;
	pid_t pid;		/* also its session; 0: not known */
	int64_t started;	/* wall clock */
	int64_t deadline;	/* monotonic */
	int64_t kill_at;	/* monotonic, 0: not yet */
	enum stop_reason stop;
	int resumes;
};

struct jobs {
	struct jobs_conf conf;
	uv_timer_t tick;
	struct job *head;
	struct proc_env built;	/* environment of the workers */
	char exe[4096];
};

static bool
is_side(const struct wire_op *op)
{

	return ((op->flags & WIRE_OP_IMMEDIATE) != 0);
}

static char *
lock_path(const struct jobs *jobs, const char *op_id)
{
	char *dir = journal_dir(jobs->conf.journal, op_id);
	char *path = file_join(dir, "lock");

	free(dir);
	return (path);
}

static bool
lives(const struct job *job)
{
	char *path = lock_path(job->jobs, job->op_id);
	bool held = flock_held(path) == 1;

	free(path);
	return (held);
}

/* The worker's pid as its lock file says it. */
static pid_t
lock_pid(const struct job *job)
{
	char *path = lock_path(job->jobs, job->op_id);
	struct buf text = { 0 };
	int64_t pid = 0;

	if (file_read(path, 64, &text, NULL) == 0 && text.len > 0)
		(void)str_int(str_trim(text.data), 1, INT32_MAX, &pid);
	buf_free(&text);
	free(path);
	return ((pid_t)pid);
}

static struct job *
find(const struct jobs *jobs, const char *op_id)
{
	struct job *job;

	for (job = jobs->head; job != NULL; job = job->next)
		if (op_id == NULL ? !is_side(job->op) :
		    str_eq(job->op_id, op_id))
			return (job);
	return (NULL);
}

static bool
has_file(const struct jobs *jobs, const char *op_id, const char *name)
{
	char *dir = journal_dir(jobs->conf.journal, op_id);
	char *path = file_join(dir, name);
	bool there = file_exists(path);

	free(path);
	free(dir);
	return (there);
}

static bool
has_result(const struct jobs *jobs, const char *op_id)
{
	struct journal_result res;

	if (journal_result(jobs->conf.journal, op_id, &res, NULL) == -1)
		return (false);
	journal_result_free(&res);
	return (true);
}

static void	worker_gone(struct job *);

static void
on_child_closed(uv_handle_t *h)
{

	free(h->data);
}

static void
on_child_exit(uv_process_t *proc, int64_t status, int sig)
{
	struct child *child = proc->data;
	struct job *job = child->job;

	(void)status;
	(void)sig;
	uv_close((uv_handle_t *)proc, on_child_closed);
	if (job == NULL)
		return;
	job->child = NULL;
	worker_gone(job);
}

static int
spawn(struct job *job, struct err *e)
{
	char worker[] = "worker";
	char *args[] = { job->jobs->exe, worker, job->op_id, NULL };
	uv_stdio_container_t io[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	uv_process_options_t opt = { 0 };
	struct child *child = str_alloc(sizeof(*child));
	int rc;

	opt.file = job->jobs->exe;
	opt.args = args;
	opt.env = job->jobs->built.vars;
	opt.exit_cb = on_child_exit;
	opt.flags = UV_PROCESS_DETACHED;
	opt.stdio = io;
	opt.stdio_count = 3;
	child->proc.data = child;
	rc = uv_spawn(job->jobs->conf.loop, &child->proc, &opt);
	if (rc != 0) {
		uv_close((uv_handle_t *)&child->proc, on_child_closed);
		return (err_set(e, ERR_SYS, "start %s worker: %s",
		    job->jobs->exe, uv_strerror(rc)));
	}
	child->job = job;
	job->child = child;
	job->pid = child->proc.pid;
	return (0);
}

/* Take the job off the list and release it. */
static void
discard(struct job *job)
{
	struct jobs *jobs = job->jobs;
	struct job **p;

	for (p = &jobs->head; *p != job; p = &(*p)->next)
		;
	*p = job->next;
	if (job->child != NULL)
		job->child->job = NULL;
	free(job);
	if (jobs->head == NULL)
		(void)uv_timer_stop(&jobs->tick);
}

static void
write_result(struct jobs *jobs, const char *op_id, enum outcome outcome,
    const char *message)
{
	struct journal_result res;
	struct joblog *log = NULL;
	char at[TICK_TEXT], *dir;
	struct err e = { 0 };

	if (journal_summary(jobs->conf.journal, op_id, &res, &e) == -1) {
		log_error("operation without a readable request", "op_id",
		    op_id, "error", e.text);
		return;
	}
	dir = journal_dir(jobs->conf.journal, op_id);
	if (joblog_open(dir, &log, &e) == 0) {
		joblog_note(log, "%s", message);
		if (joblog_close(&log, &res.last_seq, &e) == -1)
			log_warn("cannot complete the log", "op_id", op_id,
			    "error", e.text);
	}
	free(dir);
	res.outcome = str_dup(names_outcome(outcome));
	res.exit_code = outcome == OUTCOME_STOPPED ? 130 : -1;
	res.message = str_dup(message);
	res.finished_at = str_dup(tick_text(tick_wall(), at));
	if (journal_finish(jobs->conf.journal, &res, &e) == -1)
		log_error("cannot write a result", "op_id", op_id, "error",
		    e.text);
	journal_result_free(&res);
}

static void
give_result(struct jobs *jobs, const char *op_id, enum stop_reason stop)
{

	switch (stop) {
	case STOP_ASKED:
		write_result(jobs, op_id, OUTCOME_STOPPED,
		    "stopped: the worker was killed");
		break;
	case STOP_DEADLINE:
		write_result(jobs, op_id, OUTCOME_TIMED_OUT,
		    "the deadline passed and the worker was killed");
		break;
	case STOP_NONE:
		write_result(jobs, op_id, OUTCOME_INTERRUPTED,
		    "interrupted: the worker ended without a result");
		break;
	}
}

/* The result is on disk; a worker that still exits is left to it. */
static void
end_job(struct job *job)
{
	struct jobs *jobs = job->jobs;
	char op_id[ULID_LEN + 1];

	memcpy(op_id, job->op_id, sizeof(op_id));
	discard(job);
	jobs->conf.on_end(jobs->conf.cookie, op_id);
}

/* The worker is gone: with a result, or it gets one, or another worker. */
static void
worker_gone(struct job *job)
{
	struct jobs *jobs = job->jobs;
	struct err e = { 0 };

	if (lives(job))		/* another one was first */
		return;
	if (!has_result(jobs, job->op_id)) {
		if (job->pid > 0)
			(void)proc_kill_session(job->pid, SIGKILL);
		if (has_file(jobs, job->op_id, "activation") &&
		    job->resumes++ < RESUMES_MAX) {
			if (spawn(job, &e) == 0)
				return;
			log_error("cannot go on with an operation", "op_id",
			    job->op_id, "error", e.text);
		}
		give_result(jobs, job->op_id, job->stop);
	}
	end_job(job);
}

/* Is the activation at work, which must not be torn in half? */
static bool
activating(const struct job *job)
{
	struct journal_progress p;
	bool yes;

	if (!journal_progress(job->jobs->conf.journal, job->op_id, &p))
		return (false);
	yes = str_eq(p.phase, "activate");
	journal_progress_free(&p);
	return (yes);
}

static void
ask_to_stop(struct job *job, enum stop_reason why, int64_t grace)
{
	int64_t at = tick_mono() + grace;

	if (job->stop == STOP_NONE)
		job->stop = why;
	if (job->kill_at == 0 || job->kill_at > at)
		job->kill_at = at;
	if (job->pid > 0)
		(void)kill(job->pid, why == STOP_DEADLINE ? SIGALRM : SIGTERM);
}

static void
watch(struct job *job, int64_t now)
{

	if (has_result(job->jobs, job->op_id)) {
		end_job(job);
		return;
	}
	if (job->child == NULL) {
		if (!lives(job)) {
			worker_gone(job);
			return;
		}
		if (job->pid == 0)
			job->pid = lock_pid(job);
	}
	/*
	 * The worker ends by its own deadline.  This is for one that hangs,
	 * and after a sleep of the machine, which its alarm does not count.
	 */
	if (job->stop == STOP_NONE && now > job->deadline + STOP_GRACE)
		ask_to_stop(job, STOP_DEADLINE, STOP_GRACE);
	if (job->kill_at != 0 && now > job->kill_at) {
		job->kill_at = now + STOP_GRACE;
		if (job->pid > 0 && !activating(job))
			(void)proc_kill_session(job->pid, SIGKILL);
	}
}

static void
on_tick(uv_timer_t *t)
{
	struct jobs *jobs = t->data;
	struct job *job, *next;
	int64_t now = tick_mono();

	for (job = jobs->head; job != NULL; job = next) {
		next = job->next;
		watch(job, now);
	}
	jobs->conf.on_tick(jobs->conf.cookie);
}

void
jobs_reap(struct jobs *jobs)
{
	struct job *job, *next;

	for (job = jobs->head; job != NULL; job = next) {
		next = job->next;
		if (has_result(jobs, job->op_id))
			end_job(job);
	}
}

static struct job *
job_new(struct jobs *jobs, const char *op_id, const struct wire_op *op,
    int64_t deadline_s)
{
	struct job *job = str_alloc(sizeof(*job));

	job->jobs = jobs;
	memcpy(job->op_id, op_id, sizeof(job->op_id));
	job->op = op;
	job->started = tick_wall();
	job->deadline = tick_mono() + deadline_s * 1000;
	job->next = jobs->head;
	jobs->head = job;
	(void)uv_timer_start(&jobs->tick, on_tick, TICK_EVERY, TICK_EVERY);
	return (job);
}

int
jobs_new(const struct jobs_conf *conf, struct jobs **out, struct err *e)
{
	struct jobs *jobs = str_alloc(sizeof(*jobs));
	size_t n = sizeof(jobs->exe);
	int rc;

	if ((rc = uv_exepath(jobs->exe, &n)) != 0) {
		free(jobs);
		return (err_set(e, ERR_SYS, "path of our own program: %s",
		    uv_strerror(rc)));
	}
	jobs->conf = *conf;
	agentconf_child_env(conf->env, &jobs->built);
	(void)proc_env_get(&jobs->built);
	(void)uv_timer_init(conf->loop, &jobs->tick);
	jobs->tick.data = jobs;
	*out = jobs;
	return (0);
}

int
jobs_start(struct jobs *jobs, const char *op_id, const char *name,
    int64_t deadline_s, struct err *e)
{
	const struct wire_op *op = wire_op_find(name);
	struct job *job;

	if (op == NULL)
		return (err_set(e, ERR_INPUT, "unknown operation %s", name));
	if (!is_side(op) && (job = find(jobs, NULL)) != NULL)
		return (err_set(e, ERR_BUSY, "%s is running", job->op->name));
	job = job_new(jobs, op_id, op, deadline_s);
	if (spawn(job, e) == -1) {
		discard(job);
		return (-1);
	}
	return (0);
}

/* What an earlier daemon left open. */
static void
recover_one(struct jobs *jobs, const struct journal_request *req)
{
	const struct wire_op *op = wire_op_find(req->op);
	int64_t age = tick_wall() - req->accepted_at;
	int64_t left = req->deadline_s * 1000 - age;
	struct err e = { 0 };
	struct job *job;
	bool begun;

	if (op == NULL || (op->flags & WIRE_OP_DISRUPTIVE)) {
		give_result(jobs, req->op_id, STOP_NONE);
		return;
	}
	if (left < 0 || left > req->deadline_s * 1000)
		left = 0;
	job = job_new(jobs, req->op_id, op, left / 1000);
	job->started = req->accepted_at;
	if (lives(job)) {
		job->pid = lock_pid(job);
		return;
	}
	begun = has_file(jobs, req->op_id, "started");
	if (has_file(jobs, req->op_id, "activation") || (!begun && left > 0)) {
		if (spawn(job, &e) == 0)
			return;
		log_error("cannot go on with an operation", "op_id",
		    req->op_id, "error", e.text);
	}
	discard(job);
	give_result(jobs, req->op_id, STOP_NONE);
}

int
jobs_recover(struct jobs *jobs, struct err *e)
{
	struct journal_request req;
	char **ids;
	size_t n, i;

	if (journal_list(jobs->conf.journal, &ids, &n, e) == -1)
		return (-1);
	for (i = 0; i < n; i++) {
		if (has_result(jobs, ids[i]) ||
		    journal_request(jobs->conf.journal, ids[i], &req,
		    NULL) == -1)
			continue;
		recover_one(jobs, &req);
		journal_request_free(&req);
	}
	journal_list_free(ids, n);
	return (0);
}

bool
jobs_main(const struct jobs *jobs, struct jobs_info *info)
{
	const struct job *job = find(jobs, NULL);

	if (job == NULL)
		return (false);
	info->op_id = job->op_id;
	info->op = job->op->name;
	info->pid = job->pid;
	info->started = job->started;
	return (true);
}

bool
jobs_running(const struct jobs *jobs, const char *op_id)
{

	return (find(jobs, op_id) != NULL);
}

int
jobs_stop(struct jobs *jobs, const char *op_id, bool hard, struct err *e)
{
	struct job *job = find(jobs, op_id);

	if (job == NULL)
		return (err_set(e, ERR_NOTFOUND, "nothing is running"));
	ask_to_stop(job, STOP_ASKED, hard ? STOP_GRACE_HARD : STOP_GRACE);
	return (0);
}

static void
on_jobs_closed(uv_handle_t *h)
{
	struct jobs *jobs = h->data;

	proc_env_free(&jobs->built);
	free(jobs);
}

void
jobs_free(struct jobs **jp)
{
	struct jobs *jobs = *jp;
	struct job *job;

	if (jobs == NULL)
		return;
	*jp = NULL;
	while ((job = jobs->head) != NULL) {
		if (job->child != NULL)
			uv_close((uv_handle_t *)&job->child->proc,
			    on_child_closed);
		discard(job);
	}
	uv_close((uv_handle_t *)&jobs->tick, on_jobs_closed);
}
