#include <stdio.h>
#include <string.h>

#include "verdict.h"

/* switch-to-configuration's status when units have failed. */
#define UNITS_FAILED 4

struct meaning {
	int code;
	enum deploy_outcome outcome;
	bool needs_reboot;
	const char *text;
};

static const struct meaning nixos[] = {
	{ 0, DEPLOY_OK, false, "activated" },
	{ 1, DEPLOY_FAILED, false, "switch-to-configuration refused or could "
	    "not install the boot loader (exit status 1)" },
	{ 2, DEPLOY_FAILED, false, "the activation script failed (exit status "
	    "2); the system may be half switched" },
	{ UNITS_FAILED, DEPLOY_FAILED, false, "switched, but some units "
	    "failed (exit status 4)" },
	{ 11, DEPLOY_REFUSED, false, "another activation holds the lock of "
	    "switch-to-configuration (exit status 11)" },
	{ 100, DEPLOY_OK, true, "takes effect at the next boot: the new init "
	    "cannot take over from the running one" },
	{ 101, DEPLOY_FAILED, false, "switch-to-configuration crashed (exit "
	    "status 101)" },
};

static const struct meaning others[] = {
	{ 0, DEPLOY_OK, false, "activated" },
	{ 126, DEPLOY_FAILED, false, "the activation program could not be run "
	    "(exit status 126)" },
	{ 127, DEPLOY_FAILED, false, "the activation program, or one that it "
	    "needs, was not found (exit status 127)" },
};

static const struct {
	const struct meaning *rows;
	size_t n;
} tables[] = {
	[DEPLOY_NIXOS] = { nixos, sizeof(nixos) / sizeof(*nixos) },
	[DEPLOY_DARWIN] = { others, sizeof(others) / sizeof(*others) },
	[DEPLOY_HOME] = { others, sizeof(others) / sizeof(*others) },
	[DEPLOY_CUSTOM] = { others, sizeof(others) / sizeof(*others) },
};

static void
by_code(enum deploy_kind kind, int code, struct verdict *v)
{
	const struct meaning *m;
	size_t i;

	v->exit_code = code;
	v->units_failed = kind == DEPLOY_NIXOS && code == UNITS_FAILED;
	for (i = 0; i < tables[kind].n; i++) {
		m = &tables[kind].rows[i];
		if (m->code != code)
			continue;
		v->outcome = m->outcome;
		v->needs_reboot = m->needs_reboot;
		snprintf(v->text, sizeof(v->text), "%s", m->text);
		return;
	}
	v->outcome = DEPLOY_FAILED;
	snprintf(v->text, sizeof(v->text),
	    "the activation failed with exit status %d", code);
}

void
verdict_of(enum deploy_kind kind, const struct supervise_end *end,
    struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->exit_code = -1;
	if (end->timed_out) {
		v->outcome = DEPLOY_TIMED_OUT;
		snprintf(v->text, sizeof(v->text), "the activation did not "
		    "end by its deadline and was killed with everything it "
		    "started");
	} else if (end->signal != 0) {
		v->outcome = DEPLOY_FAILED;
		snprintf(v->text, sizeof(v->text), "the activation was killed "
		    "by signal %d (%s)", end->signal, strsignal(end->signal));
	} else
		by_code(kind, end->code, v);
}
