#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "flake.h"
#include "git.h"
#include "lockfile.h"
#include "str.h"

#define NIX_MS (20 * 60 * 1000)
#define VERSION_MS (30 * 1000)
#define SUBJECT_MAX 72
#define INPUTS_MAX 100

enum { SYNTAX_OLD = 1, SYNTAX_NEW = 2 };

int
flake_version(const char *text, size_t len, int *major, int *minor)
{
	const char *p, *end = text + len;
	int a = 0, b = 0;

	for (p = text; p < end; p++)
		if (isdigit((unsigned char)*p) && p > text && p[-1] == ' ')
			break;
	if (p >= end)
		return (-1);
	for (; p < end && isdigit((unsigned char)*p) && a < 10000; p++)
		a = a * 10 + (*p - '0');
	if (p >= end || *p != '.')
		return (-1);
	for (p++; p < end && isdigit((unsigned char)*p) && b < 10000; p++)
		b = b * 10 + (*p - '0');
	*major = a;
	*minor = b;
	return (0);
}

/* nix ends with a hint; the line that says what is wrong stands above. */
static void
say_why(struct repo *r, const struct proc_result *res, struct err *e)
{
	struct buf why = { 0 };

	if (res->end == PROC_STOPPED)
		r->fail = REPO_FAIL_STOPPED;
	if (res->end == PROC_EXITED && res->err.len > 0)
		fail_reason(res->err.data, res->err.len, &why);
	if (why.len > 0 && strstr(why.data, "has wrong length for hash type "
	    "'sha1'") != NULL)
		err_wrap(e, "this nix reads no repository with SHA-256 names");
	err_wrap(e, "nix flake update%s%s", why.len > 0 ? ": " : "",
	    why.len > 0 ? why.data : "");
	buf_free(&why);
}

static int
run_nix(struct repo *r, const char *const *argv, const char *dir, int64_t ms,
    struct proc_result *res, struct err *e)
{
	struct proc_env env = { 0 };
	struct proc_spec ps = { .argv = argv, .cwd = dir, .deadline = ms,
		.stop_fd = r->stop_fd, .keep_out = 4096, .keep_err = 16384,
		.on_line = r->on_line, .cookie = r->cookie };
	int rc = -1;

	*res = (struct proc_result){ 0 };
	if (git_env_nix(r, &env, e) == -1) {
		r->fail = fail_from_err(e);
		goto out;
	}
	ps.env = proc_env_get(&env);
	r->fail = REPO_FAIL_NIX;
	if (proc_run(&ps, res, e) == -1 || proc_check(&ps, res, e) == -1) {
		say_why(r, res, e);
		goto out;
	}
	r->fail = REPO_FAIL_NONE;
	rc = 0;
out:
	proc_env_free(&env);
	return (rc);
}

/* Ask nix once which syntax it has. */
static int
ask_syntax(struct repo *r, struct err *e)
{
	static const char *const argv[] = { "nix", "--version", NULL };
	struct proc_result res;
	int major, minor, rc = 0;

	if (r->nix_syntax != 0)
		return (0);
	if ((rc = run_nix(r, argv, r->state_dir, VERSION_MS, &res, e)) == 0) {
		if (flake_version(res.out.data != NULL ? res.out.data : "",
		    res.out.len, &major, &minor) == -1)
			rc = git_fail(r, REPO_FAIL_NIX, e, "nix --version "
			    "says no version");
		else
			r->nix_syntax = major > 2 || (major == 2 &&
			    minor >= 19) ? SYNTAX_NEW : SYNTAX_OLD;
	}
	proc_result_free(&res);
	return (rc);
}

static int
check_input(struct repo *r, const char *name, struct err *e)
{
	const char *p = name;

	if (isalnum((unsigned char)*p) || *p == '_') {
		while (isalnum((unsigned char)*p) || (*p != '\0' &&
		    strchr("_-'/.", *p) != NULL))
			p++;
		if (*p == '\0')
			return (0);
	}
	return (git_fail(r, REPO_FAIL_CONFIG, e, "\"%s\" is no name of a "
	    "flake's input", name));
}

int
flake_update(struct repo *r, const char *dir, const char *const *inputs,
    struct err *e)
{
	const char *argv[2 * INPUTS_MAX + 16];
	struct proc_result res;
	size_t n = 0, i, count = 0;
	bool old, some;
	int rc;

