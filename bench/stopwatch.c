#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Runs the program that DIR/real/NAME points to, where DIR/bin/NAME is this
 * file, and adds "NAME BEGIN END" to DIR/times: wall clock in nanoseconds,
 * which the agent's journal can be compared with.
 */

static long long
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (t.tv_sec * 1000000000LL + t.tv_nsec);
}

int
main(int argc, char **argv)
{
	long long begin = now();
	char self[PATH_MAX] = "", real[PATH_MAX + 8], times[PATH_MAX + 8];
	char *name, *bin;
	int status = 0;
	pid_t pid;
	FILE *f;

	(void)argc;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1 ||
	    (name = strrchr(self, '/')) == NULL)
		return (126);
	*name++ = '\0';
	if ((bin = strrchr(self, '/')) == NULL)
		return (126);
	*bin = '\0';
	snprintf(real, sizeof(real), "%s/real/%s", self, name);
	snprintf(times, sizeof(times), "%s/times", self);
	if ((pid = fork()) == -1)
		return (126);
	if (pid == 0) {
		execv(real, argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if ((f = fopen(times, "ae")) == NULL)
		return (126);
	fprintf(f, "%s %lld %lld\n", name, begin, now());
	fclose(f);
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
	return (WEXITSTATUS(status));
}
