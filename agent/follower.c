#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "branchtip.h"
#include "followstate.h"
#include "intake.h"
#include "log.h"
#include "pause.h"
#include "record.h"
#include "rnd.h"
#include "str.h"
#include "tick.h"
#include "weekhours.h"

#include "daemon.h"
#include "follower.h"

/* libuv's clock stands still while the machine sleeps: look at ours. */
#define LOOK_EVERY 20000
#define BACKOFF_FIRST 60000
#define BACKOFF_MAX 3600000
#define REBOOT_AGAIN 3600000

struct follower {
	struct daemon *d;
	const char *mode;	/* "off", "pull", "switch", "boot" */
	int64_t interval, share;	/* ms */
	bool has_window, has_reboot;
	bool closed;		/* the window, when we looked last */
	struct weekhours window, reboot;
	struct branchtip *branch;
	struct followstate fs;
	uv_timer_t timer;
	int64_t due;		/* monotonic, the next look */
	int64_t reboot_due;	/* monotonic, not before */
	int64_t polled;		/* wall clock, the last answer; 0: none */
	unsigned failures;	/* looks in a row */
	char *fail, *fail_text;	/* of the last look; NULL: it was fine */
	int64_t failed_at;
	char tip[REPO_REV];	/* "" not known */
	char op_id[ULID_LEN + 1];	/* our newest operation; "" none */
};

int64_t
follower_share(const char *host, int64_t max)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */

	for (; *host != '\0'; host++)
		hash = (hash ^ (unsigned char)*host) *
		    UINT64_C(0x100000001b3);
	return (max > 0 ? (int64_t)((hash >> 11) % (uint64_t)max) : 0);
}

int64_t
follower_backoff(int64_t interval, unsigned failures, uint32_t r)
{
	int64_t first = interval < BACKOFF_FIRST ? interval : BACKOFF_FIRST;
	int64_t max = interval > BACKOFF_MAX ? interval : BACKOFF_MAX;

	return (rnd_backoff(first, max, failures, r));
}

static bool
off(const struct follower *f)
{

	return (str_eq(f->mode, "off"));
}

static bool
switches(const struct follower *f)
{

	return (!off(f) && !str_eq(f->mode, "pull"));
}

static bool
paused(const struct follower *f, struct pause *p)
{

	return (pause_load(f->d->conf->state_dir, tick_wall(), p));
}

/* Does something run, whose end wakes us? */
static bool
busy(const struct follower *f)
{
	struct jobs_info info;

	return (f->d->ending || daemon_job(f->d, &info) != NULL ||
	    !beat_cloned(f->d->beat));
}

static void	on_timer(uv_timer_t *);

static void
arm(struct follower *f)
{
	int64_t wait = f->due - tick_mono();
	struct pause p;

	if (off(f) || branchtip_asking(f->branch))
		return;
	if (paused(f, &p)) {
		pause_free(&p);
		wait = LOOK_EVERY;
	} else if (wait <= 0)
		wait = busy(f) ? LOOK_EVERY : 0;
	else if (wait > LOOK_EVERY)
		wait = LOOK_EVERY;
	(void)uv_timer_start(&f->timer, on_timer, (uint64_t)wait, 0);
}

static void
save(struct follower *f)
{
	struct err e = { 0 };

	if (followstate_save(f->d->conf->state_dir, &f->fs, &e) == -1)
		log_error("cannot save what was followed", "error", e.text);
}

/* What heartbeats say may be other now. */
static void
tell(struct follower *f)
{
	json_t *all = follower_status(f), *news = json_object(), *v;
	const char *key;

	/* Times of looks are no news. */
	json_object_foreach(all, key, v)
		if (!json_is_null(v) && !str_eq(key, "last_poll") &&
		    !str_eq(key, "next_poll"))
			(void)json_object_set(news, key, v);
	beat_follow(f->d->beat, off(f) &&
	    json_object_get(news, "paused") == NULL ? NULL : news);
	json_decref(news);
	json_decref(all);
}

