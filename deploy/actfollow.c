#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actfollow.h"
#include "file.h"
#include "flock.h"
#include "logtail.h"
#include "nixstore.h"
#include "osinfo.h"
#include "pidwatch.h"
#include "str.h"
#include "tick.h"

#define INTERVAL 100			/* ms between two looks */
#define START_WAIT 5000			/* until there is a record */
#define CHUNK (1024 * 1024)		/* of log between two looks */
#define LAST_WORDS 500

struct run {
	const struct actfollow *f;
	struct logtail log;
	char *lock, *record;
	int stop_fd, pidfd;
};

/* Sleep until something may have happened; notes a stop, once. */
static void
pause_for(struct run *r, int64_t ms)
{
	static const char note[] = "a stop was asked for; the activation is "
	    "not torn in half, it goes on to its end or its deadline";
	const struct deploy_conf *c = r->f->conf;
	struct pollfd fds[2] = {
		{ .fd = r->stop_fd, .events = POLLIN },
		{ .fd = r->pidfd, .events = POLLIN },
	};

	if (poll(fds, 2, (int)ms) <= 0)
		return;
	if (fds[0].revents != 0) {
		r->stop_fd = -1;
		if (c->on_line != NULL)
			c->on_line(c->cookie, DEPLOY_NOTE, note,
			    sizeof(note) - 1);
	}
	if (fds[1].revents != 0) {
		close(r->pidfd);
		r->pidfd = -1;
	}
}

static bool
alive(const struct run *r)
{
	return (flock_held(r->lock) == 1);
}

/* Until there is a record, or there will be none. */
static void
wait_for_record(struct run *r)
{
	const int64_t end = tick_mono() + START_WAIT;

	while (!file_exists(r->record) && tick_mono() < end) {
		if (!alive(r) && r->f->pid > 0 && kill(r->f->pid, 0) == -1 &&
		    errno == ESRCH)
			return;
		pause_for(r, 10);
	}
}

static void
watch(struct run *r)
{
	bool more;

	do {
		more = logtail_read(&r->log, CHUNK);
		if (!more)
			pause_for(r, INTERVAL);
	} while (alive(r));
}

/* ---- nixfleet-activate is gone and left the record open ---- */

static bool
same_boot(const struct actrecord *rec)
{
	char *id = osinfo_boot_id();
	bool same = str_eq(id, rec->boot_id);

	free(id);
	return (same);
}

/* What it started still runs: wait for that, and end it at the deadline. */
static void
wait_for_orphans(struct run *r, const struct actrecord *rec)
{
	const pid_t sid = (pid_t)rec->child;

	while (proc_kill_session(sid, 0) > 0) {
		if (tick_mono() >= rec->deadline)
			proc_kill_session(sid, SIGKILL);
		logtail_read(&r->log, CHUNK);
		pause_for(r, INTERVAL);
	}
}

static void
set_text(char **field, char *text)
{
	free(*field);
	*field = text;
}

static void
end_record(struct run *r, struct actrecord *rec)
{
	const bool booted = !same_boot(rec);
	char *now;
	struct err e;

	if (!booted && rec->child > 0)
		wait_for_orphans(r, rec);
	now = nixstore_resolve(rec->profile);
	set_text(&rec->text, str_printf("%s during the activation (step "
	    "\"%s\"), so how it ended is not known; the profile leads to %s",
	    booted ? "the machine was rebooted" :
	    "nixfleet-activate was killed", rec->phase,
	    now == NULL ? "nothing" : now));
	free(now);
	set_text(&rec->phase, str_dup(actrecord_phase_name(ACTRECORD_DONE)));
	set_text(&rec->outcome,
	    str_dup(deploy_outcome_name(DEPLOY_INTERRUPTED)));
	rec->exit_code = -1;
	rec->finished_at = tick_wall();
	/* If it cannot be written, the next one to look ends it again. */
	if (actrecord_write(r->f->dir, rec, &e) == -1)
		return;
}

/* What it printed before it had a record. */
static int
last_words(const char *log, struct err *e)
{
	struct buf b = { 0 };
	char *text;

	if (file_read(log, 1024 * 1024, &b, NULL) == -1)
		buf_clear(&b);
	if (b.len > LAST_WORDS)
		buf_drop(&b, b.len - LAST_WORDS);
	text = b.len > 0 ? str_trim(b.data) : NULL;
	err_set(e, ERR_CHILD, "the activation was not started: %s",
	    text != NULL && text[0] != '\0' ? text :
	    "nixfleet-activate ended without a word");
	buf_free(&b);
	return (-1);
}

int
actfollow_run(const struct actfollow *f, struct actrecord *rec, struct err *e)
{
	struct run r = { .f = f, .stop_fd = f->conf->stop_fd, .pidfd = -1 };
	char *log = file_join(f->dir, "log");
	int ret = -1;

	r.lock = file_join(f->dir, "lock");
	r.record = file_join(f->dir, "record.json");
	if (f->pid > 0)
		r.pidfd = pidwatch_open(f->pid);
	if (logtail_open(&r.log, log, f->skip, f->conf, e) == -1)
		goto out;
	wait_for_record(&r);
	watch(&r);
	if (!file_exists(r.record)) {
		last_words(log, e);
		goto out1;
	}
	if (actrecord_read(f->dir, rec, e) == -1)
		goto out1;
	if (!actrecord_done(rec))
		end_record(&r, rec);
	ret = 0;
out1:
	logtail_close(&r.log);
out:
	if (r.pidfd != -1)
		close(r.pidfd);
	free(r.lock);
	free(r.record);
	free(log);
	return (ret);
}
