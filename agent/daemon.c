#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agenthost.h"
#include "dispatch.h"
#include "file.h"
#include "flock.h"
#include "installed.h"
#include "intake.h"
#include "log.h"
#include "settle.h"
#include "str.h"
#include "upkeep.h"
#include "wire_op.h"

#include "daemon.h"
#include "loop.h"

#define END_PATIENCE 10000

static void
trim_memory(void)
{

#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

const struct jobs_info *
daemon_job(const struct daemon *d, struct jobs_info *info)
{

	return (jobs_main(d->jobs, info) ? info : NULL);
}

void
daemon_heartbeat(struct daemon *d, bool whole)
{
	struct jobs_info info;

	if (d->dialect == 0)
		return;
	hublink_send(d->link, beat_heartbeat(d->beat, d->dialect,
	    daemon_job(d, &info), whole));
	(void)uv_timer_again(&d->heartbeat);
}

static void
maybe_end(struct daemon *d)
{

	if (!d->ending)
		return;
	if (d->link == NULL) {
		uv_stop(&d->loop);
		return;
	}
	if (d->end_op[0] == '\0' || d->dialect == 0 ||
	    reporter_sent(d->reporter, d->end_op))
		hublink_close(d->link);
}

static void
on_end_timer(uv_timer_t *t)
{
	struct daemon *d = t->data;

	d->end_op[0] = '\0';
	maybe_end(d);
}

void
daemon_end(struct daemon *d, const char *op_id, int code)
{

	if (d->ending)
		return;
	d->ending = true;
	d->exit_code = code;
	d->end_op[0] = '\0';
	if (op_id != NULL)
		memcpy(d->end_op, op_id, sizeof(d->end_op));
	(void)uv_timer_start(&d->end, on_end_timer, END_PATIENCE, 0);
	maybe_end(d);
}

static void
on_heartbeat(uv_timer_t *t)
{
	struct daemon *d = t->data;

	uv_timer_set_repeat(t, (uint64_t)d->interval * 1000);
	daemon_heartbeat(d, false);
	if (d->reporter != NULL)
		reporter_pump(d->reporter);
	if (d->control != NULL && control_followed(d->control))
		control_pump(d->control);
	maybe_end(d);
}

static void
on_signal(uv_signal_t *s, int sig)
{
	struct daemon *d = s->data;

	log_info(sig == SIGTERM ? "asked to end (SIGTERM)" :
	    "asked to end (SIGINT)");
	daemon_end(d, NULL, 0);
}

/* ---- link ---- */

static const char *
on_token(void *cookie)
{
	struct daemon *d = cookie;
	struct err e = { 0 };

	if (hosttoken_load(d->conf, &d->token, &e) == -1)
		log_error("no token for the hub", "error", e.text);
	return (hosttoken_current(&d->token));
}

static bool
on_refused(void *cookie)
{
	struct daemon *d = cookie;
	bool other = hosttoken_refused(&d->token);

	if (other)
		log_warn("the hub refuses this host's own token; trying the "
		    "shared one", "file", d->conf->token_cache);
	return (other);
}

static void
on_open(void *cookie)
{
	struct daemon *d = cookie;
	json_t *resume = reporter_resume(d->reporter);

	hublink_send(d->link, beat_register(d->beat, resume));
	json_decref(resume);
}

static void
on_message(void *cookie, const char *text, size_t len)
{
	struct daemon *d = cookie;

	dispatch_message(d, text, len);
	maybe_end(d);
}

static void
on_arrived(void *cookie, uint64_t n)
{
	struct daemon *d = cookie;

	reporter_arrived(d->reporter, n);
	maybe_end(d);
}

static void
on_room(void *cookie)
{
	struct daemon *d = cookie;

	reporter_pump(d->reporter);
}

static void
on_state(void *cookie)
{
	struct daemon *d = cookie;
	enum hublink_state state = hublink_state(d->link);

	if (state == HUBLINK_OPEN)
		return;
	/* on_token() has said what is wrong with the token. */
	if (state == HUBLINK_WAITING &&
	    hosttoken_current(&d->token) != NULL)
		log_warn("no link to the hub", "hub", d->conf->url_text,
		    "reason", hublink_reason(d->link));
	d->dialect = 0;
	reporter_lost(d->reporter);
	trim_memory();
	if (state == HUBLINK_CLOSED)
		uv_stop(&d->loop);
}

static bool
runs(void *cookie, const char *op_id)
{
	const struct daemon *d = cookie;

	return (d->jobs != NULL && jobs_running(d->jobs, op_id));
}

static void
on_status_sent(void *cookie)
{
	struct daemon *d = cookie;

	beat_touch(d->beat);
	daemon_heartbeat(d, false);
}

static int
start_link(struct daemon *d, struct err *e)
{
	struct hublink_conf hc = { .loop = &d->loop, .url = &d->conf->url,
	    .token = on_token, .on_refused = on_refused, .on_open = on_open,
	    .on_message = on_message, .on_arrived = on_arrived,
	    .on_room = on_room, .on_state = on_state, .cookie = d };
	struct reporter_conf rc = { .journal = d->journal, .running = runs,
	    .on_status = on_status_sent, .cookie = d };

	if (d->conf->url.tls && tls_trust_load(
	    settings_str(d->conf->set, SET_CA_FILE),
	    settings_str(d->conf->set, SET_PINNED_PUBKEY), &d->trust,
	    e) == -1)
		return (-1);
	hc.trust = d->trust;
	if (hublink_new(&hc, &d->link, e) == -1)
		return (-1);
	rc.link = d->link;
	d->reporter = reporter_new(&rc);
	return (reporter_recover(d->reporter, e));
}

/* ---- operations ---- */

/* Has the switch brought another agent than this one? */
static bool
updated(const char *op)
{
	const struct wire_op *row = wire_op_find(op);
	char exe[4096], *candidate;
	size_t n = sizeof(exe);
	bool changed;

	if (row == NULL || (row->flags & WIRE_OP_SYSTEM) == 0 ||
	    uv_exepath(exe, &n) != 0)
		return (false);
	candidate = installed_agent();
	changed = installed_changed(exe, candidate);
	free(candidate);
	return (changed);
}

static void
on_job_end(void *cookie, const char *op_id)
{
	struct daemon *d = cookie;
	struct journal_request req;
	struct err e = { 0 };

	settle_result(d, op_id);
	beat_touch(d->beat);
	if (d->reporter != NULL)
		reporter_pump(d->reporter);
	daemon_heartbeat(d, false);
	if (d->control != NULL)
		control_pump(d->control);
	if (journal_prune(d->journal, (size_t)settings_int(d->conf->set,
	    SET_JOURNAL_KEEP), &e) == -1)
		log_warn("cannot tidy the journal", "error", e.text);
	if (journal_request(d->journal, op_id, &req, NULL) == 0) {
		if (updated(req.op)) {
			log_info("a new agent is installed: making room");
			daemon_end(d, op_id, agenthost_exit_updated);
		}
		journal_request_free(&req);
	}
	upkeep_clone(d);
	trim_memory();
}

static void
on_job_tick(void *cookie)
{
	struct daemon *d = cookie;

	if (d->reporter != NULL)
		reporter_pump(d->reporter);
	if (d->control != NULL)
		control_pump(d->control);
}

/* ---- control socket ---- */

static json_t *
control_status(void *cookie)
{

	return (settle_status(cookie));
}

static json_t *
control_generations(void *cookie)
{
	const struct daemon *d = cookie;
	struct deploy_conf dc;

	agentconf_deploy(d->conf, &dc);
	return (deploy_generations(&dc));
}

static const char *
control_running(void *cookie)
{
	struct daemon *d = cookie;
	struct jobs_info info;

	return (daemon_job(d, &info) != NULL ? info.op_id : NULL);
}

static int
control_run(void *cookie, const char *op, json_t *args, const char *by,
    char op_id[ULID_LEN + 1], struct err *e)
{
	struct intake in = { .op = op, .args = args, .by = by,
	    .origin = "local" };
	enum reject why;

	return (intake_take(cookie, &in, op_id, &why, e));
}

static int
control_stop(void *cookie, char op_id[ULID_LEN + 1], struct err *e)
{
	struct daemon *d = cookie;
	struct jobs_info info;

	if (daemon_job(d, &info) != NULL)
		memcpy(op_id, info.op_id, ULID_LEN + 1);
	return (jobs_stop(d->jobs, NULL, false, e));
}

static json_t *
control_pause(void *cookie, int64_t seconds, const char *reason,
    const char *by, struct err *e)
{
	struct daemon *d = cookie;

	return (follower_pause(d->follower, seconds, reason, by, e) == 0 ?
	    follower_status(d->follower) : NULL);
}

static json_t *
control_resume(void *cookie, struct err *e)
{
	struct daemon *d = cookie;

	return (follower_resume(d->follower, e) == 0 ?
	    follower_status(d->follower) : NULL);
}

static void
start_control(struct daemon *d)
{
	struct control_conf cc = { .loop = &d->loop,
	    .path = d->conf->control_socket, .journal = d->journal,
	    .status = control_status, .generations = control_generations,
	    .running = control_running, .run = control_run,
	    .stop = control_stop, .pause = control_pause,
	    .resume = control_resume, .cookie = d };
	struct err e = { 0 };

	/* The hub still reaches us without it. */
	if (control_new(&cc, &d->control, &e) == -1)
		log_error("no control socket", "error", e.text);
}

/* ---- start and end ---- */

static int
open_state(struct daemon *d, struct err *e)
{
	struct err damaged = { 0 };
	char *lock;

	if (file_mkdirs(d->conf->state_dir, 0700, e) == -1)
		return (err_wrap(e, "NIXFLEET_STATE_DIR"));
	lock = file_join(d->conf->state_dir, "lock");
	d->lock_fd = flock_take(lock, 0, e);
	free(lock);
	if (d->lock_fd == -1)
		return (err_wrap(e, "another agent uses the state directory "
		    "%s", d->conf->state_dir));
	if (agentstate_load(d->conf->state_dir, &d->state, &damaged, e) == -1)
		return (-1);
	if (damaged.code != ERR_NONE)
		log_error("the state was damaged", "error", damaged.text);
	return (journal_open(d->conf->state_dir, &d->journal, e));
}

/* What a switch will be refused with. */
static void
warn_system(const struct daemon *d)
{
	struct deploy_conf dc;
	struct err e = { 0 };

	agentconf_deploy(d->conf, &dc);
	if (deploy_check(&dc, &e) == -1)
		log_warn("this host cannot be switched", "reason", e.text);
}

static int
start(struct daemon *d, const char *const *env, struct err *e)
{
	struct jobs_conf jc = { .loop = &d->loop, .conf = d->conf,
	    .env = env, .on_tick = on_job_tick, .on_end = on_job_end,
	    .cookie = d };

	if (open_state(d, e) == -1)
		return (-1);
	jc.journal = d->journal;
	if (beat_new(d->conf, &d->state, &d->beat, e) == -1 ||
	    follower_new(d, env, &d->follower, e) == -1 ||
	    jobs_new(&jc, &d->jobs, e) == -1 ||
	    jobs_recover(d->jobs, e) == -1)
		return (-1);
	settle_recover(d);
	if (d->conf->url_text == NULL)
		log_info("working without a hub: NIXFLEET_URL is not set");
	else if (start_link(d, e) == -1)
		return (-1);
	warn_system(d);
	start_control(d);
	if (d->link != NULL)
		hublink_start(d->link);
	(void)uv_timer_start(&d->heartbeat, on_heartbeat,
	    (uint64_t)d->interval * 1000, (uint64_t)d->interval * 1000);
	(void)uv_signal_start(&d->term, on_signal, SIGTERM);
	(void)uv_signal_start(&d->intr, on_signal, SIGINT);
	upkeep_start(d);
	follower_start(d->follower);
	return (0);
}

static void
init_handles(struct daemon *d)
{

	loop_init(&d->loop);
	(void)uv_timer_init(&d->loop, &d->heartbeat);
	(void)uv_timer_init(&d->loop, &d->clone);
	(void)uv_timer_init(&d->loop, &d->tidy);
	(void)uv_timer_init(&d->loop, &d->end);
	(void)uv_signal_init(&d->loop, &d->term);
	(void)uv_signal_init(&d->loop, &d->intr);
	d->heartbeat.data = d->clone.data = d->end.data = d;
	d->tidy.data = d;
	d->term.data = d->intr.data = d;
}

static void
stop(struct daemon *d)
{

	control_free(&d->control);
	hublink_free(&d->link);
	reporter_free(&d->reporter);
	tls_trust_free(&d->trust);
	follower_free(&d->follower);
	jobs_free(&d->jobs);
	beat_free(&d->beat);
	uv_close((uv_handle_t *)&d->heartbeat, NULL);
	uv_close((uv_handle_t *)&d->clone, NULL);
	uv_close((uv_handle_t *)&d->tidy, NULL);
	uv_close((uv_handle_t *)&d->end, NULL);
	uv_close((uv_handle_t *)&d->term, NULL);
	uv_close((uv_handle_t *)&d->intr, NULL);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d->loop);
	journal_free(&d->journal);
	agentstate_free(&d->state);
	hosttoken_free(&d->token);
	json_decref(d->last);
	if (d->lock_fd != -1)
		close(d->lock_fd);
	agentconf_free(&d->conf);
}

int
daemon_run(struct agentconf *conf, const char *const *env)
{
	struct daemon *d = str_alloc(sizeof(*d));
	struct err e = { 0 };
	int code;

#ifdef __GLIBC__
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, 64 * 1024);
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
#endif
	(void)signal(SIGPIPE, SIG_IGN);
	d->conf = conf;
	d->lock_fd = -1;
	d->interval = conf->interval;
	init_handles(d);
	if (start(d, env, &e) == -1) {
		log_error("cannot start", "error", e.text);
		d->exit_code = 1;
	} else {
		log_info("agent started", "host", conf->hostname, "version",
		    NIXFLEET_VERSION, "state", conf->state_dir);
		trim_memory();
		(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	}
	code = d->exit_code;
	stop(d);
	free(d);
	return (code);
}
