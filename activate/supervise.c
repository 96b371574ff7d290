#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"
#include "str.h"
#include "supervise.h"
#include "tick.h"

#define SLICE 500	/* ms; poll's clock stands still during suspend */

extern char **environ;

static int wake[2] = { -1, -1 };

static void
on_sigchld(int sig)
{
	const int saved = errno;

	(void)sig;
	if (write(wake[1], "", 1) == -1)
		errno = saved;	/* full: it will wake anyway */
	errno = saved;
}

void
supervise_shield(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static int
watch_children(struct err *e)
{
	struct sigaction sa;
	int i;

	if (wake[0] != -1)
		return (0);
	if (pipe(wake) == -1)
		return (err_sys(e, "make a pipe"));
	for (i = 0; i < 2; i++) {
		fcntl(wake[i], F_SETFD, FD_CLOEXEC);
		fcntl(wake[i], F_SETFL, O_NONBLOCK);
	}
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_sigchld;
	sa.sa_flags = SA_RESTART | SA_NOCLDSTOP;
	if (sigaction(SIGCHLD, &sa, NULL) == -1)
		return (err_sys(e, "watch for children"));
	return (0);
}

static void
restore_signals(void)
{
	int i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
}

/* ${go}: read end of a pipe; a byte comes when the start was recorded. */
static _Noreturn void
child(const struct supervise *s, char **argv, char **env, int go)
{
	char c;

	if (setsid() == -1 || read(go, &c, 1) != 1)
		_exit(127);
	restore_signals();
	environ = env;
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", s->argv[0],
	    strerror(errno));
	_exit(127);
}

/* execvp wants pointers to what it does not change. */
static char **
pointers(const char *const *list)
{
	size_t n = 0;
	char **out;

	while (list[n] != NULL)
		n++;
	out = str_alloc((n + 1) * sizeof(*out));
	memcpy(out, list, n * sizeof(*out));
	return (out);
}

static pid_t
start(const struct supervise *s, struct err *e)
{
	char **argv = pointers(s->argv), **env = pointers(s->env);
	pid_t pid = -1;
	int go[2];

	if (pipe(go) == -1) {
		err_sys(e, "make a pipe");
		goto out;
	}
	fcntl(go[0], F_SETFD, FD_CLOEXEC);
	fcntl(go[1], F_SETFD, FD_CLOEXEC);
	if ((pid = fork()) == 0) {
		close(go[1]);
		child(s, argv, env, go[0]);
	}
	if (pid == -1)
		err_sys(e, "start %s", s->argv[0]);
	else {
		s->on_start(s->cookie, pid);
		if (write(go[1], "", 1) == -1)
			err_sys(e, "start %s", s->argv[0]);
	}
	close(go[0]);
	close(go[1]);
out:
	free(argv);
	free(env);
	return (pid);
}

/* Wait until ${pid} ended or ${deadline} passed.  True: ended. */
static bool
wait_until(const struct supervise *s, pid_t pid, int64_t deadline, int *status)
{
	struct pollfd pfd = { .fd = wake[0], .events = POLLIN };
	char drain[64];
	int64_t left;

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return (true);
		if ((left = deadline - tick_mono()) <= 0)
			return (false);
		if (poll(&pfd, 1, (int)(left < SLICE ? left : SLICE)) > 0)
			while (read(wake[0], drain, sizeof(drain)) > 0)
				;
		s->on_tick(s->cookie);
	}
}

/* End the whole session; the child has been waited for afterwards. */
static void
end_session(const struct supervise *s, pid_t pid, int *status)
{
	bool ended;

	proc_kill_session(pid, SIGTERM);
	ended = wait_until(s, pid, tick_mono() + PROC_GRACE, status);
	proc_kill_session(pid, SIGKILL);
	if (!ended)
		while (waitpid(pid, status, 0) == -1 && errno == EINTR)
			;
}

int
supervise_run(const struct supervise *s, struct supervise_end *end,
    struct err *e)
{
	int status = 0;
	pid_t pid;

	if (watch_children(e) == -1 || (pid = start(s, e)) == -1)
		return (-1);
	memset(end, 0, sizeof(*end));
	if (!wait_until(s, pid, s->deadline, &status)) {
		end->timed_out = true;
		end_session(s, pid, &status);
	}
	if (WIFSIGNALED(status))
		end->signal = WTERMSIG(status);
	else
		end->code = WEXITSTATUS(status);
	return (0);
}
