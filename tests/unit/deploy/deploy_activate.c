#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "nixfixture.h"
#include "str.h"
#include "tick.h"

/* Wait for x->dir/${name}, at most ten seconds. */
static void
wait_for(const struct nixfixture *x, const char *name)
{
	const int64_t end = tick_mono() + 10000;

	while (!nixfixture_has(x, name)) {
		assert_true(tick_mono() < end);
		usleep(5000);
	}
}

static int
lines_with(const struct nixfixture *x, const char *text)
{
	const char *p = x->lines.data;
	int n = 0;

	while (p != NULL && (p = strstr(p, text)) != NULL) {
		n++;
		p++;
	}
	return (n);
}

/* A commit becomes what runs: built, in the profile, activated, reported. */
static void
test_switch(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;
	struct deploy_facts f;

	nixfixture_switch(x, nixfixture_commit(x,
	    "echo hello; echo oops >&2; env > $here/env; touch $here/done"),
	    &res);
	assert_string_equal(deploy_outcome_name(res.outcome), "ok");
	assert_int_equal(res.exit_code, 0);
	assert_true(res.changed);
	assert_null(res.previous);
	assert_int_equal(lines_with(x, "o hello\n"), 1);
	assert_int_equal(lines_with(x, "o oops\n"), 1);
	assert_int_equal(lines_with(x, "o h1-1.0> building h1-1.0\n"), 1);
	assert_true(nixfixture_has(x, "done"));
	assert_string_equal(x->phase, "activate");
	deploy_facts_get(&x->conf, &f);
	assert_string_equal(f.running, res.path);
	assert_string_equal(f.profile, res.path);
	assert_string_equal(f.built, res.path);
	assert_int_equal(f.generation, 1);
	assert_int_equal(f.generations, 1);
	deploy_facts_free(&f);
	deploy_result_free(&res);
	/* Our secrets are not the activation's business. */
	free(nixfixture_sh(x, "! grep NIXFLEET_ env"));
}

/* The same closure again is fine and activates nothing. */
static void
test_same_closure(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "echo x >> $here/count");
	struct deploy_result res;
	char *n;

	nixfixture_switch(x, rev, &res);
	assert_true(res.changed);
	deploy_result_free(&res);
	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_false(res.changed);
	assert_non_null(strstr(res.text, "nothing was activated"));
	deploy_result_free(&res);
	n = nixfixture_sh(x, "wc -l < count");
	assert_string_equal(str_trim(n), "1");
	free(n);
}

/* An activation that failed is run again for the same closure. */
static void
test_failed_is_repeated(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x,
	    "test -e $here/good || exit 3");
	struct deploy_result res;
	struct deploy_facts f;

	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_FAILED);
	assert_int_equal(res.exit_code, 3);
	deploy_result_free(&res);
	deploy_facts_get(&x->conf, &f);
	assert_null(f.running);
	deploy_facts_free(&f);
	free(nixfixture_sh(x, "touch good"));
	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_true(res.changed);
	deploy_result_free(&res);
}

/* switch-to-configuration's exit codes mean what nixpkgs says they mean. */
static void
test_nixos_codes(void **state)
{
	static const struct {
		int code;
		enum deploy_outcome outcome;
		bool reboot;
	} rows[] = {
		{ 0, DEPLOY_OK, false }, { 1, DEPLOY_FAILED, false },
		{ 2, DEPLOY_FAILED, false }, { 4, DEPLOY_FAILED, false },
		{ 11, DEPLOY_REFUSED, false }, { 100, DEPLOY_OK, true },
		{ 101, DEPLOY_FAILED, false }, { 77, DEPLOY_FAILED, false },
	};
	struct nixfixture *x = *state;
	struct deploy_result res;
	const char *rev;
	char command[64];
	size_t i;

	if (geteuid() != 0)
		skip();
	x->conf.kind = DEPLOY_NIXOS;
	x->conf.flake_attr = NULL;
	rev = nixfixture_commit(x, "echo $1 > $here/arg; "
	    "exit $(cat $here/code)");
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(command, sizeof(command), "echo %d > code",
		    rows[i].code);
		free(nixfixture_sh(x, command));
		nixfixture_switch(x, rev, &res);
		assert_int_equal(res.exit_code, rows[i].code);
		assert_int_equal(res.outcome, rows[i].outcome);
		assert_int_equal(res.needs_reboot, rows[i].reboot);
		deploy_result_free(&res);
	}
	free(nixfixture_sh(x, "grep -x switch arg"));
}

