/* What of macOS's <sys/event.h> is used here; kqueue(2). */
#ifndef DARWIN_SYS_EVENT_H
#define DARWIN_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;
	uint32_t fflags;
	intptr_t data;
	void *udata;
};

#define EVFILT_PROC (-5)
#define EV_ADD	    1
#define NOTE_EXIT   0x80000000u
#define EV_SET(ev, i, fi, fl, ff, d, u) \
	(*(ev) = (struct kevent){ (i), (fi), (fl), (ff), (d), (u) })

int	 kqueue(void);
int	 kevent(int, const struct kevent *, int, struct kevent *, int,
	    const struct timespec *);

#endif
