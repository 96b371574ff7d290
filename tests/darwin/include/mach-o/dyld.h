/* What of macOS's <mach-o/dyld.h> is used here; dyld(3). */
#ifndef DARWIN_MACH_O_DYLD_H
#define DARWIN_MACH_O_DYLD_H

#include <stdint.h>

int	 _NSGetExecutablePath(char *, uint32_t *);

#endif