/* ---- what to do ---- */

/* Ask for an operation in the ordinary way. */
static int
take(struct follower *f, const char *op, json_t *args)
{
	struct intake in = { .op = op, .args = args, .by = "follow",
	    .origin = "follow" };
	struct err e = { 0 };
	enum reject why;
	int rc = intake_take(f->d, &in, f->op_id, &why, &e);

	if (rc == -1)
		log_error("cannot follow the branch", "op", op, "error",
		    e.text);
	json_decref(args);
	return (rc);
}

/* Does the machine have to be restarted, and is it the hour? */
static void
maybe_reboot(struct follower *f)
{
	int64_t then = tick_wall() - f->share;
	struct deploy_conf dc;
	struct deploy_facts facts;

	if (!f->has_reboot || !switches(f) || tick_mono() < f->reboot_due ||
	    weekhours_next(&f->reboot, then) != then)
		return;
	agentconf_deploy(f->d->conf, &dc);
	deploy_facts_get(&dc, &facts);
	/* Once for each closure: it may not help. */
	if (facts.reboot_needed && !str_eq(facts.profile, f->fs.rebooted)) {
		log_info("the machine is to restart", "reason",
		    facts.reboot_reason);
		free(f->fs.rebooted);
		f->fs.rebooted = str_dup(facts.profile);
		f->reboot_due = tick_mono() + REBOOT_AGAIN;
		save(f);
		(void)take(f, "reboot", NULL);
	}
	deploy_facts_free(&facts);
}

/* Why the tip is not to be tried now; NULL: it may be. */
static const struct followstate_held *
held(const struct follower *f)
{
	const struct followstate_held *h = followstate_find(&f->fs, f->tip,
	    tick_wall());

	/* A bad revision may still be had in the clone. */
	if (h != NULL && !switches(f) && !str_eq(h->kind, "refused") &&
	    !str_eq(h->kind, "temporary"))
		return (NULL);
	return (h);
}

/* The tip is known and nothing runs: bring the host there if need be. */
static void
act(struct follower *f)
{
	const struct followstate_held *h;
	char head[REPO_REV];
	int64_t wait;

	beat_head(f->d->beat, head);
	if (str_eq(head, f->tip) && (!switches(f) ||
	    followstate_done(&f->fs, f->tip, f->mode))) {
		maybe_reboot(f);
		return;
	}
	if ((h = held(f)) != NULL) {
		wait = h->retry_at - tick_wall();
		if (h->retry_at != 0 && tick_mono() + wait < f->due)
			f->due = tick_mono() + wait;
		maybe_reboot(f);
		return;
	}
	if (switches(f))
		(void)take(f, "pull-switch", str_eq(f->mode, "boot") ?
		    json_pack("{s:s}", "mode", "boot") : NULL);
	else
		(void)take(f, "pull", NULL);
}

/* May anything be started now?  Sets when to look again if not. */
static bool
may_act(struct follower *f)
{
	int64_t now = tick_wall(), opens;
	char text[TICK_TEXT];
	struct pause p;

	if (busy(f))
		return (false);
	if (paused(f, &p)) {
		pause_free(&p);
		return (false);
	}
	if (f->has_window &&
	    (opens = weekhours_next(&f->window, now)) != now) {
		if (!f->closed)
			log_debug("outside of the hours: waiting", "until",
			    tick_text_s(opens, text));
		f->closed = true;
		f->due = tick_mono() + opens - now + f->share;
		return (false);
	}
	/* It may be open earlier than it looked: a clock can be set. */
	if (f->closed && f->due > tick_mono() + f->share)
		f->due = tick_mono() + f->share;
	f->closed = false;
	return (true);
}

