/* What of macOS's <sys/sysctl.h> is used here; sysctl(3). */
#ifndef DARWIN_SYS_SYSCTL_H
#define DARWIN_SYS_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

struct xsw_usage {
	uint64_t xsu_total, xsu_avail, xsu_used;
};

int	 sysctlbyname(const char *, void *, size_t *, void *, size_t);

#endif
