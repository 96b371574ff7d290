#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actclient.h"
#include "actrequest.h"
#include "file.h"
#include "nixfixture.h"
#include "nixstore.h"
#include "str.h"
#include "tick.h"

extern char **environ;

/* A fixture whose closures go through a service of its own. */
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

/* ${program} is custom's, as the unit names it: "" for none. */
static void
start(enum deploy_kind kind, const char *program)
{
	const char *const argv[] = { NIXFLEET_ACTIVATE, "serve", "--dir",
		fix.dir, "--socket", fix.socket, "--user", "root", "--kind",
		deploy_kind_name(kind), "--profile", fix.x.profile,
		"--program", program, NULL };
	const int64_t end = tick_mono() + 10000;
	struct err e;

	fix.pid = proc_detach(argv, (const char *const *)environ, "/",
	    STDERR_FILENO, &e);
	assert_true(fix.pid > 0);
	while (!file_exists(fix.socket)) {
		assert_true(tick_mono() < end);
		usleep(5000);
	}
	/* The file is there before anybody listens. */
	while (deploy_check_service(&fix.x.conf, &e) == -1 &&
	    e.code == ERR_NET) {
		assert_true(tick_mono() < end);
		usleep(5000);
	}
}

static int
fixture(void)
{
	struct deploy_conf *c = &fix.x.conf;

	if (nixfixture_open(&fix.x) == -1)
		return (-1);
	fix.socket = file_join(fix.x.dir, "socket");
	fix.dir = file_join(fix.x.dir, "service");
	fix.refusals = 0;
	c->service_socket = fix.socket;
	c->service_dir = fix.dir;
	c->confirm_timeout = 20000;
	c->confirm = on_confirm;
	return (0);
}

static int
setup(void **state)
{
	(void)state;
	if (fixture() == -1)
		return (-1);
	fix.x.conf.kind = DEPLOY_NIXOS;
	fix.x.conf.flake_attr = NULL;
	start(DEPLOY_NIXOS, "");
	return (0);
}

