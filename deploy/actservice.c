#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "actclient.h"
#include "actservice.h"
#include "file.h"
#include "logtail.h"
#include "str.h"
#include "tick.h"

#define INTERVAL 100			/* ms between two looks */
#define CONFIRM_EVERY 1000
#define LAST_WORD 1000			/* before the deadline passes */
#define REASON_MAX 400
#define AGAIN 5000			/* for a service that died */
#define TURN_WAIT 60000			/* beyond a confirmation */
#define TURN_EVERY 500
#define CHUNK (1024 * 1024)		/* of log between two looks */
#define SLACK 120000			/* beyond every deadline */
#define STANDSTILL 60000		/* no look takes so long */

struct watch {
	const struct deploy_conf *conf;
	const char *op_id;
	char *dir;
	struct logtail log;
	int stop_fd;
	bool confirmed, reverting;	/* told; being told */
	int64_t confirm_at;		/* next attempt */
	char why[ERR_TEXT];		/* the last one failed */
};

static void
note(const struct deploy_conf *c, const char *text)
{
	if (c->on_line != NULL)
		c->on_line(c->cookie, DEPLOY_NOTE, text, strlen(text));
}

static void
pause_for(struct watch *w, int64_t ms)
{
	struct pollfd pfd = { .fd = w->stop_fd, .events = POLLIN };

	if (poll(&pfd, 1, (int)ms) <= 0)
		return;
	w->stop_fd = -1;
	note(w->conf, "a stop was asked for; the activation is not torn in "
	    "half, it goes on to its end or its deadline");
}

static int
tell(const struct watch *w, enum actverb v, const char *reason, struct err *e)
{
	struct actrequest req = { .reason = str_dup(reason) };
	int r;

	req.verb = str_dup(actrequest_verb_name(v));
	req.op = str_dup(w->op_id);
	r = actclient_ask(w->conf, &req, e);
	actrequest_free(&req);
	return (r);
}

/* The time is over: go back, and put on record why. */
static void
give_up(struct watch *w, const struct actrecord *rec)
{
	char *reason = str_printf("nobody could confirm within %lld s that "
	    "this host can still do its job: %.*s",
	    (long long)rec->confirm / 1000, REASON_MAX, w->why);
	struct err e;

	/* If it cannot be told, the deadline passes anyway. */
	w->confirmed = tell(w, ACTVERB_REVERT, reason, &e) == 0;
	free(reason);
}

/* Say that all is well, if it is. */
static void
confirm(struct watch *w, int64_t left)
{
	struct err e = { 0 };
	int r = 0;

	left -= LAST_WORD;
	if (w->conf->confirm != NULL)
		r = w->conf->confirm(w->conf->cookie, left > 0 ? left : 1, &e);
	if (r == 0)
		r = tell(w, ACTVERB_CONFIRM, NULL, &e);
	w->confirmed = r == 0;
	if (r == 0)
		note(w->conf, "confirmed: this host can still do its job");
	else if (strcmp(w->why, e.text) != 0) {
		memcpy(w->why, e.text, sizeof(w->why));
		err_wrap(&e, "not confirmed yet");
		note(w->conf, e.text);
	}
	w->confirm_at = tick_mono() + CONFIRM_EVERY;
}

/* It waits for us. */
static void
on_waiting(struct watch *w, const struct actrecord *rec)
{
	const int64_t now = tick_mono(), left = rec->confirm_by - now;

	if (w->confirmed)
		return;
	if (left <= LAST_WORD && w->why[0] != '\0')
		give_up(w, rec);
	else if (now >= w->confirm_at)
		confirm(w, left);
}

static void
say_reverting(struct watch *w, const struct actrecord *rec)
{
	char *text;

	if (w->reverting)
		return;
	w->reverting = true;
	text = str_printf("going back: %s", rec->reason != NULL ? rec->reason :
	    "it was asked for");
	note(w->conf, text);
	free(text);
}

/* One look at the record; true when it is over. */
static bool
look(struct watch *w, struct actrecord *rec, struct err *e)
{
	enum actrecord_phase phase;

	if (actrecord_read(w->dir, rec, e) == -1)
		return (false);
	phase = actrecord_phase(rec);
	if (phase == ACTRECORD_DONE)
		return (true);
	if (phase == ACTRECORD_CONFIRMING)
		on_waiting(w, rec);
	if (phase == ACTRECORD_REVERTING)
		say_reverting(w, rec);
	actrecord_free(rec);
	return (false);
}

/* When the service should have come to an end, whatever happened. */
static int64_t
patience(const struct watch *w)
{
	struct actrecord rec;
	int64_t ms = SLACK;

	if (actrecord_read(w->dir, &rec, NULL) == 0) {
		ms += 2 * rec.timeout + rec.confirm;
		actrecord_free(&rec);
	}
	return (tick_mono() + ms);
}

