#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "scratch.h"
#include "stage.h"

static pid_t peer;

static void
need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

void
stage_begin(void)
{
	scratch_begin();
	need(setenv("HOME", scratch_path(""), 1) == 0, "setenv");
	unsetenv("XDG_CONFIG_HOME");
}

static int
listen_unix(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    scratch_path("control.sock"));
	unlink(sun.sun_path);
	need(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, "bind");
	return (fd);
}

static int
listen_tcp(int *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	need(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&in, &len) == 0, "bind");
	*port = ntohs(in.sin_port);
	return (fd);
}

static void
converse(int fd, const char *answer, const char *until, int log)
{
	struct buf in = { 0 };
	char part[4096];
	ssize_t n;

	buf_adds(&in, "");
	while (strstr(in.data, until) == NULL &&
	    (n = read(fd, part, sizeof(part))) > 0)
		buf_add(&in, part, (size_t)n);
	(void)file_write_all(log, in.data, in.len);
	(void)file_write_all(fd, answer, strlen(answer));
	shutdown(fd, SHUT_WR);
	while (read(fd, part, sizeof(part)) > 0)
		;
	buf_free(&in);
	close(fd);
}

void
stage_serve(const char *const *script, int n, const char *until, int *port)
{
	int fd = port == NULL ? listen_unix() : listen_tcp(port);
	int log = open(scratch_path("requests"), O_WRONLY | O_CREAT | O_TRUNC,
	    0600);

	need(listen(fd, 8) == 0 && log != -1, "listen");
	fflush(NULL);
	if ((peer = fork()) == 0) {
		for (int i = 0; i < n; i++)
			converse(accept(fd, NULL, NULL), script[i], until,
			    log);
		_exit(0);
	}
	close(fd);
	close(log);
}

char *
stage_requests(void)
{
	struct buf b = { 0 };

	waitpid(peer, NULL, 0);
	need(file_read(scratch_path("requests"), 1 << 20, &b, NULL) == 0,
	    "requests");
	return (buf_take(&b));
}

char *
stage_capture(int (*f)(void *), void *cookie, int *code)
{
	struct buf b = { 0 };
	int old, fd;

	fflush(NULL);
	old = dup(1);
	fd = open(scratch_path("stdout"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	need(old != -1 && fd != -1, "stdout");
	dup2(fd, 1);
	close(fd);
	*code = f(cookie);
	fflush(stdout);
	dup2(old, 1);
	close(old);
	need(file_read(scratch_path("stdout"), 1 << 24, &b, NULL) == 0,
	    "stdout");
	return (buf_take(&b));
}
