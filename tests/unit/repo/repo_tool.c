/*
 * Drives the library for the end-to-end tests:
 *
 *	repo_tool KEY=VALUE ... OPERATION [ARGUMENT ...]
 *
 * One JSON object on stdout; notes and the output of git on stderr.  Exit 0,
 * 1 (the operation failed), or 2 (used wrongly).
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repo.h"
#include "str.h"

static void
on_line(void *cookie, enum proc_stream s, const char *p, size_t n)
{
	(void)cookie;
	fprintf(stderr, "%s| %.*s\n", s == PROC_OUT ? "out" : "err", (int)n, p);
}

static void
on_note(void *cookie, const char *text)
{
	(void)cookie;
	fprintf(stderr, "note| %s\n", text);
}

static int
print(json_t *obj)
{
	json_dumpf(obj, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(obj);
	return (0);
}

static json_t *
change_json(const struct repo_change *c)
{
	return (json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "from", c->from,
	    "to", c->to, "changed", c->changed, "forced", c->forced,
	    "cloned", c->cloned, "repaired", c->repaired));
}

typedef int	 op_fn(struct repo *, char **, struct err *);

static int
op_ensure(struct repo *r, char **args, struct err *e)
{
	struct repo_change ch;

	(void)args;
	if (repo_ensure(r, &ch, e) == -1)
		return (-1);
	return (print(change_json(&ch)));
}

static int
op_pull(struct repo *r, char **args, struct err *e)
{
	struct repo_change ch;

	(void)args;
	if (repo_pull(r, &ch, e) == -1)
		return (-1);
	return (print(change_json(&ch)));
}

static int
op_reset(struct repo *r, char **args, struct err *e)
{
	struct repo_change ch;

	(void)args;
	if (repo_reset(r, &ch, e) == -1)
		return (-1);
	return (print(change_json(&ch)));
}

static int
op_accept(struct repo *r, char **args, struct err *e)
{
	struct repo_change ch;

	if (repo_accept(r, args[0], &ch, e) == -1)
		return (-1);
	return (print(change_json(&ch)));
}

static int
op_maintain(struct repo *r, char **args, struct err *e)
{
	struct repo_maintain m;

	(void)args;
	if (repo_maintain(r, &m, e) == -1)
		return (-1);
	return (print(json_pack("{s:b, s:b, s:b, s:I, s:I}", "skipped",
	    m.skipped, "checked", m.checked, "repacked", m.repacked,
	    "before", (json_int_t)m.before, "after", (json_int_t)m.after)));
}

static int
op_update(struct repo *r, char **args, struct err *e)
{
	bool dry = args[0] != NULL && str_eq(args[0], "--dry-run");
	const char *inputs[32];
	struct repo_update u;
	json_t *moved;
	size_t n = 0;

	for (args += dry; *args != NULL && n < 31; args++)
		inputs[n++] = *args;
	inputs[n] = NULL;
	if (repo_update(r, inputs, dry, &u, e) == -1)
		return (-1);
	moved = json_array();
	for (n = 0; n < u.nmoved; n++)
		json_array_append_new(moved, json_pack("[s, s?, s?]",
		    u.moved[n].input, u.moved[n].from, u.moved[n].to));
	print(json_pack("{s:b, s:b, s:b, s:i, s:s?, s:o, s:o}",
	    "changed", u.changed, "pushed", u.pushed, "no_push", u.no_push,
	    "rounds", u.rounds, "message", u.message, "moved", moved,
	    "change", change_json(&u.change)));
	repo_update_free(&u);
	return (0);
}

static int
op_verify(struct repo *r, char **args, struct err *e)
{
	struct repo_verify v;

	(void)args;
	if (repo_verify(r, &v, e) == -1)
		return (-1);
	print(json_pack("{s:b, s:I, s:I, s:s}", "sound", v.sound,
	    "problems", (json_int_t)v.nproblems, "files",
	    (json_int_t)v.files, "text", v.text.len > 0 ? v.text.data : ""));
	repo_verify_free(&v);
	return (0);
}

static int
op_export(struct repo *r, char **args, struct err *e)
{
	if (repo_export(r, args[0], args[1], e) == -1)
		return (-1);
	return (print(json_object()));
}

static int
op_check(struct repo *r, char **args, struct err *e)
{
	char tip[REPO_REV] = "";

	(void)args;
	if (repo_check(r, tip, e) == -1)
		return (-1);
	return (print(json_pack("{s:s}", "tip", tip)));
}

static int
op_status(struct repo *r, char **args, struct err *e)
{
	struct repo_status s;

	(void)args;
	if (repo_status(r, &s, e) == -1)
		return (-1);
	print(json_pack("{s:s?, s:s?, s:b, s:s, s:I, s:I, s:s, s:s?, s:I, "
	    "s:s, s:b}",
	    "url", s.url, "branch", s.branch, "present", s.present,
	    "head", s.head, "last_success", (json_int_t)s.last_success,
	    "last_failure", (json_int_t)s.last_failure,
	    "fail", repo_fail_name(s.fail), "fail_text", s.fail_text,
	    "bytes", (json_int_t)s.bytes, "refused", s.refused, "lfs",
	    s.lfs));
	repo_status_free(&s);
	return (0);
}

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	json_array_append_new(cookie, json_pack("{s:s, s:s, s:s, s:I, s:s}",
	    "rev", c->rev, "author", c->author, "email", c->email, "time",
	    (json_int_t)c->time, "subject", c->subject));
}

/* "-" is NULL. */
static const char *
rev(const char *s)
{
	return (s == NULL || str_eq(s, "-") ? NULL : s);
}

