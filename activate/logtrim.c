#include <sys/stat.h>

#include <fcntl.h>

#include "logtrim.h"

#define BLOCK (1024 * 1024)

static int
punch(int fd, off_t from, off_t len)
{
#ifdef __linux__
	return (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
	    len));
#else
	fpunchhole_t hole = { .fp_offset = from, .fp_length = len };

	return (fcntl(fd, F_PUNCHHOLE, &hole));
#endif
}

void
logtrim(int fd, off_t *done)
{
	struct stat st;
	off_t from, to;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	from = *done > LOGTRIM_KEEP ? *done : LOGTRIM_KEEP;
	to = (st.st_size - LOGTRIM_KEEP) / BLOCK * BLOCK;
	if (to > from && punch(fd, from, to - from) == 0)
		*done = to;
}
