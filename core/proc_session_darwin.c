#include <libproc.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc.h"
#include "str.h"

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
