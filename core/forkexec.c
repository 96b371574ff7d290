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

#include "forkexec.h"
#include "platform.h"
#include "str.h"

#define DEFAULT_PATH "/run/current-system/sw/bin:/usr/bin:/bin"
#define SHELL "/bin/sh"

/* Everything the child needs, made before the fork. */
struct plan {
	const struct forkexec *how;
	char *path;
	char **argv;
	char **shell_argv;	/* in case that ${path} has no "#!" */
	char **env;
	int report;		/* where the child tells why it failed */
	pid_t parent;
};

enum step { STEP_STARTED, STEP_CHDIR, STEP_PREPARE, STEP_EXEC };

struct report {
	enum step step;
	int sys;
	pid_t pid;
};

int
forkexec_high(int fd)
{
	int high, saved;

	if (fd == -1 || fd > STDERR_FILENO)
		return (fd);
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	saved = errno;
	close(fd);
	errno = saved;
	return (high);
}

int
forkexec_pipe(int fds[2])
{
	if (platform_pipe(fds) == -1)
		return (-1);
	fds[0] = forkexec_high(fds[0]);
	fds[1] = forkexec_high(fds[1]);
	if (fds[0] != -1 && fds[1] != -1)
		return (0);
	if (fds[0] != -1)
		close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
	return (-1);
}

static const char *
path_of(const char *const *env)
{
	for (; *env != NULL; env++)
		if (str_prefix(*env, "PATH="))
			return (*env + strlen("PATH="));
	return (DEFAULT_PATH);
}

static bool
executable(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0);
}

/* Only absolute parts of PATH count: cwd may belong to somebody else. */
static char *
find_program(const char *name, const char *const *env, struct err *e)
{
	const char *path = path_of(env);
	size_t n;
	char *file;

	if (strchr(name, '/') != NULL)
		return (str_dup(name));
	for (const char *at = path; *at != '\0'; at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		if (*at != '/')
			continue;
		file = str_printf("%.*s/%s", (int)n, at, name);
		if (executable(file))
			return (file);
		free(file);
	}
	err_set(e, ERR_NOTFOUND, "program %s was not found in PATH (%s)", name,
	    path);
	return (NULL);
}

/* execve wants pointers to what it does not change. */
static char **
pointers(const char *const *list, size_t before)
{
	size_t n = 0;
	char **out;

	while (list[n] != NULL)
		n++;
	out = str_alloc((before + n + 1) * sizeof(*out));
	memcpy(out + before, list, n * sizeof(*out));
	return (out);
}

static int
plan_make(struct plan *p, const struct forkexec *how, struct err *e)
{
	static char shell[] = SHELL;

	p->how = how;
	p->parent = getpid();
	if ((p->path = find_program(how->argv[0], how->env, e)) == NULL)
		return (-1);
	p->argv = pointers(how->argv, 0);
	p->shell_argv = pointers(how->argv, 1);
	p->shell_argv[0] = shell;
	p->shell_argv[1] = p->path;
	p->env = pointers(how->env, 0);
	return (0);
}

static void
plan_free(struct plan *p)
{
	free(p->path);
	free(p->argv);
	free(p->shell_argv);
	free(p->env);
}

/* From here to exec_child: async-signal-safe calls only. */

static void
send_report(int fd, enum step step, int sys)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.step = step;
	r.sys = sys;
	r.pid = getpid();
	if (write(fd, &r, sizeof(r)) == -1)
		_exit(127);
}

static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Own group or session; a child that is not detached dies with us. */
static int
own_group(const struct plan *p)
{
	if (p->how->detach)
		return (setsid() == -1 ? -1 : 0);
	setpgid(0, 0);
	return (platform_die_with(p->parent));
}

static int
set_descriptors(const struct forkexec *how)
{
	if (dup2(how->in, STDIN_FILENO) == -1 ||
	    dup2(how->out, STDOUT_FILENO) == -1 ||
	    dup2(how->err, STDERR_FILENO) == -1)
		return (-1);
	/* For what a library opened without close-on-exec. */
	platform_close_from(STDERR_FILENO + 1);
	return (0);
}

static _Noreturn void
exec_child(const struct plan *p)
{
	enum step step = STEP_PREPARE;

	if (own_group(p) == -1 || set_descriptors(p->how) == -1)
		goto err1;
	step = STEP_CHDIR;
	if (p->how->cwd != NULL && chdir(p->how->cwd) == -1)
		goto err1;
	step = STEP_EXEC;
	send_report(p->report, STEP_STARTED, 0);
	reset_signals();
	execve(p->path, p->argv, p->env);
	if (errno == ENOEXEC)
		execve(SHELL, p->shell_argv, p->env);
err1:
	send_report(p->report, step, errno);
	_exit(127);
}

/* The one in between ends at once, so that init inherits the program. */
static _Noreturn void
detach_child(const struct plan *p)
{
	pid_t pid;

	if ((pid = fork()) == 0)
		exec_child(p);
	if (pid == -1)
		send_report(p->report, STEP_PREPARE, errno);
	_exit(0);
}

/* A handler of ours must not run in the child: all signals wait. */
static pid_t
fork_blocked(const struct plan *p)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if ((pid = fork()) == 0) {
		if (p->how->detach)
			detach_child(p);
		exec_child(p);
	}
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return (pid);
}

static bool
next_report(int fd, struct report *r)
{
	ssize_t n;

	do
		n = read(fd, r, sizeof(*r));
	while (n == -1 && errno == EINTR);
	return (n == (ssize_t)sizeof(*r));
}

/* Pid of the program that runs, or -1 and why it does not. */
static pid_t
await_exec(const struct plan *p, int fd, struct err *e)
{
	struct report r;
	pid_t pid = -1;

	while (next_report(fd, &r)) {
		if (r.step == STEP_STARTED) {
			pid = r.pid;
			continue;
		}
		errno = r.sys;
		if (r.step == STEP_CHDIR)
			err_sys(e, "cannot run %s in %s", p->how->argv[0],
			    p->how->cwd);
		else
			err_sys(e, "cannot run %s", p->path);
		return (-1);
	}
	if (pid == -1)
		err_set(e, ERR_CHILD, "%s was killed before it could start",
		    p->how->argv[0]);
	return (pid);
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

pid_t
forkexec_start(const struct forkexec *how, struct err *e)
{
	struct plan plan = { 0 };
	pid_t child, pid = -1;
	int fds[2];

	if (plan_make(&plan, how, e) == -1)
		return (-1);
	if (forkexec_pipe(fds) == -1) {
		err_sys(e, "make a pipe");
		goto out;
	}
	plan.report = fds[1];
	if ((child = fork_blocked(&plan)) == -1)
		err_sys(e, "start %s", how->argv[0]);
	close(fds[1]);
	if (child != -1) {
		if (!how->detach)
			setpgid(child, child);
		pid = await_exec(&plan, fds[0], e);
		if (pid == -1 || how->detach)
			reap(child);
	}
	close(fds[0]);
out:
	plan_free(&plan);
	return (pid);
}
