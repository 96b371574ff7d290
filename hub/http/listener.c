#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "str.h"

#define BACKLOG 4096

/* Taken at one go, so that connections cannot starve the rest. */
#define BATCH 64

/* ms without accepting after descriptors ran out. */
#define PAUSE 1000

struct listener {
	uv_poll_t poll;
	uv_timer_t pause;
	int fd;
	int closing;		/* handles not closed yet */
	void (*on_accept)(void *, int);
	void *cookie;
	char address[NI_MAXHOST + NI_MAXSERV + 4];
};

int
listener_parse(const char *where, char *host, size_t hostlen, int *port,
    struct err *e)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - where);
	int64_t p;

	if (str_int(colon == NULL ? where : colon + 1, 0, 65535, &p) == -1)
		return (err_set(e, ERR_INPUT, "\"%s\": HOST:PORT is wanted, "
		    "such as 127.0.0.1:8000 or :8000", where));
	if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	} else if (memchr(where, ':', n) != NULL)
		return (err_set(e, ERR_INPUT, "\"%s\": an IPv6 address needs "
		    "brackets, such as [::1]:8000", where));
	if (n >= hostlen)
		return (err_set(e, ERR_INPUT, "\"%s\": too long", where));
	memcpy(host, where, n);
	host[n] = '\0';
	*port = (int)p;
	return (0);
}

static int
bind_one(const struct addrinfo *ai)
{
	int fd, on = 1, off = 0;

	if ((fd = socket(ai->ai_family, SOCK_STREAM, 0)) == -1)
		return (-1);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

/* An IPv6 socket without an address takes IPv4 too: try that first. */
static int
open_socket(const char *where, struct err *e)
{
	struct addrinfo hints, *list, *ai;
	char host[NI_MAXHOST], service[16];
	int fd = -1, port, pass, rc;

	if (listener_parse(where, host, sizeof(host), &port, e) == -1)
		return (-1);
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
	snprintf(service, sizeof(service), "%d", port);
	if ((rc = getaddrinfo(*host == '\0' ? NULL : host, service, &hints,
	    &list)) != 0)
		return (err_set(e, ERR_INPUT, "%s: %s", where,
		    gai_strerror(rc)));
	for (pass = 0; pass < 2 && fd == -1; pass++)
		for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next)
			if ((ai->ai_family == AF_INET6) ==
			    ((pass == 0) == (*host == '\0')))
				fd = bind_one(ai);
	freeaddrinfo(list);
	if (fd == -1)
		return (err_sys(e, "listen at %s", where));
	return (fd);
}

int
listener_try(const char *where, struct err *e)
{
	int fd = open_socket(where, e);

	if (fd == -1)
		return (-1);
	close(fd);
	return (0);
}

static void
name(struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[NI_MAXHOST], service[NI_MAXSERV];

	if (getsockname(l->fd, (struct sockaddr *)&ss, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host),
	    service, sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(l->address, sizeof(l->address),
	    strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, service);
}

static void	 on_readable(uv_poll_t *, int, int);

static void
on_pause_over(uv_timer_t *t)
{
	struct listener *l = t->data;

	uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	int i, fd, on = 1;

	(void)status;
	(void)events;
	for (i = 0; i < BATCH; i++) {
		fd = accept(l->fd, NULL, NULL);
		if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)) {
			uv_poll_stop(poll);
			uv_timer_start(&l->pause, on_pause_over, PAUSE, 0);
			return;
		}
		if (fd == -1)
			return;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		l->on_accept(l->cookie, fd);
	}
}

int
listener_open(uv_loop_t *loop, const char *where,
    void (*on_accept)(void *, int), void *cookie, struct listener **out,
    struct err *e)
{
	struct listener *l;
	int fd, rc;

	if ((fd = open_socket(where, e)) == -1)
		return (-1);
	l = str_alloc(sizeof(*l));
	l->fd = fd;
	l->on_accept = on_accept;
	l->cookie = cookie;
	/* uv_poll_init makes it non-blocking. */
	if ((rc = uv_poll_init(loop, &l->poll, fd)) != 0) {
		close(fd);
		free(l);
		return (err_set(e, ERR_SYS, "poll: %s", uv_strerror(rc)));
	}
	uv_timer_init(loop, &l->pause);
	l->poll.data = l->pause.data = l;
	name(l);
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	*out = l;
	return (0);
}

const char *
listener_address(const struct listener *l)
{
	return (l->address);
}

static void
on_closed(uv_handle_t *h)
{
	struct listener *l = h->data;

	if (--l->closing == 0)
		free(l);
}

void
listener_close(struct listener **lp)
{
	struct listener *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	uv_poll_stop(&l->poll);
	close(l->fd);
	l->closing = 2;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->pause, on_closed);
}
