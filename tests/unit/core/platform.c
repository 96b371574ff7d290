#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "platform.h"
#include "scratch.h"
#include "str.h"

static void
assert_private(int fd)
{

	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

/* Neither a pipe nor a nameless file is handed on to programs. */
static void
test_descriptors(void **unused)
{
	struct stat st;
	int fds[2], fd;

	(void)unused;
	assert_int_equal(platform_pipe(fds), 0);
	assert_private(fds[0]);
	assert_private(fds[1]);
	close(fds[0]);
	close(fds[1]);
	fd = platform_unnamed_file();
	assert_private(fd);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
}

/* Who is at the other end is told; what is no socket has nobody there. */
static void
test_peer(void **unused)
{
	int fds[2];
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(platform_peer(fds[0], &uid, &gid), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(gid, getegid());
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(platform_pipe(fds), 0);
	assert_int_equal(platform_peer(fds[0], &uid, &gid), -1);
	close(fds[0]);
	close(fds[1]);
}

/* Two directories change places; with one that is not there nothing does. */
static void
test_exchange(void **unused)
{
	char *a, *b, *in_a, *in_b;

	(void)unused;
	scratch_begin();
	a = str_dup(scratch_path("a"));
	b = str_dup(scratch_path("b"));
	in_a = file_join(a, "file");
	in_b = file_join(b, "file");
	assert_int_equal(mkdir(a, 0700), 0);
	assert_int_equal(platform_exchange(a, b), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdir(b, 0700), 0);
	close(open(in_a, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	if (platform_exchange(a, b) == 0) {
		assert_false(file_exists(in_a));
		assert_true(file_exists(in_b));
	} else	/* This file system cannot. */
		assert_true(errno == EINVAL || errno == ENOTSUP);
	free(in_b);
	free(in_a);
	free(b);
	free(a);
	scratch_end();
}

/* Both ways to our own program lead to this one. */
static void
test_own_program(void **argv0)
{
	char *path = platform_executable();
	struct stat real, self;

	assert_non_null(path);
	assert_true(str_suffix(path, "/unit_platform"));
	assert_int_equal(stat(path, &real), 0);
	assert_int_equal(stat(platform_self(*argv0), &self), 0);
	assert_int_equal(real.st_ino, self.st_ino);
	free(path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test_prestate(test_own_program, argv[0]),
	};

	(void)argc;
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