/* home-manager: the fallback attribute, its driver version and backups. */
static void
test_home(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;

	x->conf.kind = DEPLOY_HOME;
	x->conf.flake_attr = NULL;
	x->conf.profile = NULL;
	x->conf.backup_extension = "old";
	free(nixfixture_sh(x, "mkdir -p home/state/nix/profiles"));
	nixfixture_switch(x, nixfixture_commit(x,
	    "echo \"$* $HOME_MANAGER_BACKUP_EXT\" > $here/args"), &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	deploy_result_free(&res);
	free(nixfixture_sh(x, "grep -x -e '--driver-version 1 old' args; "
	    "test -L home/state/nix/profiles/home-manager"));
}

/* A hanging activation ends at its deadline, with all that it started. */
static void
test_hangs(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;
	const int64_t start = tick_mono();

	x->conf.activate_timeout = 500;
	nixfixture_switch(x, nixfixture_commit(x, "trap '' TERM\n"
	    "sleep 1000 & echo $! > $here/alive\n"
	    "echo hanging; while :; do sleep 1; done"), &res);
	assert_int_equal(res.outcome, DEPLOY_TIMED_OUT);
	assert_true(tick_mono() - start < 20000);
	assert_int_equal(lines_with(x, "o hanging\n"), 1);
	deploy_result_free(&res);
	nixfixture_gone(x, "alive");
}

/* A line of 100 MB is folded; memory stays small. */
static void
test_long_line(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	nixfixture_switch(x, nixfixture_commit(x,
	    "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end"), &res);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_int_equal(x->longest, PROC_LINE_MAX);
	assert_true(x->nlines > 100000000 / PROC_LINE_MAX);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 * 1024);
	deploy_result_free(&res);
}

