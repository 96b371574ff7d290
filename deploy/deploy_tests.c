#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "childenv.h"
#include "deploy.h"
#include "file.h"
#include "flakeref.h"
#include "str.h"
#include "tick.h"

#define TESTS_MAX 1000

struct run {
	const struct deploy_conf *conf;
	const char *dir;
	void (*on_test)(void *, const struct deploy_test *);
	struct proc_env env;
	int64_t end;		/* of all, on tick_mono's clock */
	char *names[TESTS_MAX];
	size_t n;
	struct deploy_tests sum;
};

static bool
is_test(const char *dir, const char *name)
{
	char *path;
	struct stat st;
	bool yes;

	if (name[0] == '.' || !str_suffix(name, ".sh"))
		return (false);
	path = file_join(dir, name);
	yes = stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
	free(path);
	return (yes);
}

static int
find_tests(struct run *r, const char *dir, struct err *e)
{
	const struct dirent *de;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return (errno == ENOENT || errno == ENOTDIR ? 0 :
		    err_sys(e, "open %s", dir));
	while ((de = readdir(d)) != NULL && r->n < TESTS_MAX)
		if (is_test(dir, de->d_name))
			r->names[r->n++] = str_dup(de->d_name);
	closedir(d);
	qsort(r->names, r->n, sizeof(*r->names), str_order);
	return (0);
}

static void
on_line(void *cookie, enum proc_stream s, const char *p, size_t n)
{
	const struct deploy_conf *c = cookie;

	if (c->on_line != NULL)
		c->on_line(c->cookie, s == PROC_OUT ? DEPLOY_OUT : DEPLOY_ERR,
		    p, n);
}

static void
say_progress(const struct run *r, size_t i)
{
	const struct deploy_progress p = { .phase = "test",
		.done = (int64_t)i, .expected = (int64_t)r->n,
		.text = i < r->n ? r->names[i] : "" };

	if (r->conf->on_progress != NULL)
		r->conf->on_progress(r->conf->cookie, &p);
}

/* Half of the time left, so that one that hangs leaves some to the others. */
static int64_t
limit_of(const struct run *r, size_t i)
{
	int64_t left = r->end - tick_mono();

	if (i + 1 < r->n)
		left /= 2;
	return (left > 0 ? left : 1);
}

/* Run one and report it; -1 when the rest is not to be run. */
static int
run_one(struct run *r, const char *tests, size_t i)
{
	char *path = file_join(tests, r->names[i]);
	const char *const argv[] = { path, NULL };
	struct deploy_test t = { .name = r->names[i], .index = i + 1,
		.total = r->n, .end = PROC_EXITED, .code = 127 };
	struct proc_result res = { 0 };
	const int64_t limit = limit_of(r, i);
	const struct proc_spec spec = { .argv = argv,
		.env = proc_env_get(&r->env), .cwd = r->dir,
		.deadline = limit,
		.stop_fd = r->conf->stop_fd, .on_line = on_line,
		.cookie = (void *)(uintptr_t)r->conf };
	struct err e;

	if (proc_run(&spec, &res, &e) == 0) {
		t.end = res.end;
		t.code = res.code;
		t.ms = res.ms;
		t.ok = res.end == PROC_EXITED && res.code == 0;
	} else
		on_line((void *)(uintptr_t)r->conf, PROC_ERR, e.text,
		    strlen(e.text));
	proc_result_free(&res);
	free(path);
	r->sum.passed += t.ok;
	if (r->on_test != NULL)
		r->on_test(r->conf->cookie, &t);
	if (t.end == PROC_TIMEOUT)
		r->sum.outcome = DEPLOY_TIMED_OUT;
	if (t.end == PROC_STOPPED)
		r->sum.outcome = DEPLOY_STOPPED;
	return (t.end == PROC_STOPPED ? -1 : 0);
}

static void
conclude(struct deploy_tests *sum)
{
	const char *why = "";

	if (sum->outcome == DEPLOY_OK && sum->passed < sum->total)
		sum->outcome = DEPLOY_FAILED;
	if (sum->outcome == DEPLOY_STOPPED)
		why = "; stopped";
	else if (sum->outcome == DEPLOY_TIMED_OUT)
		why = "; one hung and was killed";
	if (sum->total == 0)
		snprintf(sum->message, sizeof(sum->message), "no tests");
	else
		snprintf(sum->message, sizeof(sum->message),
		    "%zu of %zu test%s passed%s", sum->passed, sum->total,
		    sum->total == 1 ? "" : "s", why);
}

int
deploy_tests_run(const struct deploy_conf *c, const char *dir,
    void (*on_test)(void *, const struct deploy_test *),
    struct deploy_tests *out, struct err *e)
{
	struct run *r;
	char *tests;
	size_t i;
	int ret = -1;

	if (flakeref_check(c, NULL, e) == -1)
		return (-1);
	r = str_alloc(sizeof(*r));
	r->conf = c;
	r->dir = dir;
	r->on_test = on_test;
	r->end = tick_mono() + c->test_timeout;
	tests = str_printf("%s/hosts/%s/tests", dir, c->host);
	if (find_tests(r, tests, e) == -1)
		goto out;
	childenv_make(&r->env, c->state_dir);
	r->sum.total = r->n;
	for (i = 0; i < r->n; i++) {
		say_progress(r, i);
		if (run_one(r, tests, i) == -1)
			break;
	}
	if (i == r->n)
		say_progress(r, i);
	conclude(&r->sum);
	*out = r->sum;
	ret = 0;
out:
	for (i = 0; i < r->n; i++)
		free(r->names[i]);
	proc_env_free(&r->env);
	free(tests);
	free(r);
	return (ret);
}
