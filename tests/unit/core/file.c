#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "scratch.h"
#include "str.h"

static int
begin(void **unused)
{
	(void)unused;
	scratch_begin();
	return (0);
}

static int
end(void **unused)
{
	(void)unused;
	scratch_end();
	return (0);
}

static int
entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return (n - 2);
}

/* New contents and mode, whole, and nothing left beside them. */
static void
test_file_write(void **unused)
{
	const char *path = scratch_path("d/state.json");
	struct buf b = { 0 };
	struct stat st;
	struct err e;

	(void)unused;
	assert_int_equal(mkdir(scratch_path("d"), 0700), 0);
	assert_int_equal(file_write(path, "one", 3, 0644, &e), 0);
	assert_int_equal(file_write(path, "t\0o", 3, 0600, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(path, 100, &b, &e), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "t\0o", 3);
	assert_int_equal(entries(scratch_path("d")), 1);
	buf_free(&b);
}

/* A failed write must leave the old contents and no temporary file. */
static void
test_file_write_keeps_old(void **unused)
{
	const char *path = scratch_path("d/busy");
	struct err e;

	(void)unused;
	assert_int_equal(file_mkdirs(scratch_path("d/busy/x"), 0700, &e), 0);
	assert_int_equal(file_write(path, "new", 3, 0600, &e), -1);
	assert_non_null(strstr(e.text, path));
	assert_true(file_is_dir(path));
	assert_int_equal(entries(scratch_path("d")), 1);
	assert_int_equal(file_write(scratch_path("no/x"), "", 0, 0600, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

/* A file is read whole or not at all, and only up to the limit. */
static void
test_file_read(void **unused)
{
	const char *path = scratch_file("f", "12345678");
	struct buf b = { 0 };
	struct err e;

	(void)unused;
	buf_adds(&b, "old");
	assert_int_equal(file_read(path, 7, &b, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(b.data, "old");
	assert_int_equal(file_read(path, 8, &b, &e), 0);
	assert_string_equal(b.data, "old12345678");
	assert_int_equal(file_read(scratch_path("none"), 8, &b, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_int_equal(file_read("/tmp", 8, &b, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	buf_free(&b);
}

/* A FIFO where a file should be must not hold the agent up. */
static void
test_file_read_fifo(void **unused)
{
	const char *path = scratch_path("fifo");
	struct buf b = { 0 };
	struct err e;

	(void)unused;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, 8, &b, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
}

/* State directories are private from the start; parents are not. */
static void
test_file_mkdirs(void **unused)
{
	const char *path = scratch_path("a/b/c");
	struct stat st;
	struct err e;

	(void)unused;
	assert_int_equal(file_mkdirs(path, 0700, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(scratch_path("a"), &st), 0);
	assert_int_equal(st.st_mode & 0700, 0700);
	assert_int_equal(file_mkdirs(path, 0755, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(file_mkdirs(scratch_path("a/t//"), 0711, &e), 0);
	assert_int_equal(stat(scratch_path("a/t"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	scratch_file("plain", "");
	assert_int_equal(file_mkdirs(scratch_path("plain/x"), 0700, &e), -1);
	assert_non_null(strstr(e.text, "not a directory"));
}

/* Removing a tree follows no link out of it and stops at no mode. */
static void
test_file_rmtree(void **unused)
{
	const char *outside = scratch_file("outside", "keep");
	const char *tree = scratch_path("tree");
	struct err e;

	(void)unused;
	assert_int_equal(file_mkdirs(scratch_path("tree/a/b"), 0700, &e), 0);
	scratch_file("tree/a/b/f", "x");
	assert_int_equal(symlink(outside, scratch_path("tree/link")), 0);
	assert_int_equal(symlink("..", scratch_path("tree/a/up")), 0);
	assert_int_equal(mkfifo(scratch_path("tree/fifo"), 0600), 0);
	assert_int_equal(chmod(scratch_path("tree/a/b"), 0500), 0);
	assert_int_equal(chmod(scratch_path("tree/a"), 0), 0);
	assert_int_equal(file_rmtree(tree, &e), 0);
	assert_false(file_exists(tree));
	assert_true(file_exists(outside));
	assert_int_equal(file_rmtree(tree, &e), 0);
}

/* A link to a tree is removed, not what it points to. */
static void
test_file_rmtree_link(void **unused)
{
	struct err e;

	(void)unused;
	assert_int_equal(file_mkdirs(scratch_path("real"), 0700, &e), 0);
	assert_int_equal(symlink("real", scratch_path("link")), 0);
	assert_int_equal(file_rmtree(scratch_path("link"), &e), 0);
	assert_true(file_is_dir(scratch_path("real")));
}

/* A repository may hold paths deeper than descriptors or PATH_MAX allow. */
static void
test_file_rmtree_deep(void **unused)
{
	const char *tree = scratch_path("deep");
	char here[4096];
	struct err e;

	(void)unused;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(mkdir(tree, 0700), 0);
	assert_int_equal(chdir(tree), 0);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdir("ddd", 0700), 0);
		assert_int_equal(chdir("ddd"), 0);
	}
	assert_int_equal(chdir(here), 0);
	assert_int_equal(file_rmtree(tree, &e), 0);
	assert_false(file_exists(tree));
}

static void
check_path(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void
test_file_names(void **unused)
{
	(void)unused;
	check_path(file_join("/a", "b"), "/a/b");
	check_path(file_join("/a//", "/b"), "/a/b");
	check_path(file_join("/", "b"), "/b");
	check_path(file_dirname("/a/b"), "/a");
	check_path(file_dirname("/a/b/"), "/a");
	check_path(file_dirname("/a"), "/");
	check_path(file_dirname("/"), "/");
	check_path(file_dirname("a"), ".");
	check_path(file_dirname("a//b"), "a");
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_file_write),
		FILE_TEST(test_file_write_keeps_old),
		FILE_TEST(test_file_read),
		FILE_TEST(test_file_read_fifo),
		FILE_TEST(test_file_mkdirs),
		FILE_TEST(test_file_rmtree),
		FILE_TEST(test_file_rmtree_link),
		FILE_TEST(test_file_rmtree_deep),
		FILE_TEST(test_file_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