/* One that prints without end does not fill the disk. */
static void
test_endless_output(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;

	nixfixture_switch(x, nixfixture_commit(x, "yes 0123456789 | "
	    "head -c 400000000; sleep 0.7; echo the end"), &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_true(x->nlines > 5000000);
	deploy_result_free(&res);
	free(nixfixture_sh(x, "test $(du -m state/activation/*/log | "
	    "cut -f1) -lt 150"));
	/* Who comes late is told, and gets the end. */
	buf_clear(&x->lines);
	x->nlines = 0;
	assert_int_equal(deploy_reattach(&x->conf, x->op, 30000000, &res,
	    NULL), 0);
	assert_int_equal(lines_with(x, "bytes of output were left out]\n"),
	    1);
	assert_true(x->nlines > 1000);
	deploy_result_free(&res);
}

/* Closing its outputs is not its end. */
static void
test_closes_output(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;

	nixfixture_switch(x, nixfixture_commit(x, "echo before\n"
	    "exec >&- 2>&-; sleep 0.5; touch $here/late; exit 5"), &res);
	assert_int_equal(res.exit_code, 5);
	assert_true(nixfixture_has(x, "late"));
	deploy_result_free(&res);
}

/* What it leaves running does not keep us waiting, nor is it killed. */
static void
test_leaves_daemon(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;

	nixfixture_switch(x, nixfixture_commit(x, "(trap 'exit 0' TERM; "
	    "while [ ! -e $here/stop ]; do sleep 0.1; done; "
	    "touch $here/stopped) & echo started"), &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_false(nixfixture_has(x, "stopped"));
	free(nixfixture_sh(x, "touch stop"));
	wait_for(x, "stopped");
	deploy_result_free(&res);
}

/*
 * nixfleet-activate killed: its activation goes on to its end, whose code
 * nobody knows, and that is what is said.
 */
static void
test_kills_its_parent(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_result res;

	nixfixture_switch(x, nixfixture_commit(x, "echo one; kill -9 $PPID\n"
	    "sleep 0.5; echo two; touch $here/finished"), &res);
	assert_int_equal(res.outcome, DEPLOY_INTERRUPTED);
	assert_true(nixfixture_has(x, "finished"));
	assert_int_equal(lines_with(x, "o two\n"), 1);
	assert_non_null(strstr(res.text, "was killed during"));
	deploy_result_free(&res);
	/* A second look finds the same. */
	buf_clear(&x->lines);
	assert_int_equal(deploy_reattach(&x->conf, x->op, 0, &res, NULL), 0);
	assert_int_equal(res.outcome, DEPLOY_INTERRUPTED);
	deploy_result_free(&res);
}

/* A worker killed in the middle loses neither a line nor the outcome. */
static void
test_reattach(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "echo one; touch $here/half\n"
	    "while [ ! -e $here/go ]; do sleep 0.05; done\n"
	    "echo two; exit 7");
	struct deploy_request req = { .rev = rev, .op_id = nixfixture_op(x) };
	struct deploy_result res;
	struct deploy_build b;
	struct err e;
	pid_t pid;

	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), 0);
	req.path = b.path;
	if ((pid = fork()) == 0) {
		if (deploy_activate(&x->conf, &req, &res, &e) == -1)
			_exit(1);
		_exit(0);
	}
	wait_for(x, "half");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The same operation is not started twice. */
	assert_int_equal(deploy_activate(&x->conf, &req, &res, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	/* Another one has to wait. */
	req.op_id = nixfixture_op(x);
	assert_int_equal(deploy_activate(&x->conf, &req, &res, &e), 0);
	assert_int_equal(res.outcome, DEPLOY_REFUSED);
	assert_non_null(strstr(res.text, "another activation is running"));
	deploy_result_free(&res);
	free(nixfixture_sh(x, "ls state/activation | head -1 > first; "
	    "touch go"));
	req.op_id = str_trim(nixfixture_sh(x, "cat first"));
	buf_clear(&x->lines);
	assert_int_equal(deploy_reattach(&x->conf, req.op_id, 1, &res, &e), 0);
	assert_int_equal(res.outcome, DEPLOY_FAILED);
	assert_int_equal(res.exit_code, 7);
	assert_string_equal(x->lines.data, "o two\n");
	deploy_result_free(&res);
	/* And again, after it is over. */
	assert_int_equal(deploy_reattach(&x->conf, req.op_id, 0, &res, &e), 0);
	assert_int_equal(res.exit_code, 7);
	assert_string_equal(x->lines.data, "o two\no one\no two\n");
	deploy_result_free(&res);
	free((void *)(uintptr_t)req.op_id);
	deploy_build_free(&b);
	assert_int_equal(deploy_reattach(&x->conf, nixfixture_op(x), 0, &res,
	    &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

/*
 * The worker killed at any moment: either nothing was started, or it ran
 * exactly once and its true outcome is found.
 */
static void
test_random_kills(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x,
	    "echo run >> $here/runs; sleep 0.03; exit 7");
	struct deploy_request req = { .rev = rev };
	struct deploy_result res;
	struct deploy_build b;
	struct err e;
	int i, started = 0, r;
	char *runs;
	pid_t pid;

	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), 0);
	req.path = b.path;
	for (i = 0; i < 40; i++) {
		req.op_id = nixfixture_op(x);
		if ((pid = fork()) == 0) {
			r = deploy_activate(&x->conf, &req, &res, &e);
			_exit(r == 0 ? 0 : 1);
		}
		usleep((useconds_t)(i * i * 100));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (deploy_reattach(&x->conf, req.op_id, 0, &res, &e) == 0) {
			assert_int_equal(res.outcome, DEPLOY_FAILED);
			assert_int_equal(res.exit_code, 7);
			deploy_result_free(&res);
			started++;
		} else
			assert_true(e.code == ERR_NOTFOUND ||
			    strstr(e.text, "was not started") != NULL);
	}
	runs = nixfixture_sh(x, "touch runs; wc -l < runs");
	assert_int_equal(atoi(runs), started);
	assert_true(started > 0);
	free(runs);
	deploy_build_free(&b);
}

/* A stop does not tear an activation in half. */
static void
test_stop_waits(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x,
	    "sleep 0.5; touch $here/finished");
	struct deploy_request req = { .rev = rev, .op_id = nixfixture_op(x) };
	struct deploy_result res;
	struct deploy_build b;
	struct err e;
	int fds[2];

	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), 0);
	req.path = b.path;
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);	/* readable from now on */
	x->conf.stop_fd = fds[0];
	assert_int_equal(deploy_activate(&x->conf, &req, &res, &e), 0);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_true(nixfixture_has(x, "finished"));
	assert_int_equal(lines_with(x, "n a stop was asked for"), 1);
	close(fds[0]);
	deploy_result_free(&res);
	deploy_build_free(&b);
}