static void
look_failed(struct follower *f, const struct branchtip_answer *a)
{
	char n[16], ms[24];
	int64_t wait;

	if (!str_eq(f->fail, a->fail))
		log_warn("cannot look at the branch", "reason", a->text);
	f->failures++;
	f->failed_at = tick_wall();
	free(f->fail);
	free(f->fail_text);
	f->fail = str_dup(a->fail);
	f->fail_text = str_dup(a->text);
	wait = follower_backoff(f->interval, f->failures,
	    rnd_below(UINT32_MAX));
	f->due = tick_mono() + wait;
	snprintf(n, sizeof(n), "%u", f->failures);
	snprintf(ms, sizeof(ms), "%lld", (long long)wait);
	log_debug("the branch cannot be seen: waiting", "failures", n, "ms",
	    ms);
}

static void
looked(struct follower *f, const struct branchtip_answer *a)
{

	if (f->fail != NULL)
		log_info("the branch can be seen again");
	free(f->fail);
	free(f->fail_text);
	f->fail = f->fail_text = NULL;
	f->failures = 0;
	f->due = tick_mono() + f->interval;
	if (str_eq(f->tip, a->rev))
		return;
	snprintf(f->tip, sizeof(f->tip), "%s", a->rev);
	/* What the host is to come to, for whoever asks how it stands. */
	if (f->d->state.repo != NULL)
		(void)json_object_set_new(f->d->state.repo, "tip",
		    json_string(f->tip));
	beat_touch(f->d->beat);
}

static void
on_answer(void *cookie, const struct branchtip_answer *a)
{
	struct follower *f = cookie;

	f->polled = tick_wall();
	if (a->rev == NULL) {
		look_failed(f, a);
	} else {
		looked(f, a);
		/* What runs meanwhile may move the clone: look again. */
		if (busy(f))
			f->due = tick_mono();
		else if (may_act(f))
			act(f);
	}
	tell(f);
	arm(f);
}

static void
on_timer(uv_timer_t *t)
{
	struct follower *f = t->data;

	tell(f);
	if (may_act(f)) {
		if (tick_mono() >= f->due)
			branchtip_ask(f->branch);
		else
			maybe_reboot(f);
	}
	arm(f);
}

void
follower_ended(struct follower *f, const char *op_id)
{
	struct journal_request req = { 0 };
	struct journal_result res;
	char head[REPO_REV];
	struct followstate_at at = { .now = tick_wall(), .head = head,
	    .random = rnd_below(UINT32_MAX) };
	bool ours = str_eq(op_id, f->op_id), changed, ok;

	if (journal_result(f->d->journal, op_id, &res, NULL) == -1)
		return;
	beat_head(f->d->beat, head);
	if (ours && f->tip[0] != '\0')
		at.tip = f->tip;
	changed = followstate_note(&f->fs, &res, &at);
	ok = str_eq(res.outcome, names_outcome(OUTCOME_OK));
	if (ok && str_eq(res.op, "repo-accept") &&
	    journal_request(f->d->journal, op_id, &req, NULL) == 0) {
		changed |= followstate_release(&f->fs, json_string_value(
		    json_object_get(req.args, "revision")));
		journal_request_free(&req);
		f->due = tick_mono();
	}
	if (ours && !ok && str_eq(res.op, "reboot")) {
		free(f->fs.rebooted);
		f->fs.rebooted = NULL;
		changed = true;
	}
	journal_result_free(&res);
	if (changed)
		save(f);
	tell(f);
	arm(f);
}

/* ---- pause ---- */

int
follower_pause(struct follower *f, int64_t seconds, const char *reason,
    const char *by, struct err *e)
{
	struct pause p = { .since = tick_wall() };
	int rc;

	if (seconds > 0)
		p.until = p.since + seconds * 1000;
	p.reason = str_dup(reason != NULL ? reason : "");
	p.by = str_dup(by);
	rc = pause_save(f->d->conf->state_dir, &p, e);
	if (rc == 0)
		log_info("following is paused", "by", by, "reason", p.reason);
	pause_free(&p);
	tell(f);
	return (rc);
}

int
follower_resume(struct follower *f, struct err *e)
{

	if (pause_remove(f->d->conf->state_dir, e) == -1)
		return (-1);
	log_info("following goes on");
	f->due = tick_mono();
	tell(f);
	arm(f);
	return (0);
}