static int
follow(struct watch *w, struct actrecord *rec, struct err *e)
{
	int64_t now = tick_mono(), was, end = patience(w);
	bool more;

	do {
		/* Much to read is no reason to miss that it waits for us. */
		more = logtail_read(&w->log, CHUNK);
		if (look(w, rec, e))
			return (0);
		if (!more)
			pause_for(w, INTERVAL);
		was = now;
		now = tick_mono();
		/* While the machine slept the service had no time, either. */
		if (now - was > STANDSTILL)
			end += now - was;
	} while (now < end);
	return (err_set(e, ERR_TIMEOUT, "the activation service does not end "
	    "what it began; see %s and the journal of nixfleet-activate",
	    w->dir));
}

static int
attach(const struct deploy_conf *c, const char *op_id, int64_t skip,
    struct actrecord *rec, struct err *e)
{
	struct watch w = { .conf = c, .op_id = op_id, .stop_fd = c->stop_fd };
	char *log;
	int r = -1;

	w.dir = file_join(c->service_dir, op_id);
	log = file_join(w.dir, "log");
	if (logtail_open(&w.log, log, skip, c, e) == 0) {
		r = follow(&w, rec, e);
		logtail_close(&w.log);
	}
	free(log);
	free(w.dir);
	return (r);
}

/* Does the record say that it was done, whatever became of the answer? */
static bool
is_done(const struct deploy_conf *c, const char *op_id, enum actverb v)
{
	char *dir = file_join(c->service_dir, op_id);
	struct actrecord rec;
	bool done = false;

	if (actrecord_read(dir, &rec, NULL) == 0) {
		done = v == ACTVERB_PREPARE ||
		    actrecord_phase(&rec) != ACTRECORD_PREPARED;
		actrecord_free(&rec);
	}
	free(dir);
	return (done);
}

/* A service that dies over a request is started again, and asked again. */
static int
have_done(const struct deploy_conf *c, struct actrequest *ask, enum actverb v,
    struct err *e)
{
	const int64_t end = tick_mono() + AGAIN;
	struct err why = { 0 };
	bool lost = false;
	int r;

	free(ask->verb);
	ask->verb = str_dup(actrequest_verb_name(v));
	while ((r = actclient_ask(c, ask, &why)) == -1) {
		if (lost && ((v == ACTVERB_ACTIVATE && why.code == ERR_BUSY) ||
		    is_done(c, ask->op, v)))
			return (0);
		if (why.code != ERR_NET || tick_mono() >= end)
			break;
		lost = true;
		poll(NULL, 0, INTERVAL);
	}
	return (r == 0 ? 0 : err_set(e, why.code, "%s", why.text));
}

/* Whoever was killed left something that is over soon. */
static int
take_turn(const struct deploy_conf *c, struct actrequest *ask, struct err *e)
{
	const int64_t end = tick_mono() + c->confirm_timeout + TURN_WAIT;
	struct pollfd pfd = { .fd = c->stop_fd, .events = POLLIN };
	bool waiting = false;

	while (have_done(c, ask, ACTVERB_PREPARE, e) == -1) {
		if (e->code != ERR_BUSY || tick_mono() >= end)
			return (-1);
		if (!waiting)
			note(c, "another activation is not over yet: waiting "
			    "for its end");
		waiting = true;
		if (poll(&pfd, 1, TURN_EVERY) > 0)
			return (err_set(e, ERR_STOPPED, "stopped while another "
			    "activation was not over yet"));
	}
	return (0);
}

static int
begin(const struct deploy_conf *c, const struct deploy_request *req,
    bool rollback, struct err *e)
{
	struct actrequest ask = { .generation = req->generation,
		.timeout = c->activate_timeout, .confirm = c->confirm_timeout,
		.keep = c->keep_generations,
		.rollback = rollback };
	int r;

	ask.op = str_dup(req->op_id);
	actclient_host(c, &ask);
	ask.mode = str_dup(deploy_mode_name(req->mode));
	ask.path = str_dup(req->path);
	if ((r = take_turn(c, &ask, e)) == 0)
		r = have_done(c, &ask, ACTVERB_ACTIVATE, e);
	actrequest_free(&ask);
	return (r);
}

int
actservice_run(const struct deploy_conf *c, const struct deploy_request *req,
    bool rollback, struct actrecord *rec, struct err *e)
{
	if (begin(c, req, rollback, e) == -1)
		return (-1);
	return (attach(c, req->op_id, 0, rec, e));
}

int
actservice_follow(const struct deploy_conf *c, const char *op_id, int64_t skip,
    struct actrecord *rec, struct err *e)
{
	struct actrequest ask = { .op = str_dup(op_id) };
	int r = 0;

	/* Unless there is no record, that says how it goes on. */
	if (!is_done(c, op_id, ACTVERB_ACTIVATE) &&
	    have_done(c, &ask, ACTVERB_ACTIVATE, e) == -1 &&
	    e->code == ERR_NOTFOUND)
		r = -1;
	actrequest_free(&ask);
	return (r == 0 ? attach(c, op_id, skip, rec, e) : -1);
}