static int
op_log(struct repo *r, char **args, struct err *e)
{
	json_t *list = json_array();

	if (repo_log(r, rev(args[0]), rev(args[1]), 100, on_commit, list,
	    e) == -1) {
		json_decref(list);
		return (-1);
	}
	return (print(list));
}

static int
op_count(struct repo *r, char **args, struct err *e)
{
	int64_t n = repo_count(r, rev(args[0]), rev(args[1]), e);

	if (n == -1)
		return (-1);
	return (print(json_pack("{s:I}", "count", (json_int_t)n)));
}

static int
op_show(struct repo *r, char **args, struct err *e)
{
	struct buf b = { 0 };

	if (repo_show(r, rev(args[0]), args[1], 1 << 20, &b, e) == -1)
		return (-1);
	fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
	return (0);
}

static const struct {
	const char *name;
	op_fn *fn;
} ops[] = {
	{ "ensure", op_ensure }, { "pull", op_pull }, { "reset", op_reset },
	{ "update", op_update }, { "accept", op_accept },
	{ "maintain", op_maintain }, { "export", op_export },
	{ "verify", op_verify }, { "check", op_check },
	{ "status", op_status }, { "log", op_log },
	{ "count", op_count }, { "show", op_show },
};

static int
set(struct repo_conf *c, const char *key, const char *v)
{
	const struct {
		const char *name;
		const char **to;
	} strings[] = { { "url", &c->url }, { "branch", &c->branch },
		{ "dir", &c->dir }, { "state", &c->state_dir },
		{ "key", &c->ssh_key }, { "known", &c->known_hosts },
		{ "token", &c->token_file }, { "legacy", &c->legacy_dir },
		{ "subdir", &c->subdir }, { "seed", &c->seed },
		{ "signing", &c->signing_key },
		{ "signers", &c->allowed_signers },
		{ "gpg", &c->gpg_keys }, { "name", &c->commit_name },
		{ "email", &c->commit_email } };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (str_eq(strings[i].name, key)) {
			*strings[i].to = v;
			return (0);
		}
	if (str_eq(key, "depth"))
		c->depth = atoi(v);
	else if (str_eq(key, "submodules"))
		c->submodules = atoi(v) != 0;
	else if (str_eq(key, "ff"))
		c->fast_forward = atoi(v) != 0;
	else if (str_eq(key, "timeout"))
		c->fetch_timeout_ms = atoi(v);
	else
		return (-1);
	return (0);
}

static int
run(struct repo *r, const char *name, char **args)
{
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!str_eq(ops[i].name, name))
			continue;
		if (ops[i].fn(r, args, &e) == 0)
			return (0);
		print(json_pack("{s:s, s:s, s:s}", "fail",
		    repo_fail_name(repo_last_fail(r)), "code",
		    err_name(e.code), "text", e.text));
		return (1);
	}
	fprintf(stderr, "repo_tool: no operation \"%s\"\n", name);
	return (2);
}

int
main(int argc, char **argv)
{
	struct repo_conf conf = { .branch = "main", .stop_fd = -1,
		.on_line = on_line, .on_note = on_note };
	struct repo *r;
	struct err e;
	char *eq;
	int rc;

	if (repo_askpass_wanted())
		return (repo_askpass_main(argc, argv));
	signal(SIGPIPE, SIG_IGN);
	for (argv++; *argv != NULL && (eq = strchr(*argv, '=')) != NULL;
	    argv++) {
		*eq = '\0';
		if (set(&conf, *argv, eq + 1) == -1)
			return (2);
	}
	if (*argv == NULL)
		return (2);
	if (repo_open(&conf, &r, &e) == -1) {
		print(json_pack("{s:s, s:s, s:s}", "fail", "config", "code",
		    err_name(e.code), "text", e.text));
		return (1);
	}
	rc = run(r, argv[0], argv + 1);
	repo_free(&r);
	return (rc);
}
