#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "proc.h"
#include "scratch.h"
#include "shell.h"
#include "str.h"
#include "tick.h"

static void
wait_gone(pid_t pid)
{
	int64_t end = tick_mono() + 10000;

	while (kill(pid, 0) == 0 && tick_mono() < end)
		usleep(1000);
	assert_int_equal(kill(pid, 0), -1);
}

/* The deadline ends the whole group; the outcome says so. */
static void
test_proc_deadline(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "sleep 100 & echo $!; wait");
	s.spec.deadline = 200;
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_TIMEOUT);
	assert_in_range(s.res.ms, 200, 4000);
	wait_gone((pid_t)atoi(s.res.out.data));
	assert_int_equal(proc_check(&s.spec, &s.res, &s.e), -1);
	assert_int_equal(s.e.code, ERR_TIMEOUT);
	shell_free(&s);
}

/* A child that ignores SIGTERM is killed after the grace, not later. */
static void
test_proc_kill(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "trap '' TERM; while :; do sleep 1; done");
	s.spec.deadline = 100;
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_TIMEOUT);
	assert_int_equal(s.res.code, SIGKILL);
	assert_in_range(s.res.ms, PROC_GRACE, PROC_GRACE + 3000);
	shell_free(&s);
}

/* A child that writes without end does not outrun its deadline. */
static void
test_proc_endless(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "yes; echo not reached");
	s.spec.deadline = 200;
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_TIMEOUT);
	assert_in_range(s.res.ms, 200, 4000);
	shell_free(&s);
}

/* A readable stop descriptor ends it; what it wrote on the way out counts. */
static void
test_proc_stop(void **unused)
{
	struct shell s;
	int fds[2];

	(void)unused;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	shell_init(&s, "trap 'echo bye; exit 3' TERM; while :; do sleep 0.01;"
	    " done");
	s.spec.stop_fd = fds[0];
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_STOPPED);
	assert_true(s.res.ms < 4000);
	assert_int_equal(proc_check(&s.spec, &s.res, &s.e), -1);
	assert_int_equal(s.e.code, ERR_STOPPED);
	shell_free(&s);
	close(fds[0]);
	close(fds[1]);
}

/* A child that closes its outputs and lives on is waited for. */
static void
test_proc_closed_output(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "echo x; exec >&- 2>&-; sleep 0.3; exit 4");
	shell_run(&s);
	assert_int_equal(s.res.code, 4);
	assert_true(s.res.ms >= 300);
	assert_string_equal(shell_seen(&s), "o:x|");
	shell_free(&s);
}

/* A grandchild in the group that holds the pipes delays nothing, and dies. */
static void
test_proc_grandchild(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "sleep 100 & echo $!; echo last >&2; exit 0");
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_EXITED);
	assert_true(s.res.ms < 3000);
	assert_string_equal(s.res.err.data, "last\n");
	wait_gone((pid_t)atoi(s.res.out.data));
	shell_free(&s);
}

/* One that left the group and floods the pipe does not hold us up either. */
static void
test_proc_escaped(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "setsid sh -c 'echo $$; exec yes' & sleep 0.2; exit 0");
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_EXITED);
	assert_true(s.res.ms < 3000);
	kill((pid_t)atoi(s.res.out.data), SIGKILL);
	shell_free(&s);
}

/* Death by a signal is told apart from an exit status. */
static void
test_proc_signalled(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "echo why >&2; kill -SEGV $$");
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_SIGNALLED);
	assert_int_equal(s.res.code, SIGSEGV);
	proc_check(&s.spec, &s.res, &s.e);
	assert_non_null(strstr(s.e.text, "signal 11"));
	assert_non_null(strstr(s.e.text, "why"));
	shell_free(&s);
}

