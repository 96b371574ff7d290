#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compartment.h"

static bool
set(const char *s)
{
	return (s != NULL && *s != '\0');
}

bool
compartment_same_revision(const char *a, const char *b)
{
	size_t na, nb, n;

	if (!set(a) || !set(b))
		return (false);
	na = strlen(a);
	nb = strlen(b);
	n = na < nb ? na : nb;
	return (na == nb ? strcmp(a, b) == 0 : n >= 7 && strncmp(a, b, n) == 0);
}

static void say(struct compartment_view *, enum check, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct compartment_view *v, enum check status, const char *fmt, ...)
{
	va_list ap;

	v->status = status;
	va_start(ap, fmt);
	vsnprintf(v->message, sizeof(v->message), fmt, ap);
	va_end(ap);
}

/* What the host said, word for word. */
static void
repeat(struct compartment_view *v, const struct compartment_report *said,
    const char *fallback)
{
	v->checked_at = said->checked_at;
	say(v, said->status, "%s",
	    set(said->message) ? said->message : fallback);
}

static void
agent(const struct compartment_facts *f, struct compartment_view *v)
{
	v->checked_at = f->last_seen;
	if (!set(f->agent_version))
		say(v, CHECK_UNKNOWN, "The agent has not said its version.");
	else if (strcmp(f->agent_version, f->hub_version) == 0)
		say(v, CHECK_OK, "The agent has the hub's version, %s.",
		    f->hub_version);
	else
		say(v, CHECK_OUTDATED, "The agent is version %s, the hub %s.",
		    f->agent_version, f->hub_version);
}

static void
git(const struct compartment_facts *f, struct compartment_view *v)
{
	v->checked_at = f->desired_at;
	if (!f->desired_configured)
		say(v, CHECK_UNKNOWN, "The hub does not know which revision "
		    "is wanted: no repository is configured there.");
	else if (!set(f->desired_head) && set(f->desired_error))
		say(v, CHECK_ERROR, "The hub cannot read the repository: %s",
		    f->desired_error);
	else if (!set(f->desired_head))
		say(v, CHECK_UNKNOWN, "The hub has not read the repository "
		    "yet.");
	else if (!set(f->generation))
		say(v, CHECK_UNKNOWN, "The host has not said which revision "
		    "it has.");
	else if (compartment_same_revision(f->generation, f->desired_head)) {
		v->behind = 0;
		say(v, CHECK_OK, "The host has the newest revision, %.7s.",
		    f->desired_head);
	} else if (f->behind > 0) {
		v->behind = f->behind;
		say(v, CHECK_OUTDATED, "%lld commit%s behind: the host has "
		    "%.7s, the newest is %.7s.", (long long)f->behind,
		    f->behind == 1 ? "" : "s", f->generation, f->desired_head);
	} else {
		say(v, CHECK_OUTDATED, "The host has %.7s, the newest is "
		    "%.7s.", f->generation, f->desired_head);
	}
}

/* Without the hub's knowledge (or the host's hash) the host's word counts. */
static void
lock(const struct compartment_facts *f, struct compartment_view *v)
{
	const struct compartment_report *said = &f->said[COMPARTMENT_LOCK];

	if (!set(f->desired_lock) || !set(f->lock_hash)) {
		repeat(v, said, "Nothing is known about the lock file.");
		return;
	}
	v->checked_at = f->desired_at;
	if (strcmp(f->lock_hash, f->desired_lock) == 0)
		say(v, CHECK_OK, "flake.lock is the one of the newest "
		    "revision.");
	else
		say(v, CHECK_OUTDATED, "flake.lock differs from the one of "
		    "the newest revision.");
}

/* Is an operation on it running, or did one that was vanish?  Then say so. */
static bool
at_work(const struct compartment_facts *f,
    const struct compartment_report *said, bool running,
    struct compartment_view *out)
{
	if (running)
		say(out, CHECK_WORKING, "%s is running.", f->running_op);
	else if (said->status == CHECK_WORKING && f->running_op == NULL)
		say(out, CHECK_UNKNOWN, "The host said it was working, but no "
		    "operation is running.");
	else
		return (false);
	return (true);
}

/* "ok" is the host's word about its own clone; a newer one makes it old. */
static void
system_of(const struct compartment_facts *f, const struct compartment_view *v,
    struct compartment_view *out)
{
	const struct compartment_report *said = &f->said[COMPARTMENT_SYSTEM];

	repeat(out, said, said->status == CHECK_OK ?
	    "The running system is the configured one." :
	    "Nothing is known about the running system.");
	if (at_work(f, said, f->running_system, out) ||
	    said->status != CHECK_OK)
		return;
	if (v[COMPARTMENT_GIT].status == CHECK_OUTDATED)
		say(out, CHECK_OUTDATED, "A newer revision of the "
		    "configuration is there.");
	else if (v[COMPARTMENT_LOCK].status == CHECK_OUTDATED)
		say(out, CHECK_OUTDATED, "A newer flake.lock is there.");
}

static void
tests(const struct compartment_facts *f, const struct compartment_view *v,
    struct compartment_view *out)
{
	const struct compartment_report *said = &f->said[COMPARTMENT_TESTS];

	repeat(out, said, said->status == CHECK_OK ? "All tests passed." :
	    said->status == CHECK_OUTDATED ?
	    "The tests have not run since the last change." :
	    "The tests have not run yet.");
	if (at_work(f, said, f->running_tests, out) || said->status != CHECK_OK)
		return;
	if (set(f->tests_generation) && set(f->generation) &&
	    !compartment_same_revision(f->tests_generation, f->generation))
		say(out, CHECK_OUTDATED, "The tests passed on %.7s, the host "
		    "has %.7s now.", f->tests_generation, f->generation);
	else if (v[COMPARTMENT_SYSTEM].status == CHECK_OUTDATED ||
	    v[COMPARTMENT_SYSTEM].status == CHECK_ERROR)
		say(out, CHECK_OUTDATED, "The tests passed, but the system is "
		    "not the configured one.");
}

void
compartment_compute(const struct compartment_facts *f,
    struct compartment_view out[COMPARTMENT_COUNT])
{
	memset(out, 0, COMPARTMENT_COUNT * sizeof(*out));
	for (int i = 0; i < COMPARTMENT_COUNT; i++)
		out[i].behind = -1;
	agent(f, &out[COMPARTMENT_AGENT]);
	git(f, &out[COMPARTMENT_GIT]);
	lock(f, &out[COMPARTMENT_LOCK]);
	system_of(f, out, &out[COMPARTMENT_SYSTEM]);
	tests(f, out, &out[COMPARTMENT_TESTS]);
}
