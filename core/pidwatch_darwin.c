#include <sys/event.h>
#include <sys/types.h>

#include <fcntl.h>
#include <unistd.h>

#include "pidwatch.h"

int
pidwatch_open(pid_t pid)
{
	struct kevent ev;
	int kq;

	if ((kq = kqueue()) == -1)
		return (-1);
	fcntl(kq, F_SETFD, FD_CLOEXEC);
	EV_SET(&ev, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	if (kevent(kq, &ev, 1, NULL, 0, NULL) == -1) {
		close(kq);
		return (-1);
	}
	return (kq);
}
