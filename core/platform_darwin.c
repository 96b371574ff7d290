#include <sys/socket.h>
#include <sys/types.h>

#include <mach-o/dyld.h>

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform.h"
#include "str.h"

const char platform_name[] = "macOS";
const char platform_kind[] = "home", platform_foreign_kind[] = "nixos";

const char *const platform_reboot[] = { "/sbin/shutdown", "-r", "now", NULL };
static const char *const by_sudo[] = { "sudo", "-n", "/sbin/shutdown", "-r",
	"now", NULL };
const char *const *const platform_user_reboots[] = { by_sudo, NULL };

int
platform_pipe(int fds[2])
{

	if (pipe(fds) == -1)
		return (-1);
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return (0);
}

int
platform_unnamed_file(void)
{
	char name[] = "/tmp/nixfleet-input.XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd != -1)
		unlink(name);
	return (fd);
}

int
platform_peer(int fd, uid_t *uid, gid_t *gid)
{

	return (getpeereid(fd, uid, gid));
}

int
platform_die_with(pid_t parent)
{

	(void)parent;
	return (0);
}

void
platform_close_from(int fd)
{

	(void)fd;
}

int
platform_exchange(const char *a, const char *b)
{

	return (renamex_np(a, b, RENAME_SWAP));
}

int
platform_punch_hole(int fd, off_t from, off_t len)
{
	fpunchhole_t hole = { .fp_offset = from, .fp_length = len };

	return (fcntl(fd, F_PUNCHHOLE, &hole));
}

struct timespec
platform_ctime(const struct stat *st)
{

	return (st->st_ctimespec);
}

struct timespec
platform_mtime(const struct stat *st)
{

	return (st->st_mtimespec);
}

char *
platform_executable(void)
{
	char path[PATH_MAX];
	uint32_t n = sizeof(path);

	return (_NSGetExecutablePath(path, &n) == 0 ? str_dup(path) : NULL);
}

const char *
platform_self(const char *argv0)
{

	return (argv0);
}
