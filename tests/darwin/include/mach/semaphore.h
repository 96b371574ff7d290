/* What libuv's header wants of macOS's <mach/semaphore.h>. */
typedef unsigned semaphore_t;
