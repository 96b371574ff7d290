#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "activation.h"
#include "actstep.h"
#include "file.h"
#include "flock.h"
#include "guard.h"
#include "nixstore.h"
#include "osinfo.h"
#include "proc.h"
#include "str.h"
#include "supervise.h"
#include "tick.h"

#define LOCK_WAIT 1000		/* our own; others look at it for a moment */
#define TURN_WAIT 10000		/* who had it before us is about to end */
#define INTERVAL 100		/* ms between two looks */
#define REASON_MAX 4096

static volatile sig_atomic_t asked_to_end;

static void
on_term(int sig)
{
	asked_to_end = sig;
}

static void
set_text(char **field, const char *text)
{
	free(*field);
	*field = str_dup(text);
}

/* Neither profile nor boot entry change: a boot undoes it. */
static bool
only_runs(const struct activation *a)
{
	return (a->mode == DEPLOY_TEST || a->mode == DEPLOY_TRIAL);
}

/* What is there before can be had back, and it matters. */
static bool
armed(const struct actstep *s)
{
	const struct activation *a = s->a;

	if (a->confirm <= 0 || s->rec.previous == NULL)
		return (false);
	return ((a->mode == DEPLOY_SWITCH &&
	    !str_eq(s->rec.previous, s->rec.path)) ||
	    (only_runs(a) && s->rec.running != NULL &&
	    !str_eq(s->rec.running, s->rec.path)));
}

/* What ran before; a specialisation is found again by its name. */
static const char *
old_system(const struct actstep *s)
{
	if (only_runs(s->a) && s->rec.specialisation == NULL)
		return (s->rec.running);
	return (s->rec.previous);
}

static int
restore_profile(const struct actstep *s, struct err *e)
{
	struct activation back = *s->a;
	char *now;
	int r = 0;

	if (!actstep_sets_profile(s->a) || s->rec.previous == NULL)
		return (0);
	now = nixstore_resolve(s->a->profile);
	back.path = s->rec.previous;
	back.generation = s->rec.generation;
	if (!str_eq(now, s->rec.previous))
		r = actstep_profile(&back, e);
	free(now);
	return (r);
}

/* Profile and, if the new one's program ran, the old one's program. */
static int
go_back(struct actstep *s, bool ran, struct err *e)
{
	struct activation back = *s->a;
	struct verdict v;

	if (restore_profile(s, e) == -1)
		return (-1);
	if (!ran)
		return (0);
	back.path = old_system(s);
	if (activation_check(&back, e) == -1 ||
	    actstep_program(s, &back, &v, e) == -1)
		return (-1);
	/* A unit may have failed before, too; the system is the old one. */
	if (v.outcome == DEPLOY_OK || v.units_failed)
		return (0);
	return (err_set(e, ERR_CHILD, "%s", v.text));
}

/* ${e} says why. */
static enum deploy_outcome
revert(struct actstep *s, bool ran, struct err *e)
{
	struct err failed = { 0 };

	set_text(&s->rec.reason, e->text);
	s->rec.child = 0;
	/* A full disk keeps nobody from going back. */
	if (actstep_enter(s, ACTRECORD_REVERTING, &failed) == -1)
		dprintf(STDOUT_FILENO, "%s\n", failed.text);
	if (go_back(s, ran, &failed) == -1) {
		err_set(e, ERR_CHILD, "it could not be rolled back (%.400s) "
		    "after this: %.400s", failed.text, s->rec.reason);
		return (DEPLOY_FAILED);
	}
	err_set(e, ERR_CHILD, "rolled back to %.200s: %.600s",
	    nixstore_name(old_system(s)), s->rec.reason);
	return (DEPLOY_ROLLED_BACK);
}

/* ---- waiting for the confirmation ---- */

static bool
told(const struct actstep *s, const char *name)
{
	char *path = file_join(s->a->dir, name);
	bool there = file_exists(path);

	free(path);
	return (there);
}

static void
told_reason(const struct actstep *s, struct err *e)
{
	char *path = file_join(s->a->dir, GUARD_REVERT);
	struct buf b = { 0 };

	if (file_read(path, REASON_MAX, &b, NULL) == -1 || b.len == 0)
		buf_adds(&b, "it was asked for");
	err_set(e, ERR_CHILD, "%s", b.data);
	buf_free(&b);
	free(path);
}