/* ---- what is known ---- */

/* Wall clock; 0 if it cannot be said. */
static int64_t
next_poll(const struct follower *f, const struct pause *p)
{
	int64_t now = tick_wall(), at = now + f->due - tick_mono();

	if (off(f) || (p != NULL && p->until == 0))
		return (0);
	if (at < now)
		at = now;
	if (p != NULL && at < p->until)
		at = p->until;
	if (f->has_window && weekhours_next(&f->window, at) != at)
		at = weekhours_next(&f->window, at) + f->share;
	return (at);
}

json_t *
follower_status(const struct follower *f)
{
	const struct settings *s = f->d->conf->set;
	struct pause p;
	bool pausing = paused(f, &p);
	json_t *obj = json_pack("{s:s, s:s?, s:s?}", "mode", f->mode,
	    "window", off(f) ? NULL : settings_str(s, SET_FOLLOW_WINDOW),
	    "reboot_window", switches(f) ?
	    settings_str(s, SET_REBOOT_WINDOW) : NULL);

	(void)json_object_set_new(obj, "paused", pausing ? pause_json(&p) :
	    json_null());
	(void)json_object_set_new(obj, "last_poll", record_time_s(f->polled));
	(void)json_object_set_new(obj, "next_poll", record_time_s(next_poll(f,
	    pausing ? &p : NULL)));
	(void)json_object_set_new(obj, "failure", f->fail != NULL ?
	    json_string(f->fail) : json_null());
	(void)json_object_set_new(obj, "failure_text", f->fail != NULL ?
	    json_string(f->fail_text) : json_null());
	(void)json_object_set_new(obj, "failed_at", f->fail != NULL ?
	    record_time_s(f->failed_at) : json_null());
	(void)json_object_set_new(obj, "held_back", followstate_json(&f->fs));
	if (pausing)
		pause_free(&p);
	return (obj);
}

/* ---- start and end ---- */

/* Hours were checked when the settings were read. */
static bool
hours(const struct settings *s, enum setting which, struct weekhours *w)
{
	const char *text = settings_str(s, which);

	return (text != NULL && weekhours_parse(text, w, NULL) == 0);
}

int
follower_new(struct daemon *d, const char *const *env, struct follower **out,
    struct err *e)
{
	const struct settings *s = d->conf->set;
	struct follower *f = str_alloc(sizeof(*f));
	struct branchtip_conf bc = { .loop = &d->loop, .env = env,
	    .on_answer = on_answer, .cookie = f };
	struct err damaged = { 0 };

	f->d = d;
	f->mode = settings_str(s, SET_FOLLOW);
	f->interval = settings_int(s, SET_FOLLOW_INTERVAL) * 1000;
	f->share = follower_share(d->conf->hostname,
	    settings_int(s, SET_FOLLOW_JITTER) * 1000);
	f->has_window = hours(s, SET_FOLLOW_WINDOW, &f->window);
	f->has_reboot = hours(s, SET_REBOOT_WINDOW, &f->reboot);
	if (followstate_load(d->conf->state_dir, &f->fs, &damaged, e) == -1 ||
	    branchtip_new(&bc, &f->branch, e) == -1) {
		followstate_free(&f->fs);
		free(f);
		return (-1);
	}
	if (damaged.code != ERR_NONE)
		log_error("what was followed is not known", "error",
		    damaged.text);
	(void)uv_timer_init(&d->loop, &f->timer);
	f->timer.data = f;
	*out = f;
	return (0);
}

void
follower_start(struct follower *f)
{

	f->due = tick_mono() + f->share;
	tell(f);
	arm(f);
}

static void
on_closed(uv_handle_t *h)
{

	struct follower *f = h->data;

	followstate_free(&f->fs);
	free(f->fail);
	free(f->fail_text);
	free(f);
}

void
follower_free(struct follower **fp)
{
	struct follower *f = *fp;

	if (f == NULL)
		return;
	*fp = NULL;
	branchtip_free(&f->branch);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}
