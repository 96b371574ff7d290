#include <sys/mount.h>
#include <sys/stat.h>

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
	static const char *const mounts[] = { "small", "boot/efi", "boot",
		"efi" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		umount2(scratch_path(mounts[i]), MNT_DETACH);
	scratch_end();
	return (0);
}

static void
dir(const char *name)
{
	struct err e;

	assert_int_equal(file_mkdirs(scratch_path(name), 0755, &e), 0);
}

/* A file system of that size. */
static void
mounted(const char *name, const char *size)
{

	dir(name);
	if (mount("tmpfs", scratch_path(name), "tmpfs", 0, size) == -1)
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

static char *now, *next, *tiny;
static struct err e;

/* Systems whose kernels need 4 MiB and next to nothing. */
static int
setup_systems(void **state)
{

	setup(state);
	now = system_of("now", BYTES);
	next = system_of("next", BYTES);
	tiny = system_of("tiny", 1000);
	return (0);
}

static int
teardown_systems(void **state)
{

	free(tiny);
	free(next);
	free(now);
	return (teardown(state));
}

static int
room(void)
{
	char *root = str_dup(scratch_path(""));
	int r;

	root[strlen(root) - 1] = '\0';
	r = preflight_boot(root, now, next, &e);
	free(root);
	if (r == -1)
		assert_int_equal(e.code, ERR_REFUSED);
	return (r);
}

static void
assert_says(const char *why)
{

	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

/* A boot partition without room for the new kernel is told of before. */
static void
test_boot(void **state)
{
	char *root = str_dup(scratch_path(""));

	(void)state;
	assert_int_equal(room(), 0);	/* without one */
	mounted("boot", "size=3m");
	assert_int_equal(room(), -1);
	assert_says("only 3.0 MiB are free in ");
	assert_says("/boot, 1.0 too few: ");
	assert_says("need 4.0;");
	assert_says("NIXFLEET_KEEP_GENERATIONS");
	assert_int_equal(preflight_boot(root, NULL, next, &e), -1);
	/* The kernel that is there already needs no room. */
	assert_int_equal(preflight_boot(root, next, next, &e), 0);
	assert_int_equal(preflight_boot(root, now, tiny, &e), 0);
	free(root);
}

/* An EFI partition that is mounted elsewhere gets the kernels. */
static void
test_efi(void **state)
{

	(void)state;
	dir("boot");
	dir("boot/efi");
	dir("efi");
	assert_int_equal(room(), 0);	/* no partitions */
	mounted("efi", "size=3m");
	assert_int_equal(room(), -1);
	assert_says("/efi, 1.0 too few: ");
	assert_null(strstr(e.text, "/boot"));
	mounted("boot/efi", "size=2m");
	assert_int_equal(room(), -1);
	assert_says("/efi, 1.0 too few, and only 2.0 MiB are free in ");
	assert_says("/boot/efi, 2.0 too few: ");
}

/* Also one that the agent may not look into, as NixOS advises. */
static void
test_private_efi(void **state)
{
	int r;

	(void)state;
	mounted("efi", "size=3m,mode=0700");
	assert_int_equal(chmod(scratch_path(""), 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	r = room();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -1);
	assert_says("/efi, 1.0 too few: ");
}

/* One that has only the loader, as GRUB's, gets none and needs no room. */
static void
test_efi_of_a_loader(void **state)
{

	(void)state;
	dir("boot/grub");
	mounted("boot/efi", "size=1m");
	dir("boot/efi/EFI/NixOS-boot");
	assert_int_equal(room(), 0);
	/* Kernels that are there already show that more will come. */
	dir("boot/efi/EFI/nixos");
	assert_int_equal(room(), -1);
	assert_says("/boot/efi, 3.0 too few: ");
}

/* With a /boot of its own beside it that one gets the kernels. */
static void
test_boot_beside_efi(void **state)
{

	(void)state;
	mounted("boot", "size=8m");
	mounted("boot/efi", "size=1m");
	mounted("efi", "size=1m");
	assert_int_equal(room(), 0);
	dir("efi/EFI/Linux");
	assert_int_equal(room(), -1);
	assert_says("/efi, 3.0 too few: ");
	assert_null(strstr(e.text, "/boot"));
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

	(void)state;
	mounted("small", "size=8m");
	setenv("NIX_STORE_DIR", scratch_path("small"), 1);
	assert_int_equal(deploy_build(&c,
	    "0123456789012345678901234567890123456789", &b, &e), -1);
	unsetenv("NIX_STORE_DIR");
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "only 8 MiB are free in "));
	assert_non_null(strstr(e.text, "nix-collect-garbage"));
	assert_int_equal(preflight_room("/no/such", "", &e), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup_systems, \
	teardown_systems)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_boot), TEST(test_efi), TEST(test_efi_of_a_loader),
		TEST(test_boot_beside_efi), TEST(test_private_efi),
		TEST(test_store),
	};

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		fprintf(stderr, "a file system cannot be mounted here\n");
		return (77);	/* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
