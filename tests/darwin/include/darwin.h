/*
 * What macOS adds to headers that every Unix has, and what only Linux has
 * forbidden: included before every file that is checked for macOS.
 */
#ifndef DARWIN_H
#define DARWIN_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#pragma GCC poison accept4 dup3 fallocate memfd_create pipe2 renameat2 unshare

#define st_ctimespec st_ctim
#define st_mtimespec st_mtim

#define F_PUNCHHOLE 99
typedef struct {
	unsigned fp_flags, reserved;
	off_t fp_offset, fp_length;
} fpunchhole_t;

#define RENAME_SWAP 2
int	 renamex_np(const char *, const char *, unsigned);

int	 getpeereid(int, uid_t *, gid_t *);

#endif
