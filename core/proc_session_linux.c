#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "proc.h"
#include "str.h"

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
