#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "platform.h"
#include "str.h"

#define SELF "/proc/self/exe"

const char platform_name[] = "Linux";
const char platform_kind[] = "nixos", platform_foreign_kind[] = "darwin";

const char *const platform_reboot[] = { "systemctl", "reboot", NULL };
static const char *const by_sudo[] = { "sudo", "-n", "reboot", NULL };
/* A policy may allow it without sudo. */
const char *const *const platform_user_reboots[] = { by_sudo, platform_reboot,
	NULL };

int
platform_pipe(int fds[2])
{

	return (pipe2(fds, O_CLOEXEC));
}

int
platform_unnamed_file(void)
{

	return (memfd_create("input", MFD_CLOEXEC));
}

int
platform_peer(int fd, uid_t *uid, gid_t *gid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return (-1);
	*uid = cred.uid;
	*gid = cred.gid;
	return (0);
}

int
platform_die_with(pid_t parent)
{

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return (-1);
	if (getppid() != parent)
		_exit(127);
	return (0);
}

void
platform_close_from(int fd)
{

	/* Linux 5.11; what we open ourselves is close-on-exec anyway. */
	(void)syscall(SYS_close_range, fd, ~0U, 4U);
}

int
platform_exchange(const char *a, const char *b)
{

	return (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
}

int
platform_punch_hole(int fd, off_t from, off_t len)
{

	return (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
	    len));
}

struct timespec
platform_ctime(const struct stat *st)
{

	return (st->st_ctim);
}

struct timespec
platform_mtime(const struct stat *st)
{

	return (st->st_mtim);
}

char *
platform_executable(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink(SELF, path, sizeof(path) - 1);

	return (n > 0 ? str_ndup(path, (size_t)n) : NULL);
}

const char *
platform_self(const char *argv0)
{

	(void)argv0;
	return (SELF);
}
