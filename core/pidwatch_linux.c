#include <sys/syscall.h>
#include <unistd.h>

#include "pidwatch.h"

int
pidwatch_open(pid_t pid)
{
	/* Close-on-exec by itself. */
	return ((int)syscall(SYS_pidfd_open, pid, 0));
}
