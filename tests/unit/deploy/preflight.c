#include <sys/mount.h>

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deploy.h"
#include "file.h"
#include "preflight.h"
#include "scratch.h"
#include "str.h"

#define BYTES (3 * 1024 * 1024)

static int
setup(void **state)
{
	(void)state;
	scratch_begin();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	umount2(scratch_path("small"), MNT_DETACH);
	scratch_end();
	return (0);
}

/* A file system of that size at "small". */
static void
small(const char *size)
{
	struct err e;

	assert_int_equal(file_mkdirs(scratch_path("small"), 0755, &e), 0);
	if (mount("tmpfs", scratch_path("small"), "tmpfs", 0, size) == -1)
		skip();		/* a container that may not */
}

/* A system with a kernel of its own. */
static char *
system_of(const char *name, size_t bytes)
{
	char *dir = str_dup(scratch_path(name)), *path;
	char *data = str_alloc(bytes);
	struct err e;

	assert_int_equal(file_mkdirs(dir, 0755, &e), 0);
	path = file_join(dir, "kernel");
	assert_int_equal(file_write(path, data, bytes, 0644, &e), 0);
	free(path);
	free(data);
	return (dir);
}

/* A boot partition without room for the new kernel is told of before. */
static void
test_boot(void **state)
{
	char *now = system_of("now", BYTES), *next = system_of("next", BYTES);
	char *tiny = system_of("tiny", 1000), *boot;
	struct err e;

	(void)state;
	small("size=3m");
	boot = str_dup(scratch_path("small"));
	assert_int_equal(preflight_boot(boot, now, next, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "only 3.0 MiB are free in "));
	assert_non_null(strstr(e.text, "need 4.0"));
	assert_non_null(strstr(e.text, "NIXFLEET_KEEP_GENERATIONS"));
	assert_int_equal(preflight_boot(boot, NULL, next, &e), -1);
	/* The kernel that is there already needs no room. */
	assert_int_equal(preflight_boot(boot, next, next, &e), 0);
	assert_int_equal(preflight_boot(boot, now, tiny, &e), 0);
	assert_int_equal(preflight_boot("/no/boot", now, next, &e), 0);
	free(boot);
	free(tiny);
	free(next);
	free(now);
}

/* Nothing is built into a store that is full. */
static void
test_store(void **state)
{
	struct deploy_conf c = { .kind = DEPLOY_CUSTOM, .host = "h",
		.repo_dir = "/nonexistent", .flake_attr = "x",
		.profile = "/nonexistent/profile", .build_timeout = 1000,
		.stop_fd = -1, .state_dir = scratch_path("") };
	struct deploy_build b;
	struct err e;

	(void)state;
	small("size=8m");
	setenv("NIX_STORE_DIR", scratch_path("small"), 1);
	assert_int_equal(deploy_build(&c,
	    "0123456789012345678901234567890123456789", &b, &e), -1);
	unsetenv("NIX_STORE_DIR");
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "only 8 MiB are free in "));
	assert_non_null(strstr(e.text, "nix-collect-garbage"));
	assert_int_equal(preflight_room("/no/such", "", &e), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_boot), TEST(test_store),
	};

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		fprintf(stderr, "a file system cannot be mounted here\n");
		return (77);	/* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
