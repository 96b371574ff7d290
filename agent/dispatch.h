#ifndef DISPATCH_H
#define DISPATCH_H

#include <stddef.h>

#include "daemon.h"

/* What the hub says: one message, and what it does to the daemon. */
void	 dispatch_message(struct daemon *, const char *, size_t);

#endif
