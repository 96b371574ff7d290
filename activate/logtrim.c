#include <sys/stat.h>

#include "logtrim.h"
#include "platform.h"

#define BLOCK (1024 * 1024)

void
logtrim(int fd, off_t *done)
{
	struct stat st;
	off_t from, to;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	from = *done > LOGTRIM_KEEP ? *done : LOGTRIM_KEEP;
	to = (st.st_size - LOGTRIM_KEEP) / BLOCK * BLOCK;
	if (to > from && platform_punch_hole(fd, from, to - from) == 0)
		*done = to;
}
