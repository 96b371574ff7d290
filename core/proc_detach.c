#include <fcntl.h>
#include <unistd.h>

#include "forkexec.h"
#include "proc.h"

pid_t
proc_detach(const char *const *argv, const char *const *env, const char *cwd,
    int out_fd, struct err *e)
{
	struct forkexec how = { .argv = argv, .env = env, .cwd = cwd,
		.detach = true };
	pid_t pid = -1;

	how.in = forkexec_high(open("/dev/null", O_RDONLY | O_CLOEXEC));
	if (how.in == -1)
		return (err_sys(e, "open /dev/null"));
	how.out = how.err = fcntl(out_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (how.out == -1) {
		err_sys(e, "duplicate the output's descriptor");
	} else {
		pid = forkexec_start(&how, e);
		close(how.out);
	}
	close(how.in);
	return (pid);
}