/* A program that cannot be executed is an error with its name and reason. */
static void
test_proc_not_found(void **unused)
{
	const char *cases[][2] = { { "no-such-program", "was not found in" },
		{ "/nonexistent/x", "No such file" },
		{ "/etc/passwd", "Permission denied" } };
	struct shell s;

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		shell_init(&s, "");
		s.argv[0] = cases[i][0];
		assert_int_equal(proc_run(&s.spec, &s.res, &s.e), -1);
		assert_non_null(strstr(s.e.text, cases[i][0]));
		assert_non_null(strstr(s.e.text, cases[i][1]));
		shell_free(&s);
	}
	shell_init(&s, "true");
	s.spec.cwd = "/nonexistent";
	assert_int_equal(proc_run(&s.spec, &s.res, &s.e), -1);
	assert_non_null(strstr(s.e.text, "/nonexistent"));
	shell_free(&s);
	/* No zombie is left of any of them. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A script without "#!" runs, as it does from a shell. */
static void
test_proc_plain_script(void **unused)
{
	const char *path = scratch_file("script", "echo \"$1\"\n");
	struct shell s;

	(void)unused;
	assert_int_equal(chmod(path, 0755), 0);
	shell_init(&s, "");
	s.argv[0] = path;
	s.argv[1] = "an argument";
	s.argv[2] = NULL;
	shell_run(&s);
	assert_string_equal(s.res.out.data, "an argument\n");
	shell_free(&s);
}

/* Input of any size is fed; without input there is none to wait for. */
static void
test_proc_input(void **unused)
{
	size_t n = 500000;
	char *big = str_alloc(n);
	struct shell s;

	(void)unused;
	memset(big, 'z', n);
	shell_init(&s, "wc -c");
	s.spec.input = big;
	s.spec.inputlen = n;
	shell_run(&s);
	assert_int_equal(atoi(s.res.out.data), 500000);
	shell_free(&s);
	shell_init(&s, "exit 0");
	s.spec.input = big;
	s.spec.inputlen = n;
	shell_run(&s);
	assert_int_equal(s.res.code, 0);
	shell_free(&s);
	shell_init(&s, "cat; echo done");
	shell_run(&s);
	assert_string_equal(s.res.out.data, "done\n");
	shell_free(&s);
	free(big);
}

/* The child sees its own environment, directory and group only. */
static void
test_proc_isolated(void **unused)
{
	struct shell s;

	(void)unused;
	setenv("NIXFLEET_TOKEN", "secret", 1);
	signal(SIGPIPE, SIG_IGN);
	shell_init(&s, "env | grep -c NIXFLEET; pwd; echo $$;"
	    "ps -o pgid= -p $$; ls /proc/self/fd | wc -l;"
	    "grep -E 'SigIgn|SigBlk' /proc/self/status");
	s.spec.cwd = "/usr";
	shell_run(&s);
	signal(SIGPIPE, SIG_DFL);
	{
		int pid = 0, pgid = 1, fds = 0, n;
		char blk[32], ign[32];

		n = sscanf(s.res.out.data, "0\n/usr\n%d\n%d\n%d\n"
		    "SigBlk: %31s\nSigIgn: %31s", &pid, &pgid, &fds, blk, ign);
		assert_int_equal(n, 5);
		assert_int_equal(pid, pgid);
		/* 0, 1, 2 and the directory that ls reads */
		assert_int_equal(fds, 4);
		assert_string_equal(blk, "0000000000000000");
		/* 32 and 33 are the C library's own: nobody can set them. */
		assert_int_equal(strtoull(ign, NULL, 16) & ~(3ULL << 31), 0);
	}
	shell_free(&s);
	unsetenv("NIXFLEET_TOKEN");
}

/* A descriptor below 3 that is free in the parent must not be mixed up. */
static void
test_proc_closed_stdin(void **unused)
{
	int old = fcntl(0, F_DUPFD_CLOEXEC, 10);
	struct shell s;

	(void)unused;
	close(0);
	shell_init(&s, "cat; echo out; echo err >&2");
	shell_run(&s);
	if (old != -1) {
		dup2(old, 0);
		close(old);
	}
	assert_string_equal(s.res.out.data, "out\n");
	assert_string_equal(s.res.err.data, "err\n");
	shell_free(&s);
}

static void *
thread_main(void *cookie)
{
	int *good = cookie;

	for (int i = 0; i < 50; i++) {
		struct shell s;

		shell_init(&s, "echo a; echo b >&2; exit 5");
		if (proc_run(&s.spec, &s.res, &s.e) == 0 && s.res.code == 5 &&
		    s.res.out.len == 2 && s.res.err.len == 2)
			(*good)++;
		shell_free(&s);
	}
	return (NULL);
}