static void
switch_to(struct nixfixture *x, const char *host, const char *rev)
{
	struct deploy_result res;

	x->conf.host = host;
	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	deploy_result_free(&res);
}

static void
roll_back(struct nixfixture *x, int64_t generation, const char *name,
    int64_t number)
{
	const struct deploy_request req = { .op_id = nixfixture_op(x),
		.generation = generation };
	struct deploy_result res;
	struct deploy_facts f;
	struct err e;

	if (deploy_rollback(&x->conf, &req, &res, &e) == -1)
		fail_msg("%s", e.text);
	assert_int_equal(res.outcome, DEPLOY_OK);
	assert_true(str_suffix(res.path, name));
	deploy_result_free(&res);
	deploy_facts_get(&x->conf, &f);
	assert_int_equal(f.generation, number);
	assert_true(str_suffix(f.running, name));
	deploy_facts_free(&f);
}

/* Generation 9 comes before 10; twice back is two steps; named ones too. */
static void
test_rollback(void **state)
{
	static const char *const hosts[] = { "v1", "v2", "v3", "v4", "v5",
		"v6", "v7", "v8", "v9", "v10" };
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "echo $0 >> $here/activated");
	struct deploy_request req = { .generation = 99 };
	struct deploy_result res;
	struct err e;
	size_t i;

	x->conf.flake_attr = "gens.\"{host}\"";
	for (i = 0; i < 10; i++)
		switch_to(x, hosts[i], rev);
	roll_back(x, 0, "-gen-9", 9);
	roll_back(x, 0, "-gen-8", 8);
	roll_back(x, 10, "-gen-10", 10);
	roll_back(x, 0, "-gen-9", 9);
	free(nixfixture_sh(x, "tail -1 activated | grep gen-9/bin/activate"));
	req.op_id = nixfixture_op(x);
	assert_int_equal(deploy_rollback(&x->conf, &req, &res, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

/* With no earlier generation there is a clear refusal. */
static void
test_rollback_nothing(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_request req = { .op_id = nixfixture_op(x) };
	struct deploy_result res;
	struct err e;

	assert_int_equal(deploy_rollback(&x->conf, &req, &res, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "nothing to roll back to"));
}

/* The system's own rebuild command, with the commit fixed. */
static void
test_rebuild_command(void **state)
{
	struct nixfixture *x = *state;
	const char *rev;
	struct deploy_result res;
	char *command, *want;

	x->conf.kind = DEPLOY_NIXOS;
	x->conf.flake_attr = NULL;
	command = str_printf("env VIA=rebuild %s/rebuild", x->dir);
	x->conf.rebuild_command = command;
	free(nixfixture_sh(x, "printf '#!/bin/sh\\necho \"$*\" > $here/args\\n"
	    "nix-env -p %s --set $(readlink $here/state/roots/built)\\n' "
	    "$here/profiles/custom > rebuild; chmod 755 rebuild; "
	    "mkdir profiles"));
	rev = nixfixture_commit(x, "exit 1");
	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	want = str_printf("grep -x 'switch --flake git+file://%s?rev=%s#h1' "
	    "args", x->repo, rev);
	free(nixfixture_sh(x, want));
	free(want);
	free(command);
	deploy_result_free(&res);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NIXFIXTURE_TEST(test_switch),
		NIXFIXTURE_TEST(test_same_closure),
		NIXFIXTURE_TEST(test_failed_is_repeated),
		NIXFIXTURE_TEST(test_nixos_codes),
		NIXFIXTURE_TEST(test_home),
		NIXFIXTURE_TEST(test_hangs),
		NIXFIXTURE_TEST(test_long_line),
		NIXFIXTURE_TEST(test_endless_output),
		NIXFIXTURE_TEST(test_closes_output),
		NIXFIXTURE_TEST(test_leaves_daemon),
		NIXFIXTURE_TEST(test_kills_its_parent),
		NIXFIXTURE_TEST(test_reattach),
		NIXFIXTURE_TEST(test_random_kills),
		NIXFIXTURE_TEST(test_stop_waits),
		NIXFIXTURE_TEST(test_rollback),
		NIXFIXTURE_TEST(test_rollback_nothing),
		NIXFIXTURE_TEST(test_rebuild_command),
	};

	if (system("command -v nix git >/dev/null") != 0) {
		fprintf(stderr, "nix or git is missing\n");
		return (77);	/* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