/* It was confirmed; but units may have failed since it ended. */
static enum deploy_outcome
check_units(struct actstep *s, struct err *e)
{
	char *failed = actstep_new_failures(s);
	const bool bad = failed != NULL && failed[0] != '\0';

	if (bad)
		err_set(e, ERR_CHILD, "these units failed after the "
		    "activation: %.400s", failed);
	free(failed);
	return (bad ? revert(s, true, e) : DEPLOY_OK);
}

/* DEPLOY_STOPPED: we are to end, the waiting goes on without us. */
static enum deploy_outcome
wait_confirm(struct actstep *s, struct err *e)
{
	for (;;) {
		if (told(s, GUARD_CONFIRM))
			return (check_units(s, e));
		if (told(s, GUARD_REVERT)) {
			told_reason(s, e);
			return (revert(s, true, e));
		}
		if (tick_mono() >= s->rec.confirm_by)
			break;
		if (asked_to_end)
			return (DEPLOY_STOPPED);
		poll(NULL, 0, INTERVAL);
	}
	err_set(e, ERR_TIMEOUT, "nobody confirmed within %lld s that this "
	    "host can still do its job", (long long)s->rec.confirm / 1000);
	return (revert(s, true, e));
}

static enum deploy_outcome
confirm(struct actstep *s, struct err *e)
{
	s->rec.confirm_by = tick_mono() + s->rec.confirm;
	if (actstep_enter(s, ACTRECORD_CONFIRMING, e) == -1)
		return (revert(s, true, e));
	return (wait_confirm(s, e));
}

/* ---- a test that was confirmed ---- */

/* ${mode} installs the boot entry and, if another system runs, switches. */
static enum deploy_outcome
commit(struct actstep *s, enum deploy_mode mode, struct err *e)
{
	const struct activation *asked = s->a;
	struct activation whole = *asked, last = *asked;
	enum deploy_outcome outcome = DEPLOY_OK;
	struct verdict v;

	/* From here on it is undone as a switch is. */
	whole.mode = DEPLOY_SWITCH;
	last.mode = mode;
	s->a = &whole;
	set_text(&s->rec.mode, deploy_mode_name(whole.mode));
	s->rec.child = 0;
	s->rec.deadline = tick_mono() + asked->timeout;
	if (actstep_enter(s, ACTRECORD_COMMITTING, e) == -1 ||
	    actstep_profile(&last, e) == -1 ||
	    actstep_program(s, &last, &v, e) == -1)
		outcome = DEPLOY_FAILED;
	else if (v.outcome != DEPLOY_OK && !v.units_failed) {
		outcome = DEPLOY_FAILED;
		err_set(e, ERR_CHILD, "%s", v.text);
	}
	if (outcome != DEPLOY_OK)
		err_wrap(e, "it was confirmed, but cannot become what the "
		    "next boot takes");
	if (outcome != DEPLOY_OK && armed(s))
		outcome = revert(s, true, e);
	s->a = asked;
	return (outcome);
}

/* The activation came to an end that is known. */
static enum deploy_outcome
judge(struct actstep *s, enum deploy_outcome outcome, struct err *e)
{
	const bool ran = actrecord_phase(&s->rec) == ACTRECORD_ACTIVATING;
	struct err failed;

	if (!armed(s))
		return (outcome);
	if (outcome == DEPLOY_OK)
		return (confirm(s, e));
	/* The machine goes down: the next boot goes back. */
	if (asked_to_end)
		return (DEPLOY_STOPPED);
	/* Somebody else activates now: stay out of the way. */
	if (outcome != DEPLOY_REFUSED)
		return (revert(s, ran, e));
	if (restore_profile(s, &failed) == -1)
		err_wrap(e, "(%.300s)", failed.text);
	return (outcome);
}

/* ---- going on after somebody who died ---- */

static bool
same_boot(const struct actrecord *rec)
{
	char *id = osinfo_boot_id();
	bool same = str_eq(id, rec->boot_id);

	free(id);
	return (same);
}

/* What the dead one started still runs: wait for that to its deadline. */
static void
wait_for_orphans(const struct actrecord *rec)
{
	const pid_t sid = (pid_t)rec->child;

	while (sid > 0 && proc_kill_session(sid, 0) > 0) {
		if (tick_mono() >= rec->deadline)
			proc_kill_session(sid, SIGKILL);
		poll(NULL, 0, INTERVAL);
	}
}

