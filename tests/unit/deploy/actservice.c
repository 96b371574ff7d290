#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "nixfixture.h"
#include "nixstore.h"
#include "str.h"
#include "tick.h"

extern char **environ;

/* A fixture whose systems go through a service of its own. */
static struct {
	struct nixfixture x;
	char *socket, *dir;
	pid_t pid;
	int refusals;		/* of on_confirm, before it agrees */
} fix;

static int
on_confirm(void *cookie, int64_t limit, struct err *e)
{
	(void)cookie;
	(void)limit;
	if (fix.refusals == 0)
		return (0);
	fix.refusals--;
	return (err_set(e, ERR_NET, "the hub does not answer"));
}

static void
start(void)
{
	const char *const argv[] = { NIXFLEET_ACTIVATE, "serve", "--dir",
		fix.dir, "--socket", fix.socket, "--user", "root", "--kind",
		"nixos", "--profile", fix.x.profile, NULL };
	const int64_t end = tick_mono() + 10000;
	struct err e;

	fix.pid = proc_detach(argv, (const char *const *)environ, "/",
	    STDERR_FILENO, &e);
	assert_true(fix.pid > 0);
	while (!file_exists(fix.socket)) {
		assert_true(tick_mono() < end);
		usleep(5000);
	}
}

static int
setup(void **state)
{
	struct deploy_conf *c = &fix.x.conf;

	(void)state;
	if (nixfixture_open(&fix.x) == -1)
		return (-1);
	fix.socket = file_join(fix.x.dir, "socket");
	fix.dir = file_join(fix.x.dir, "service");
	fix.refusals = 0;
	c->kind = DEPLOY_NIXOS;
	c->flake_attr = NULL;
	c->service_socket = fix.socket;
	c->service_dir = fix.dir;
	c->confirm_timeout = 20000;
	c->confirm = on_confirm;
	start();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	kill(fix.pid, SIGKILL);
	nixfixture_close(&fix.x);
	free(fix.socket);
	free(fix.dir);
	return (0);
}

/* A system whose activation does ${what}, activated. */
static void
switch_to(const char *what, const char *outcome, struct deploy_result *res)
{
	const char *rev = nixfixture_commit(&fix.x, what);

	nixfixture_switch(&fix.x, rev, res);
	if (!str_eq(deploy_outcome_name(res->outcome), outcome))
		fail_msg("%s: %s", deploy_outcome_name(res->outcome),
		    res->text);
}

static void
check_profile(const char *want)
{
	char *now = nixstore_resolve(fix.x.profile);

	assert_string_equal(now, want);
	free(now);
}

/* What is confirmed, perhaps not at once, stays. */
static void
test_confirmed(void **state)
{
	struct deploy_result res;

	(void)state;
	switch_to("echo one $1", "ok", &res);
	assert_non_null(strstr(fix.x.lines.data, "o one switch\n"));
	deploy_result_free(&res);
	fix.refusals = 1;
	switch_to("echo two", "ok", &res);
	assert_int_equal(fix.refusals, 0);
	assert_non_null(strstr(fix.x.lines.data, "n not confirmed yet: the "
	    "hub does not answer\n"));
	check_profile(res.path);
	deploy_result_free(&res);
}

/* What nobody confirms is undone by the closure that was there. */
static void
test_not_confirmed(void **state)
{
	struct deploy_result first, res;

	(void)state;
	switch_to("echo back to one", "ok", &first);
	fix.refusals = 1000;
	fix.x.conf.confirm_timeout = 300;
	switch_to("echo two", "rolled_back", &res);
	/* Said by us, or, where we came late, by the service's own clock. */
	assert_true(strstr(res.text, "nobody confirmed within") != NULL ||
	    strstr(res.text, "the hub does not answer") != NULL);
	check_profile(first.path);
	assert_non_null(strstr(fix.x.lines.data, "o two\nn "));
	assert_non_null(strstr(strstr(fix.x.lines.data, "o two\n"),
	    "o back to one\n"));
	deploy_result_free(&first);
	deploy_result_free(&res);
}

/* What fails is undone too, with its reason. */
static void
test_failed(void **state)
{
	struct deploy_result first, res;

	(void)state;
	switch_to("true", "ok", &first);
	switch_to("exit 2", "rolled_back", &res);
	assert_non_null(strstr(res.text, "exit status 2"));
	check_profile(first.path);
	deploy_result_free(&first);
	deploy_result_free(&res);
}

/* Another service finds what the helper left half done, and undoes it. */
static void
test_helper_killed(void **state)
{
	struct deploy_result first, res;

	(void)state;
	switch_to("touch $here/back", "ok", &first);
	free(nixfixture_sh(&fix.x, "rm back"));
	switch_to("sed -n 's/.*\"pid\": \\([0-9]*\\).*/\\1/p' "
	    "$here/service/*/record.json | tail -n 1 | xargs kill -9",
	    "rolled_back", &res);
	assert_non_null(strstr(res.text, "was killed"));
	assert_true(nixfixture_has(&fix.x, "back"));
	check_profile(first.path);
	deploy_result_free(&first);
	deploy_result_free(&res);
}

/* A service that is not there is said to be so; nothing is begun. */
static void
test_no_service(void **state)
{
	struct deploy_request req = { .mode = DEPLOY_SWITCH };
	struct deploy_result res;
	struct deploy_build b;
	struct err e;
	const char *rev = nixfixture_commit(&fix.x, "true");

	(void)state;
	kill(fix.pid, SIGKILL);
	assert_int_equal(deploy_build(&fix.x.conf, rev, &b, &e), 0);
	req.op_id = nixfixture_op(&fix.x);
	req.path = b.path;
	assert_int_equal(deploy_activate(&fix.x.conf, &req, &res, &e), -1);
	assert_non_null(strstr(e.text, "activation service"));
	assert_int_equal(e.code, ERR_NET);
	deploy_build_free(&b);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_confirmed),
		TEST(test_not_confirmed),
		TEST(test_failed),
		TEST(test_helper_killed),
		TEST(test_no_service),
	};

	if (geteuid() != 0) {
		puts("not root: systems cannot be activated here");
		return (77);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
