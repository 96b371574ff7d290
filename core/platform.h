#ifndef PLATFORM_H
#define PLATFORM_H

#include <sys/stat.h>
#include <sys/types.h>

#include <time.h>

/*
 * What Linux and macOS do differently.  Whoever needs something else that
 * only one of them has puts it here, or beside its user in a pair of files of
 * its own: nothing else asks for which system it is compiled.
 */

/* For people: "Linux", "macOS". */
extern const char platform_name[];

/* NIXFLEET_HOST_KIND: what it is by itself, and what it cannot be. */
extern const char platform_kind[], platform_foreign_kind[];

/* The command by which root restarts the machine, NULL-terminated. */
extern const char *const platform_reboot[];

/* Those by which others may, in the order to try them; NULL-terminated. */
extern const char *const *const platform_user_reboots[];

/* ---- descriptors; 0, a descriptor, or -1 with errno ---- */

/* A pipe whose ends are close-on-exec. */
int	 platform_pipe(int fds[2]) __attribute__((warn_unused_result));

/* An empty file that has no name, close-on-exec. */
int	 platform_unnamed_file(void) __attribute__((warn_unused_result));

/* Who is at the other end of a connected local socket. */
int	 platform_peer(int fd, uid_t *, gid_t *)
	    __attribute__((warn_unused_result));

/* ---- between fork and exec: async-signal-safe ---- */

/**
 * platform_die_with(parent):
 * End with the thread that made us, a child of ${parent}; at once if it is
 * gone.  Does nothing where the system cannot.  0, or -1 with errno.
 */
int	 platform_die_with(pid_t) __attribute__((warn_unused_result));

/* Close every descriptor from ${fd} on, where the system can. */
void	 platform_close_from(int fd);

/* ---- files; 0, or -1 with errno ---- */

/* Let two paths change places in one step; not every file system can. */
int	 platform_exchange(const char *, const char *)
	    __attribute__((warn_unused_result));

/* Give back the room of a part of a file, which reads as zeroes then. */
int	 platform_punch_hole(int fd, off_t from, off_t len)
	    __attribute__((warn_unused_result));

/* When the file itself, and when its content was changed last. */
struct timespec	 platform_ctime(const struct stat *);
struct timespec	 platform_mtime(const struct stat *);

/* ---- our own program ---- */

/* Where its file is; NULL if that cannot be known.  The caller frees. */
char	*platform_executable(void);

/**
 * platform_self(argv0):
 * What we can be started by again, if possible also when our file was
 * replaced or deleted meanwhile.  ${argv0} is how we were called.
 */
const char *platform_self(const char *argv0);

#endif