	for (; inputs != NULL && inputs[count] != NULL; count++)
		if (count >= INPUTS_MAX)
			return (git_fail(r, REPO_FAIL_CONFIG, e,
			    "more than %d inputs", INPUTS_MAX));
		else if (check_input(r, inputs[count], e) == -1)
			return (-1);
	if (ask_syntax(r, e) == -1)
		return (-1);
	old = r->nix_syntax == SYNTAX_OLD;
	some = count > 0;
	argv[n++] = "nix";
	argv[n++] = "--extra-experimental-features";
	argv[n++] = "nix-command flakes";
	argv[n++] = "flake";
	argv[n++] = old && some ? "lock" : "update";
	for (i = 0; i < count; i++) {
		if (old)
			argv[n++] = "--update-input";
		argv[n++] = inputs[i];
	}
	if (!old)
		argv[n++] = "--flake";
	argv[n++] = ".";
	argv[n] = NULL;
	rc = run_nix(r, argv, dir, NIX_MS, &res, e);
	proc_result_free(&res);
	return (rc);
}

static void
add_moved(struct repo_update *out, const struct lockfile_input *a,
    const struct lockfile_input *b)
{
	struct repo_moved *m;

	assert(a != NULL || b != NULL);
	out->moved = realloc(out->moved,
	    (out->nmoved + 1) * sizeof(*out->moved));
	if (out->moved == NULL)
		abort();
	m = &out->moved[out->nmoved++];
	m->input = str_dup(a != NULL ? a->name : b->name);
	m->from = a != NULL ? str_dup(a->rev) : NULL;
	m->to = b != NULL ? str_dup(b->rev) : NULL;
	m->from_time = a != NULL ? a->time : 0;
	m->to_time = b != NULL ? b->time : 0;
}

int
flake_diff(const char *before, size_t blen, const char *after, size_t alen,
    struct repo_update *out, struct err *e)
{
	struct lockfile a = { 0 }, b = { 0 };
	size_t i = 0, j = 0;
	int c, rc = -1;

	if (lockfile_parse(before, blen, &a, NULL) == -1)
		a = (struct lockfile){ 0 };	/* a broken one is replaced */
	if (lockfile_parse(after, alen, &b, e) == -1)
		goto out;
	while (i < a.n || j < b.n) {
		c = i == a.n ? 1 : j == b.n ? -1 :
		    strcmp(a.inputs[i].name, b.inputs[j].name);
		if (c < 0)
			add_moved(out, &a.inputs[i++], NULL);
		else if (c > 0)
			add_moved(out, NULL, &b.inputs[j++]);
		else {
			if (!str_eq(a.inputs[i].rev, b.inputs[j].rev))
				add_moved(out, &a.inputs[i], &b.inputs[j]);
			i++;
			j++;
		}
	}
	rc = 0;
out:
	lockfile_free(&a);
	lockfile_free(&b);
	return (rc);
}

static void
add_side(struct buf *b, const char *rev, int64_t when)
{
	time_t t = (time_t)when;
	char day[16] = "";
	struct tm tm;

	if (rev == NULL) {
		buf_adds(b, "none");
		return;
	}
	if (when != 0 && gmtime_r(&t, &tm) != NULL &&
	    strftime(day, sizeof(day), " (%Y-%m-%d)", &tm) == 0)
		day[0] = '\0';
	buf_addf(b, "%.12s%s", rev, day);
}

char *
flake_message(const struct repo_update *u)
{
	struct buf b = { 0 };
	size_t i;

	buf_adds(&b, "flake.lock: update");
	for (i = 0; i < u->nmoved; i++)
		buf_addf(&b, "%s %s", i == 0 ? "" : ",", u->moved[i].input);
	if (b.len > SUBJECT_MAX) {
		buf_clear(&b);
		buf_addf(&b, "flake.lock: update %zu inputs", u->nmoved);
	}
	buf_adds(&b, "\n\n");
	for (i = 0; i < u->nmoved; i++) {
		buf_addf(&b, "* %s: ", u->moved[i].input);
		add_side(&b, u->moved[i].from, u->moved[i].from_time);
		buf_adds(&b, " -> ");
		add_side(&b, u->moved[i].to, u->moved[i].to_time);
		buf_adds(&b, "\n");
	}
	return (buf_take(&b));
}
