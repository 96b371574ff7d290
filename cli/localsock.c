#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "localsock.h"
#include "record.h"
#include "str.h"
#include "tick.h"

/* Whole status objects travel in one line. */
#define LINE_MAX_BYTES (8 << 20)
#define PLACES 4

struct localsock {
	int fd;
	struct buf in;
};

/* Where an agent may listen, the likeliest first; the caller frees each. */
static size_t
places(const struct settings *set, char *out[PLACES])
{
	const char *path = settings_str(set, SET_CONTROL_SOCKET);
	const char *state = settings_str(set, SET_STATE_DIR);
	const char *home = getenv("HOME");
	size_t n = 0;

	if (path != NULL) {
		out[n++] = str_dup(path);
		return (n);
	}
	if (state != NULL) {
		out[n++] = file_join(state, "control.sock");
		return (n);
	}
	out[n++] = str_dup("/run/nixfleet-agent/control.sock");
	out[n++] = str_dup("/var/lib/nixfleet-agent/control.sock");
	if (home != NULL && home[0] == '/')
		out[n++] = file_join(home,
		    ".local/state/nixfleet-agent/control.sock");
	return (n);
}

/* A connected descriptor, or -1 with errno. */
static int
try_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (-1);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return (fd);
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

int
localsock_open(const struct settings *set, struct localsock **out,
    struct err *e)
{
	char *paths[PLACES];
	size_t n = places(set, paths);
	struct buf why = { 0 };
	int fd = -1;

	for (size_t i = 0; i < n; i++) {
		if (fd == -1 && (fd = try_connect(paths[i])) == -1)
			buf_addf(&why, "\n%s: %s", paths[i], strerror(errno));
		free(paths[i]);
	}
	if (fd == -1) {
		err_set(e, ERR_NET, "no agent answers on this machine; is "
		    "nixfleet-agent running?%s", why.data);
		buf_free(&why);
		return (-1);
	}
	buf_free(&why);
	*out = str_alloc(sizeof(**out));
	(*out)->fd = fd;
	return (0);
}

int
localsock_send(struct localsock *s, json_t *request, struct err *e)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct buf b = { 0 };
	int rc;

	json_decref(request);
	buf_addf(&b, "%s\n", text == NULL ? "" : text);
	free(text);
	if ((rc = file_write_all(s->fd, b.data, b.len)) == -1)
		err_set(e, ERR_NET, "the agent closed the connection");
	buf_free(&b);
	return (rc);
}

/* The first line of what was read, if it is whole. */
static int
take_line(struct localsock *s, json_t **msg, struct err *e)
{
	const char *nl;
	size_t len;
	int rc;

	if (s->in.len == 0 ||
	    (nl = memchr(s->in.data, '\n', s->in.len)) == NULL) {
		if (s->in.len > LINE_MAX_BYTES)
			return (err_set(e, ERR_PROTO,
			    "the agent sent a line without end"));
		return (0);
	}
	len = (size_t)(nl - s->in.data);
	rc = record_parse(s->in.data, len, msg, e);
	buf_drop(&s->in, len + 1);
	if (rc == 0)
		return (1);
	e->code = ERR_PROTO;
	return (err_wrap(e, "the agent's answer"));
}

int
localsock_next(struct localsock *s, int64_t wait, json_t **msg, struct err *e)
{
	int64_t end = tick_mono() + wait, left;
	struct pollfd p = { s->fd, POLLIN, 0 };
	char part[65536];
	ssize_t n;
	int rc;

	for (;;) {
		if ((rc = take_line(s, msg, e)) != 0)
			return (rc);
		left = wait < 0 ? -1 : end - tick_mono();
		if (wait >= 0 && left <= 0)
			return (err_set(e, ERR_TIMEOUT,
			    "the agent did not answer within %lld s",
			    (long long)wait / 1000));
		if ((rc = poll(&p, 1, (int)left)) <= 0)
			continue;
		if ((n = read(s->fd, part, sizeof(part))) == 0)
			return (0);
		if (n > 0)
			buf_add(&s->in, part, (size_t)n);
		else if (errno == ECONNRESET)
			return (0);
		else if (errno != EINTR && errno != EAGAIN)
			return (err_sys(e, "read from the agent"));
	}
}

void
localsock_free(struct localsock **s)
{
	if (*s == NULL)
		return;
	close((*s)->fd);
	buf_free(&(*s)->in);
	free(*s);
	*s = NULL;
}
