#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifndef __linux__
#include <libproc.h>
#endif

#include "file.h"
#include "forkexec.h"
#include "proc.h"
#include "str.h"

pid_t
proc_detach(const char *const *argv, const char *const *env, const char *cwd,
    int out_fd, struct err *e)
{
	struct forkexec how = { .argv = argv, .env = env, .cwd = cwd,
		.detach = true };
	pid_t pid = -1;

	how.in = forkexec_high(open("/dev/null", O_RDONLY | O_CLOEXEC));
	if (how.in == -1)
		return (err_sys(e, "open /dev/null"));
	how.out = how.err = fcntl(out_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (how.out == -1) {
		err_sys(e, "duplicate the output's descriptor");
	} else {
		pid = forkexec_start(&how, e);
		close(how.out);
	}
	close(how.in);
	return (pid);
}

#ifdef __linux__
/* The session of a process; -1 if it is gone or only waits to be reaped. */
static pid_t
session_of(pid_t pid)
{
	struct buf b = { 0 };
	char path[64], state = 'Z';
	int session = -1;
	const char *rest;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (file_read(path, 4096, &b, NULL) == -1)
		return (-1);
	/* The name, in brackets, may hold anything. */
	if ((rest = strrchr(b.data, ')')) == NULL ||
	    sscanf(rest + 1, " %c %*d %*d %d", &state, &session) != 2 ||
	    state == 'Z' || state == 'X')
		session = -1;
	buf_free(&b);
	return ((pid_t)session);
}

/* The next process in ${dir}; -1 at the end. */
static pid_t
next_process(DIR *dir)
{
	struct dirent *d;
	int64_t pid;

	while ((d = readdir(dir)) != NULL)
		if (str_int(d->d_name, 1, INT32_MAX, &pid) == 0)
			return ((pid_t)pid);
	return (-1);
}

int
proc_kill_session(pid_t sid, int sig)
{
	DIR *dir;
	pid_t pid;
	int n = 0;

	if ((dir = opendir("/proc")) == NULL)
		return (0);
	while ((pid = next_process(dir)) != -1)
		if (pid != getpid() && session_of(pid) == sid &&
		    kill(pid, sig) == 0)
			n++;
	closedir(dir);
	return (n);
}
#else
int
proc_kill_session(pid_t sid, int sig)
{
	int size = proc_listallpids(NULL, 0) + 64, count, n = 0;
	pid_t *pids = str_alloc((size_t)size * sizeof(*pids));

	count = proc_listallpids(pids, size * (int)sizeof(*pids));
	for (int i = 0; i < count; i++)
		if (pids[i] != getpid() && getsid(pids[i]) == sid &&
		    kill(pids[i], sig) == 0)
			n++;
	free(pids);
	return (n);
}
#endif
