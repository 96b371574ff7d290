#ifndef LOGTRIM_H
#define LOGTRIM_H

#include <sys/types.h>

#define LOGTRIM_KEEP (64LL * 1024 * 1024)

/**
 * logtrim(fd, done):
 * Give the middle of a growing file back to the file system, so that one who
 * prints without end does not fill the disk: the first and the last
 * LOGTRIM_KEEP bytes stay, what is between reads as zeroes, the size does not
 * change.  *${done}, 0 at first, remembers how far that went.  Where the file
 * system cannot do it nothing happens.
 */
void	 logtrim(int fd, off_t *done);

#endif
