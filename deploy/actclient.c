#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actclient.h"
#include "actcommand.h"
#include "file.h"
#include "record.h"
#include "str.h"
#include "tick.h"

#define ANSWER_TIMEOUT 60000	/* it may have to ask nix-store */
#define ANSWER_MAX 65536

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0		/* macOS has SO_NOSIGPIPE instead */
#endif

static const enum err_code codes[] = { ERR_INPUT, ERR_NOTFOUND, ERR_BUSY,
	ERR_TIMEOUT, ERR_REFUSED, ERR_CHILD, ERR_DAMAGED, ERR_NOSPACE,
	ERR_SYS };

bool
actclient_wanted(const struct deploy_conf *c)
{
	return (c->by_service || ((c->kind == DEPLOY_NIXOS ||
	    c->kind == DEPLOY_DARWIN) && !actcommand_rebuilds(c) &&
	    actclient_there(c)));
}

bool
actclient_there(const struct deploy_conf *c)
{
	struct stat st;

	return (c->service_socket != NULL &&
	    stat(c->service_socket, &st) == 0 && S_ISSOCK(st.st_mode));
}

char *
actclient_base(const struct deploy_conf *c)
{
	if (actclient_wanted(c))
		return (str_dup(c->service_dir));
	return (file_join(c->state_dir, "activation"));
}

static int
dial(const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return (err_set(e, ERR_INPUT, "%s: too long for a socket",
		    path));
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (err_sys(e, "make a socket"));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
	setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 }, sizeof(int));
#endif
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1) {
		err_sys(e, "the activation service at %s", path);
		if (e != NULL)
			e->code = ERR_NET;
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Everything up to the end, which the service makes after its line. */
static int
receive(int fd, struct buf *in, struct err *e)
{
	const int64_t end = tick_mono() + ANSWER_TIMEOUT;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char chunk[4096];
	ssize_t n;

	while (in->len < ANSWER_MAX) {
		if (tick_mono() >= end)
			return (err_set(e, ERR_TIMEOUT, "the activation "
			    "service did not answer in time"));
		if (poll(&pfd, 1, 1000) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return (0);
		if (n == -1 && errno != EINTR)
			return (err_sys(e, "read the activation service's "
			    "answer"));
		if (n > 0)
			buf_add(in, chunk, (size_t)n);
	}
	return (err_set(e, ERR_PROTO, "the activation service says too much"));
}

static int
refusal(const json_t *answer, struct err *e)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	const char *text = json_string_value(json_object_get(answer, "text"));
	enum err_code found = ERR_REFUSED;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (str_eq(err_name(codes[i]), code))
			found = codes[i];
	return (err_set(e, found, "%s", text != NULL ? text :
	    "the activation service refused without a word"));
}

static int
judge(const struct buf *in, struct err *e)
{
	json_t *answer;
	int r = 0;

	if (in->len == 0)
		return (err_set(e, ERR_NET, "the activation service hung up: "
		    "may this user ask it?"));
	if (record_parse(in->data, in->len, &answer, e) == -1)
		return (err_wrap(e, "the activation service's answer"));
	if (!json_is_true(json_object_get(answer, "ok")))
		r = refusal(answer, e);
	json_decref(answer);
	return (r);
}

void
actclient_host(const struct deploy_conf *c, struct actrequest *req)
{
	req->kind = str_dup(deploy_kind_name(c->kind));
	req->profile = deploy_profile(c);
	if (c->kind == DEPLOY_CUSTOM && c->activate_program != NULL &&
	    c->activate_program[0] != '\0')
		req->program = str_dup(c->activate_program);
}

int
actclient_ask(const struct deploy_conf *c, const struct actrequest *req,
    struct err *e)
{
	char *line = actrequest_text(req);
	struct buf in = { 0 };
	int fd, r = -1;

	if ((fd = dial(c->service_socket, e)) == -1)
		goto out;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(line))
		err_sys(e, "ask the activation service");
	else if (receive(fd, &in, e) == 0)
		r = judge(&in, e);
	close(fd);
out:
	buf_free(&in);
	free(line);
	return (r);
}