static enum deploy_outcome
abandoned(struct actstep *s, bool booted, bool ran, struct err *e)
{
	err_set(e, ERR_CHILD, "%s during the activation (step \"%s\")",
	    booted ? "the machine was restarted" :
	    "nixfleet-activate was killed", s->rec.phase);
	if (armed(s))
		return (revert(s, ran, e));
	err_set(e, ERR_CHILD, "%s, so how it ended is not known", e->text);
	return (DEPLOY_INTERRUPTED);
}

static enum deploy_outcome
resume(struct actstep *s, struct err *e)
{
	const enum actrecord_phase phase = actrecord_phase(&s->rec);
	const bool booted = !same_boot(&s->rec);
	const bool undone = booted && only_runs(s->a);

	free(s->rec.boot_id);
	s->rec.boot_id = osinfo_boot_id();
	if (!booted)
		wait_for_orphans(&s->rec);
	switch (phase) {
	case ACTRECORD_PROFILE:
	case ACTRECORD_ACTIVATING:
		return (abandoned(s, booted, !undone &&
		    phase == ACTRECORD_ACTIVATING, e));
	case ACTRECORD_CONFIRMING:
		if (undone)
			return (abandoned(s, booted, false, e));
		/* A new boot gets all of the time again. */
		return (booted ? confirm(s, e) : wait_confirm(s, e));
	case ACTRECORD_COMMITTING:
		return (commit(s, booted ? DEPLOY_SWITCH : DEPLOY_BOOT, e));
	case ACTRECORD_REVERTING:
		err_set(e, ERR_CHILD, "%s", s->rec.reason != NULL ?
		    s->rec.reason : "it was asked for");
		return (revert(s, !undone, e));
	default:
		err_set(e, ERR_CHILD, "interrupted before anything was "
		    "changed");
		return (DEPLOY_INTERRUPTED);
	}
}

/* ---- ---- */

static int
load(const char *dir, struct activation *a, struct actstep *s, struct err *e)
{
	struct actrecord *rec = &s->rec;
	int kind, mode;

	if (actrecord_read(dir, rec, e) == -1)
		return (-1);
	kind = deploy_kind_parse(rec->kind);
	mode = deploy_mode_parse(rec->mode);
	if (kind == -1 || mode == -1)
		return (err_set(e, ERR_DAMAGED, "%s/record.json: unknown kind "
		    "or mode", dir));
	a->dir = dir;
	a->op = rec->op_id;
	a->kind = (enum deploy_kind)kind;
	a->mode = (enum deploy_mode)mode;
	a->profile = rec->profile;
	a->path = rec->path;
	a->program = rec->program;
	a->generation = rec->wanted;
	a->keep = rec->keep;
	a->rollback = rec->rollback;
	a->timeout = rec->timeout;
	a->confirm = rec->confirm;
	s->a = a;
	return (0);
}

static int
carry(struct actstep *s, bool begin, struct err *e)
{
	enum deploy_outcome outcome;
	struct err why = { 0 };

	s->rec.pid = getpid();
	if (!begin || actrecord_phase(&s->rec) != ACTRECORD_PREPARED)
		outcome = resume(s, &why);
	else if (activation_check(s->a, &why) == -1)
		outcome = DEPLOY_REFUSED;
	else
		outcome = judge(s, actstep_activate(s, &why), &why);
	if (outcome == DEPLOY_OK && s->a->mode == DEPLOY_TRIAL)
		outcome = commit(s, DEPLOY_BOOT, &why);
	if (outcome == DEPLOY_STOPPED)
		return (0);
	if (actstep_finish(s, outcome, &why) == 0)
		return (0);
	if (e != NULL)
		*e = why;
	return (-1);
}

int
guard_run(const char *dir, bool begin, struct err *e)
{
	char *lock = file_join(dir, "lock");
	struct activation a = { 0 };
	struct actstep s = { 0 };
	int fd, turn, r = -1;

	supervise_shield();
	signal(SIGTERM, on_term);
	if ((fd = flock_take(lock, LOCK_WAIT, e)) == -1)
		goto out;
	if ((turn = activation_turn(dir, TURN_WAIT, e)) == -1)
		goto out1;
	if (load(dir, &a, &s, e) == 0)
		r = actrecord_done(&s.rec) ? 0 : carry(&s, begin, e);
	actstep_free(&s);
	close(turn);
out1:
	close(fd);
out:
	free(lock);
	return (r);
}
