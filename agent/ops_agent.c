#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "childenv.h"
#include "installed.h"
#include "platform.h"
#include "proc.h"
#include "str.h"

#include "ops.h"

#define VERSION_LIMIT 10000
#define REBOOT_LIMIT 60000

static void
on_line(void *cookie, enum proc_stream stream, const char *p, size_t n)
{
	struct opctx *x = cookie;

	joblog_add(x->log, stream == PROC_OUT ? STREAM_STDOUT : STREAM_STDERR,
	    p, n);
}

/* Run a program; 0 if it ended well. */
static int
run(struct opctx *x, const char *const *argv, int64_t limit,
    struct proc_result *res, struct err *e)
{
	struct proc_env env = { 0 };
	struct proc_spec spec = { .argv = argv, .deadline = limit,
	    .stop_fd = x->stop_fd, .keep_out = 4096, .keep_err = 4096,
	    .on_line = on_line, .cookie = x };
	int rc;

	childenv_make(&env, NULL);
	spec.env = proc_env_get(&env);
	rc = proc_run(&spec, res, e);
	if (rc == 0)
		rc = proc_check(&spec, res, e);
	proc_env_free(&env);
	return (rc);
}

enum outcome
ops_check_version(struct opctx *x)
{
	static const char want[] = "nixfleet-agent ";
	char *path = installed_agent();
	const char *argv[] = { path, "--version", NULL };
	struct proc_result res = { 0 };
	struct err e = { 0 };
	enum outcome outcome;
	char *line;

	if (path == NULL) {
		opctx_say(x, "no nixfleet-agent is installed on this host");
		return (OUTCOME_FAILED);
	}
	if (run(x, argv, VERSION_LIMIT, &res, &e) == -1) {
		outcome = opctx_fail(x, &e);
		goto out;
	}
	line = str_trim(res.out.data != NULL ? res.out.data : path);
	outcome = OUTCOME_OK;
	if (!str_prefix(line, want)) {
		opctx_say(x, "%s --version does not say \"nixfleet-agent "
		    "X\" but \"%.80s\"", path, line);
		outcome = OUTCOME_FAILED;
	} else if (str_eq(line + strlen(want), NIXFLEET_VERSION)) {
		opctx_say(x, "%s runs and is installed", NIXFLEET_VERSION);
	} else {
		opctx_say(x, "%s runs, %.80s is installed as %s",
		    NIXFLEET_VERSION, line + strlen(want), path);
		x->res.warning = true;
	}
out:
	proc_result_free(&res);
	free(path);
	return (outcome);
}

/* Not by the activation service: as root, or with what a policy allows. */
static int
reboot_ourselves(struct opctx *x, struct err *e)
{
	static const char *const *const as_root[] = { platform_reboot, NULL };
	const char *const *const *way = geteuid() == 0 ? as_root :
	    platform_user_reboots;
	struct proc_result res = { 0 };
	int rc;

	rc = run(x, *way, REBOOT_LIMIT, &res, e);
	proc_result_free(&res);
	while (rc == -1 && *++way != NULL) {
		rc = run(x, *way, REBOOT_LIMIT, &res, NULL);
		proc_result_free(&res);
	}
	return (rc);
}

enum outcome
ops_reboot(struct opctx *x)
{
	struct err e = { 0 };
	int rc;

	opctx_phase(x, "reboot");
	joblog_note(x->log, "restarting the machine");
	rc = deploy_reboot(&x->deploy, &e);
	if (rc == -1 && e.code == ERR_NOTFOUND)
		rc = reboot_ourselves(x, &e);
	if (rc == -1)
		return (opctx_fail(x, &e));
	opctx_say(x, "the machine restarts");
	return (OUTCOME_OK);
}
