#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "flock.h"
#include "scratch.h"
#include "tick.h"

/* A process that holds the lock; ready says so, its end releases. */
static pid_t
hold(const char *path, int *release)
{
	int ready[2], stop[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	if ((pid = fork()) == 0) {
		close(stop[1]);
		if (flock_take(path, 0, NULL) == -1 ||
		    write(ready[1], "x", 1) != 1 || read(stop[0], &c, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(stop[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*release = stop[1];
	return (pid);
}

/* The second one is refused and learns who holds the lock. */
static void
test_flock_busy(void **unused)
{
	const char *path;
	char pid[32];
	struct err e;
	int release, fd, status;
	pid_t child;

	(void)unused;
	scratch_begin();
	path = scratch_path("lock");
	assert_int_equal(flock_held(path), 0);
	child = hold(path, &release);
	assert_int_equal(flock_held(path), 1);
	assert_int_equal(flock_take(path, 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	snprintf(pid, sizeof(pid), "process %ld", (long)child);
	assert_non_null(strstr(e.text, pid));
	close(release);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(flock_held(path), 0);
	fd = flock_take(path, 0, &e);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	scratch_end();
}

/* One who waits gets the lock when the holder is killed. */
static void
test_flock_waits(void **unused)
{
	struct err e;
	int release, fd;
	pid_t child;

	(void)unused;
	scratch_begin();
	child = hold(scratch_path("lock"), &release);
	kill(child, SIGKILL);
	fd = flock_take(scratch_path("lock"), 10000, &e);
	assert_true(fd >= 0);
	close(fd);
	close(release);
	waitpid(child, NULL, 0);
	scratch_end();
}

/* A wait ends at its time, and not before. */
static void
test_flock_deadline(void **unused)
{
	int64_t began;
	int release;
	pid_t child;
	struct err e;

	(void)unused;
	scratch_begin();
	child = hold(scratch_path("lock"), &release);
	began = tick_mono();
	assert_int_equal(flock_take(scratch_path("lock"), 100, &e), -1);
	assert_true(tick_mono() - began >= 99);
	assert_int_equal(e.code, ERR_BUSY);
	close(release);
	waitpid(child, NULL, 0);
	scratch_end();
}

/* What is no lock file is an error of its own, never "busy". */
static void
test_flock_error(void **unused)
{
	struct err e;

	(void)unused;
	assert_int_equal(flock_take("/nonexistent/lock", 0, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_int_equal(flock_take("/nonexistent/lock", 0, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flock_busy),
		cmocka_unit_test(test_flock_waits),
		cmocka_unit_test(test_flock_deadline),
		cmocka_unit_test(test_flock_error),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
