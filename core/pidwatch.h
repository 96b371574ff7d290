#ifndef PIDWATCH_H
#define PIDWATCH_H

#include <sys/types.h>

/**
 * pidwatch_open(pid):
 * A close-on-exec descriptor that becomes readable when ${pid}, which need not
 * be our child, ends.  -1 if there is none such or the system cannot: then
 * poll.
 */
int	 pidwatch_open(pid_t);

#endif
