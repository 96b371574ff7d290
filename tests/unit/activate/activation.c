#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "file.h"
#include "str.h"

#define NAME "1k6p9bn2603v8ckjdhfww94xvl1al0mw-h1"

extern char **environ;

static char dir[64], path[128];
static struct activation good;

static void
put(const char *name, mode_t mode)
{
	char *file = file_join(path, name), *parent = file_dirname(file);
	struct err e;

	assert_int_equal(file_mkdirs(parent, 0755, &e), 0);
	assert_int_equal(file_write(file, "#!/bin/sh\n", 10, mode, &e), 0);
	free(parent);
	free(file);
}

/* A closure as nix would have made it, in a store of our own. */
static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/nixfleet-activate-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return (-1);
	setenv("NIX_STORE_DIR", dir, 1);
	snprintf(path, sizeof(path), "%s/" NAME, dir);
	put("bin/activate", 0755);
	put("bin/other", 0644);
	good = (struct activation){ .dir = dir,
		.op = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .kind = DEPLOY_CUSTOM,
		.profile = "/tmp/profile", .path = path, .timeout = 1000 };
	return (0);
}

static int
teardown(void **state)
{
	struct err e;

	(void)state;
	return (file_rmtree(dir, &e));
}

static void
refused(const struct activation *a, enum err_code code, const char *text)
{
	struct err e;

	assert_int_equal(activation_check(a, &e), -1);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" is not in: %s", text, e.text);
	assert_int_equal(e.code, code);
}

/* Every argument is checked here, whoever checked it before. */
static void
test_arguments(void **state)
{
	struct activation a = good;
	char inside[160];
	struct err e;

	(void)state;
	assert_int_equal(activation_check(&a, &e), 0);
	a.op = "../../etc";
	refused(&a, ERR_INPUT, "not a ULID");
	a = good;
	a.profile = "profile";
	refused(&a, ERR_INPUT, "absolute path");
	a.profile = "/nix/../etc/passwd";
	refused(&a, ERR_INPUT, "absolute path");
	a = good;
	a.path = "/bin";
	refused(&a, ERR_INPUT, "not a store path");
	snprintf(inside, sizeof(inside), "%s/bin", path);
	a.path = inside;
	refused(&a, ERR_INPUT, "not a store path");
	snprintf(inside, sizeof(inside), "%s/" NAME "-gone", dir);
	refused(&a, ERR_NOTFOUND, "-gone");
}

/* The program is in the closure and nowhere else. */
static void
test_program(void **state)
{
	static const char *const bad[] = { "/bin/sh", "../x", "a/../../x",
		"", "..", "bin/.." };
	struct activation a = good;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		a.program = bad[i];
		refused(&a, ERR_INPUT, "relative path");
	}
	a.program = "bin/other";
	refused(&a, ERR_SYS, "cannot be activated as custom");
	a.program = "bin/none";
	refused(&a, ERR_NOTFOUND, "cannot be activated as custom");
	a.program = NULL;
	a.kind = DEPLOY_HOME;
	refused(&a, ERR_NOTFOUND, "cannot be activated as home");
}

/* Only nixos knows how to do anything but switch. */
static void
test_modes(void **state)
{
	struct activation a = good;

	(void)state;
	a.mode = DEPLOY_BOOT;
	refused(&a, ERR_REFUSED, "hosts of kind custom know no boot");
	a.kind = DEPLOY_HOME;
	a.mode = DEPLOY_DRY;
	refused(&a, ERR_REFUSED, "hosts of kind home know no dry-activate");
}

/* Run the program itself; its exit status. */
static int
run(const char *args, char **out)
{
	char *command = str_printf("exec %s %s 2>&1", NIXFLEET_ACTIVATE, args);
	const char *const argv[] = { "sh", "-c", command, NULL };
	const struct proc_spec spec = { .argv = argv,
		.env = (const char *const *)environ, .deadline = 10000,
		.stop_fd = -1, .keep_out = 10000 };
	struct proc_result res = { 0 };
	struct err e;
	int code;

	assert_int_equal(proc_run(&spec, &res, &e), 0);
	assert_int_equal(res.end, PROC_EXITED);
	code = res.code;
	*out = buf_take(&res.out);
	proc_result_free(&res);
	free(command);
	return (code);
}

#define SERVE "serve --dir /x --user root --socket /x --kind "

/* Wrong usage is 2 and says what was wrong. */
static void
test_usage(void **state)
{
	static const struct {
		const char *args;
		int code;
		const char *text;
	} rows[] = {
		{ "--version", 0, "nixfleet-activate " NIXFLEET_VERSION "\n" },
		{ "--help", 0, "--backup-extension" },
		{ "", 2, "a verb is missing" },
		{ "explode", 2, "unknown verb \"explode\"" },
		{ "activate --nope", 2, "unknown option \"--nope\"" },
		{ "activate --dir", 2, "a value is missing after \"--dir\"" },
		{ "activate --dir /x", 2, "required: \"--op\"" },
		{ "activate --dir /x --op x --kind cat --profile /x --path /x "
		  "--timeout 1", 2, "not a kind: \"cat\"" },
		{ "activate --dir /x --op x --kind home --profile /x --path /x "
		  "--timeout 0", 2, "not a timeout" },
		{ "activate --dir /x --op x --kind nixos --profile /x --path "
		  "/x --timeout 1 --mode test-then-commit", 2, "not a mode" },
		{ "rebuild --dir /x --op x --kind nixos --profile /x --path /x "
		  "--timeout 1", 2, "needs a command" },
		{ "status --dir /nonexistent", 1, "/nonexistent" },
		{ SERVE "home", 2, "not a kind of system: \"home\"" },
		{ SERVE "custom", 2, "required for the kind custom: "
		  "\"--profile\"" },
		{ SERVE "custom --profile x", 2, "profile \"x\" must be an "
		  "absolute path" },
		{ SERVE "custom --profile /x --program ../x", 2, "program "
		  "\"../x\" must be a relative path inside" },
		{ SERVE "nixos --program x", 2, "only the kind custom knows "
		  "\"--program\"" },
		{ "activate --dir /nonexistent --op x --kind home --profile /x "
		  "--path /x --timeout 9", 1, "/nonexistent/lock" },
	};
	size_t i;
	char *out;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(run(rows[i].args, &out), rows[i].code);
		if (strstr(out, rows[i].text) == NULL)
			fail_msg("%s: %s", rows[i].args, out);
		free(out);
	}
}

/* What is refused is recorded as refused, and status tells. */
static void
test_refusal_is_recorded(void **state)
{
	char *args, *out, *record = file_join(dir, "op");
	struct err e;

	(void)state;
	assert_int_equal(file_mkdirs(record, 0700, &e), 0);
	args = str_printf("activate --dir %s --op %s --kind custom --profile "
	    "/tmp/p --path /bin --timeout 1000", record, good.op);
	assert_int_equal(run(args, &out), 1);
	assert_string_equal(out, "");
	free(out);
	free(args);
	args = str_printf("status --dir %s", record);
	assert_int_equal(run(args, &out), 0);
	assert_true(str_prefix(out, "done refused\n\"/bin\" is not a store"));
	free(out);
	free(args);
	free(record);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_arguments),
		TEST(test_program),
		TEST(test_modes),
		TEST(test_usage),
		TEST(test_refusal_is_recorded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