/* A custom host whose service runs what no closure calls by default. */
static int
setup_custom(void **state)
{
	(void)state;
	if (fixture() == -1)
		return (-1);
	fix.x.conf.by_service = true;
	start(DEPLOY_CUSTOM, "activate");
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

/* What a worker has done when it is killed before it says "activate". */
static void
prepare(const char *op, const char *path)
{
	struct actrequest ask = { .timeout = 60000 };
	struct err e;

	ask.verb = str_dup("prepare");
	ask.op = str_dup(op);
	ask.kind = str_dup("nixos");
	ask.mode = str_dup("switch");
	ask.path = str_dup(path);
	assert_int_equal(actclient_ask(&fix.x.conf, &ask, &e), 0);
	actrequest_free(&ask);
}

/* What was prepared for a worker that was killed is begun by the next. */
static void
test_prepared_only(void **state)
{
	const char *rev = nixfixture_commit(&fix.x, "echo done");
	struct deploy_result res;
	struct deploy_build b;
	struct err e;

	(void)state;
	assert_int_equal(deploy_build(&fix.x.conf, rev, &b, &e), 0);
	assert_int_equal(deploy_reattach(&fix.x.conf, nixfixture_op(&fix.x), 0,
	    &res, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	prepare(nixfixture_op(&fix.x), b.path);
	assert_int_equal(deploy_reattach(&fix.x.conf, fix.x.op, 0, &res, &e),
	    0);
	assert_string_equal(deploy_outcome_name(res.outcome), "ok");
	assert_non_null(strstr(fix.x.lines.data, "o done\n"));
	check_profile(b.path);
	deploy_result_free(&res);
	deploy_build_free(&b);
}

/* Lets the activation end that this one has to wait for. */
static void
on_note(void *cookie, enum deploy_stream stream, const char *line, size_t n)
{
	(void)cookie;
	if (stream == DEPLOY_NOTE && n > 0 && strstr(line, "waiting for its "
	    "end") != NULL)
		free(nixfixture_sh(&fix.x, "touch go"));
}

/* What an earlier one has not ended yet is waited for, not refused. */
static void
test_waits_for_its_turn(void **state)
{
	struct deploy_request first = { .mode = DEPLOY_SWITCH }, second;
	const int64_t end = tick_mono() + 60000;
	struct deploy_result res;
	struct deploy_build b;
	struct err e = { 0 };
	int stop[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(deploy_build(&fix.x.conf, nixfixture_commit(&fix.x,
	    "touch $here/half; while [ ! -e $here/go ]; do sleep 0.05; done"),
	    &b, &e), 0);
	second = first;
	first.path = second.path = b.path;
	first.op_id = str_dup(nixfixture_op(&fix.x));
	if ((pid = fork()) == 0)
		_exit(deploy_activate(&fix.x.conf, &first, &res, &e) == -1);
	while (!nixfixture_has(&fix.x, "half")) {
		assert_true(tick_mono() < end);
		usleep(5000);
	}
	/* Unless a stop is asked for. */
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(write(stop[1], "", 1), 1);
	fix.x.conf.stop_fd = stop[0];
	second.op_id = nixfixture_op(&fix.x);
	assert_int_equal(deploy_activate(&fix.x.conf, &second, &res, &e), -1);
	assert_int_equal(e.code, ERR_STOPPED);
	fix.x.conf.stop_fd = -1;
	fix.x.conf.on_line = on_note;
	second.op_id = nixfixture_op(&fix.x);
	assert_int_equal(deploy_activate(&fix.x.conf, &second, &res, &e), 0);
	assert_string_equal(deploy_outcome_name(res.outcome), "ok");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(stop[0]);
	close(stop[1]);
	deploy_result_free(&res);
	deploy_build_free(&b);
	free((void *)(uintptr_t)first.op_id);
}

/* A custom closure is activated by the service's program, and undone by it. */
static void
test_custom(void **state)
{
	struct deploy_result first, res;

	(void)state;
	switch_to("echo \"one by ${0##*h1-1.0/}, $#\"", "ok", &first);
	assert_non_null(strstr(fix.x.lines.data, "o one by activate, 0\n"));
	check_profile(first.path);
	fix.refusals = 1000;
	fix.x.conf.confirm_timeout = 300;
	switch_to("echo two", "rolled_back", &res);
	assert_non_null(strstr(strstr(fix.x.lines.data, "o two\n"),
	    "o one by activate, 0\n"));
	check_profile(first.path);
	deploy_result_free(&first);
	deploy_result_free(&res);
	/* 4 has a meaning for nixos only. */
	switch_to("exit 4", "rolled_back", &res);
	assert_non_null(strstr(res.text, "exit status 4"));
	deploy_result_free(&res);
}

static void
refused(const char *text)
{
	struct err e;

	assert_int_equal(deploy_check_service(&fix.x.conf, &e), -1);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" is not in: %s", text, e.text);
}

/* A service for others is found out before anything is built. */
static void
test_service_for_others(void **state)
{
	struct deploy_request req = { .mode = DEPLOY_SWITCH };
	struct deploy_conf *c = &fix.x.conf;
	struct deploy_result res;
	struct deploy_build b;
	struct err e;

	(void)state;
	assert_int_equal(deploy_check_service(c, &e), 0);
	c->activate_program = "activate";
	assert_int_equal(deploy_check_service(c, &e), 0);
	c->activate_program = "bin/activate";
	refused("the program that is run here is activate, not bin/activate");
	assert_int_equal(deploy_build(c, nixfixture_commit(&fix.x, "true"),
	    &b, &e), 0);
	req.op_id = nixfixture_op(&fix.x);
	req.path = b.path;
	assert_int_equal(deploy_activate(c, &req, &res, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	deploy_build_free(&b);
	c->profile = "/tmp/other";
	refused("the profile that is set here is ");
	c->kind = DEPLOY_NIXOS;
	refused("systems of kind custom are activated here, not nixos");
	kill(fix.pid, SIGKILL);
	/* It may hang up still, or be gone. */
	refused("of no use to this host: the activation service ");
}

/* What excludes the service, and a service that is not there, is said. */
static void
test_by_service(void **state)
{
	struct deploy_conf *c = &fix.x.conf;
	struct err e;

	(void)state;
	assert_int_equal(deploy_check(c, &e), 0);
	c->service_socket = "/no/such/socket";
	assert_int_equal(deploy_check(c, &e), -1);
	assert_non_null(strstr(e.text, "no socket /no/such/socket"));
	c->kind = DEPLOY_NIXOS;
	c->rebuild_command = "sudo nixos-rebuild";
	assert_int_equal(deploy_check(c, &e), -1);
	assert_non_null(strstr(e.text, "is \"sudo nixos-rebuild\": remove"));
	c->kind = DEPLOY_HOME;
	assert_int_equal(deploy_check(c, &e), -1);
	assert_non_null(strstr(e.text, "kind home is activated by the user"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define CUSTOM(t) cmocka_unit_test_setup_teardown(t, setup_custom, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_confirmed),
		TEST(test_not_confirmed),
		TEST(test_failed),
		TEST(test_helper_killed),
		TEST(test_no_service),
		TEST(test_prepared_only),
		TEST(test_waits_for_its_turn),
		CUSTOM(test_custom),
		CUSTOM(test_service_for_others),
		CUSTOM(test_by_service),
	};

	if (geteuid() != 0) {
		puts("not root: systems cannot be activated here");
		return (77);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
