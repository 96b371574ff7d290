#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reach.h"
#include "tick.h"
#include "url.h"

#define KNOCK_MS 1000
#define WORDS_MAX 150

size_t
reach_address(const struct url *u, unsigned turn, char out[REACH_ADDRESS])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct addrinfo *ai;
	struct addrinfo *list;
	size_t n = 0;

	snprintf(out, REACH_ADDRESS, "%s", u->host);
	if (getaddrinfo(u->host, NULL, &hints, &list) != 0)
		return (0);
	for (ai = list; ai != NULL; ai = ai->ai_next)
		n++;
	ai = list;
	for (size_t i = turn % n; i > 0; i--)
		ai = ai->ai_next;
	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, out, REACH_ADDRESS, NULL,
	    0, NI_NUMERICHOST) != 0)
		snprintf(out, REACH_ADDRESS, "%s", u->host);
	freeaddrinfo(list);
	return (n);
}

static bool
wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until - tick_mono();

	return (left > 0 && poll(&p, 1, (int)left) == 1);
}

/* Connect; 0, or errno of the attempt. */
static int
knock(int fd, const struct addrinfo *ai, int64_t until)
{
	int code = 0;
	socklen_t len = sizeof(code);

	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return (0);
	if (errno != EINPROGRESS)
		return (errno);
	if (!wait_for(fd, POLLOUT, until))
		return (ETIMEDOUT);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == -1)
		return (errno);
	return (code);
}

/* Servers of TLS answer a plain request with nothing, or with 400. */
static bool
speaks_http(int fd, int64_t until)
{
	static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
	char answer[12];

	return (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(ask) - 1 && wait_for(fd, POLLIN, until) &&
	    recv(fd, answer, sizeof(answer), 0) == sizeof(answer) &&
	    memcmp(answer, "HTTP/", 5) == 0 &&
	    memcmp(answer + 9, "400", 3) != 0);
}

/* Try one address: errno of the attempt; is it plain HTTP behind it? */
static int
try_one(const struct addrinfo *ai, int64_t until, bool tls, bool *plain)
{
	int fd, code;

	if ((fd = socket(ai->ai_family, SOCK_STREAM, 0)) == -1)
		return (errno);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	code = knock(fd, ai, until);
	if (code == 0 && tls)
		*plain = speaks_http(fd, until);
	close(fd);
	return (code);
}

/* Try each address until one takes the connection. */
static int
try_all(const struct addrinfo *ai, int64_t until, bool tls, bool *plain)
{
	int code = ETIMEDOUT;

	for (; ai != NULL && code != 0; ai = ai->ai_next)
		code = try_one(ai, until, tls, plain);
	return (code);
}

static int
look_up(const struct url *u, struct addrinfo **list, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char port[16];
	int rc;

	snprintf(port, sizeof(port), "%d", u->port);
	rc = getaddrinfo(u->host, port, &hints, list);
	if (rc == 0)
		return (0);
	if (rc == EAI_NONAME)
		return (err_set(e, ERR_NET, "the host name \"%s\" is not "
		    "known", u->host));
	return (err_set(e, ERR_NET, "the host name \"%s\" cannot be looked "
	    "up: %s", u->host, gai_strerror(rc)));
}

/* Nobody took a connection: ${code} is its errno. */
static int
not_taken(const struct url *u, int code, struct err *e)
{
	return (err_set(e, ERR_NET, "%s:%d: %s", u->host, u->port,
	    code == ECONNREFUSED ? "connection refused" : strerror(code)));
}

int
reach_knock(const struct url *u, int64_t limit, struct err *e)
{
	struct addrinfo *list;
	int code;

	if (look_up(u, &list, e) == -1)
		return (-1);
	code = try_all(list, tick_mono() + limit, false, NULL);
	freeaddrinfo(list);
	return (code == 0 ? 0 : not_taken(u, code, e));
}

int
reach_why(const struct url *u, const char *lws, size_t len, struct err *e)
{
	struct addrinfo *list;
	bool plain = false;
	int rc;

	if (look_up(u, &list, e) == -1)
		return (-1);
	rc = try_all(list, tick_mono() + KNOCK_MS, u->tls, &plain);
	freeaddrinfo(list);
	if (rc != 0)
		return (not_taken(u, rc, e));
	if (plain)
		return (err_set(e, ERR_NET, "the hub at %s:%d does not speak "
		    "TLS: use http:// or give it a certificate", u->host,
		    u->port));
	return (err_set(e, ERR_NET, "cannot connect: %.*s", lws != NULL ?
	    (int)(len < WORDS_MAX ? len : WORDS_MAX) : 9,
	    lws != NULL ? lws : "no answer"));
}
