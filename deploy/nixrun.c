#include <stdlib.h>
#include <string.h>

#include "childenv.h"
#include "flakeref.h"
#include "nixlog.h"
#include "nixrun.h"
#include "str.h"

#define KEEP_ERR 16384

/* Words in nix's reason that tell what kind of failure it is. */
static const struct kind {
	const char *words;
	enum err_code code;
	const char *meaning;	/* where nix's words do not say it */
} kinds[] = {
	{ "has wrong length for hash ", ERR_INPUT, /* type, algorithm */
	    "this nix reads no repository with SHA-256 names" },
	{ "does not provide attribute", ERR_NOTFOUND, NULL },
	{ "No space left on device", ERR_NOSPACE, NULL },
	{ "Disk quota exceeded", ERR_NOSPACE, NULL },
	{ "database or disk is full", ERR_NOSPACE, NULL },
	{ "unable to download", ERR_NET, NULL },
	{ "Could not resolve host", ERR_NET, NULL },
	{ "cannot connect to daemon", ERR_NET, NULL },
};

static const struct kind *
kind_of(const char *reason)
{
	static const struct kind other = { .code = ERR_CHILD };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strstr(reason, kinds[i].words) != NULL)
			return (&kinds[i]);
	return (&other);
}

static void
on_line(void *cookie, enum proc_stream s, const char *p, size_t n)
{
	if (s == PROC_ERR)
		nixlog_feed(cookie, p, n);
}

static void
on_quiet(void *cookie)
{
	nixlog_quiet(cookie);
}

/* The arguments, with what makes every version of nix understand them. */
static const char **
arguments(const struct nixrun *run, const char *registry)
{
	const char **argv;
	size_t n = 0, at = 0, i;

	while (run->argv[n] != NULL)
		n++;
	argv = str_alloc((n + 9) * sizeof(*argv));
	argv[at++] = run->argv[0];
	if (str_eq(run->argv[0], "nix")) {
		argv[at++] = "--extra-experimental-features";
		argv[at++] = "nix-command flakes";
		if (registry != NULL) {
			argv[at++] = "--option";
			argv[at++] = "flake-registry";
			argv[at++] = registry;
		}
	}
	for (i = 1; i < n; i++)
		argv[at++] = run->argv[i];
	if (run->log) {
		argv[at++] = "--log-format";
		argv[at++] = "internal-json";
	}
	return (argv);
}

static int
judge(const struct nixrun *run, const struct proc_spec *spec,
    const struct proc_result *res, struct nixlog *log, struct err *e)
{
	const struct kind *kind;
	char *reason;

	if (res->end == PROC_EXITED && res->code == 0) {
		if (!res->out_cut)
			return (0);
		return (err_set(e, ERR_CHILD, "%s printed more than %zu bytes",
		    run->argv[0], run->max));
	}
	if (res->end == PROC_EXITED && (reason = nixlog_error(log)) != NULL) {
		kind = kind_of(reason);
		err_set(e, kind->code, "%s", reason);
		if (kind->meaning != NULL)
			err_wrap(e, "%s", kind->meaning);
		free(reason);
		return (-1);
	}
	return (proc_check(spec, res, e));
}

int
nixrun(const struct nixrun *run, struct buf *out, struct err *e)
{
	const struct nixlog_sink sink = {
		.on_line = run->log ? run->conf->on_line : NULL,
		.on_progress = run->log ? run->conf->on_progress : NULL,
		.cookie = run->conf->cookie,
	};
	struct nixlog *log = nixlog_new(&sink);
	char *registry = flakeref_registry(run->conf);
	const char **argv = arguments(run, registry);
	struct proc_env env = { 0 };
	struct proc_result res = { 0 };
	struct proc_spec spec = {
		.argv = argv, .deadline = run->deadline,
		.stop_fd = run->conf->stop_fd,
		.keep_out = run->max,
		.keep_err = run->log ? 0 : KEEP_ERR,
		.on_line = on_line, .on_quiet = on_quiet, .cookie = log,
	};
	int r;

	childenv_make(&env, run->conf->state_dir);
	spec.env = proc_env_get(&env);
	r = proc_run(&spec, &res, e);
	nixlog_end(log);
	if (r == 0)
		r = judge(run, &spec, &res, log, e);
	if (r == 0)
		buf_add(out, res.out.data, res.out.len);
	proc_result_free(&res);
	proc_env_free(&env);
	free(argv);
	free(registry);
	nixlog_free(&log);
	return (r);
}