/* The hub runs git in threads: none may take another's child or pipe. */
static void
test_proc_threads(void **unused)
{
	pthread_t t[4];
	int good[4] = { 0 };

	(void)unused;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, thread_main,
		    &good[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(good[i], 50);
	}
}

/* Killed without warning, a worker leaves no git behind that goes on. */
static void
test_proc_dies_with_parent(void **unused)
{
	const char *path = scratch_path("pid");
	char script[300];
	struct buf b = { 0 };
	pid_t worker;

	(void)unused;
	snprintf(script, sizeof(script), "echo $$ > %s.new; mv %s.new %s;"
	    "exec sleep 100", path, path, path);
	if ((worker = fork()) == 0) {
		struct shell s;

		shell_init(&s, script);
		shell_run(&s);
		_exit(0);
	}
	while (!file_exists(path))
		usleep(1000);
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	wait_gone((pid_t)atoi(b.data));
	buf_free(&b);
}

/* A detached program has its own session and outlives nobody's wait. */
static void
test_proc_detach(void **unused)
{
	const char *path = scratch_path("log");
	const char *argv[] = { "sh", "-c",
		"echo started; echo err >&2; read x; sleep 100 & wait", NULL };
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int64_t end = tick_mono() + 10000;
	struct buf b = { 0 };
	struct err e;
	pid_t pid;

	(void)unused;
	pid = proc_detach(argv, shell_env, "/", fd, &e);
	assert_true(pid > 0);
	assert_int_equal(getsid(pid), pid);
	/* It is not our child. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	while (proc_kill_session(pid, 0) < 2 && tick_mono() < end)
		usleep(1000);
	assert_int_equal(proc_kill_session(pid, SIGKILL), 2);
	wait_gone(pid);
	assert_int_equal(proc_kill_session(pid, SIGKILL), 0);
	assert_int_equal(file_read(path, 100, &b, &e), 0);
	assert_string_equal(b.data, "started\nerr\n");
	buf_free(&b);
	argv[0] = "/nonexistent/program";
	assert_int_equal(proc_detach(argv, shell_env, NULL, fd, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/program"));
	close(fd);
}

/* The environment of children is built up by name, each once. */
static void
test_proc_env(void **unused)
{
	struct proc_env v = { 0 };
	const char *const *list;

	(void)unused;
	assert_null(proc_env_get(&v)[0]);
	proc_env_set(&v, "A", "1");
	proc_env_set(&v, "AB", "2");
	proc_env_set(&v, "A", "3=4");
	setenv("NIXFLEET_UNIT_TEST", "kept", 1);
	proc_env_keep(&v, "NIXFLEET_UNIT_TEST");
	proc_env_keep(&v, "NIXFLEET_NOT_THERE");
	list = proc_env_get(&v);
	assert_string_equal(list[0], "A=3=4");
	assert_string_equal(list[1], "AB=2");
	assert_string_equal(list[2], "NIXFLEET_UNIT_TEST=kept");
	assert_null(list[3]);
	proc_env_free(&v);
	assert_null(proc_env_get(&v)[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_deadline),
		cmocka_unit_test(test_proc_kill),
		cmocka_unit_test(test_proc_endless),
		cmocka_unit_test(test_proc_stop),
		cmocka_unit_test(test_proc_closed_output),
		cmocka_unit_test(test_proc_grandchild),
		cmocka_unit_test(test_proc_escaped),
		cmocka_unit_test(test_proc_signalled),
		cmocka_unit_test(test_proc_not_found),
		cmocka_unit_test(test_proc_plain_script),
		cmocka_unit_test(test_proc_input),
		cmocka_unit_test(test_proc_isolated),
		cmocka_unit_test(test_proc_closed_stdin),
		cmocka_unit_test(test_proc_threads),
		cmocka_unit_test(test_proc_dies_with_parent),
		cmocka_unit_test(test_proc_detach),
		cmocka_unit_test(test_proc_env),
	};
	int rc;

	scratch_begin();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_end();
	return (rc);
}
