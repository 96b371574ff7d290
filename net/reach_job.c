#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reach.h"
#include "reach_job.h"
#include "str.h"
#include "url.h"

#define TEXT_MAX 2048

struct reach_job {
	uv_poll_t poll;
	int fd;
	reach_told *told;
	void *cookie;
};

/* The thread's own: nothing of it is shared, so the job may go first. */
struct errand {
	struct url url;
	struct reach_ask ask;
	char *words;
	int fd;
};

static void
errand_free(struct errand *r)
{
	close(r->fd);
	free(r->url.host);
	free(r->words);
	free(r);
}

static void *
thread_main(void *arg)
{
	struct errand *r = arg;
	char address[REACH_ADDRESS];
	const char *text = address;
	struct err e = { 0 };

	if (r->ask.why) {
		(void)reach_why(&r->url, r->words, r->ask.len, &e);
		text = e.text;
	} else
		(void)reach_address(&r->url, r->ask.turn, address);
	(void)send(r->fd, text, strlen(text) + 1, MSG_NOSIGNAL);
	errand_free(r);
	return (NULL);
}

/* Signals are the loop's: they would only interrupt what waits here. */
static int
run(struct errand *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, &attr, thread_main, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return (rc);
}

static struct errand *
errand_new(const struct reach_ask *ask, int fd)
{
	struct errand *r = str_alloc(sizeof(*r));

	r->ask = *ask;
	r->url.host = str_dup(ask->url->host);
	r->url.port = ask->url->port;
	r->url.tls = ask->url->tls;
	if (ask->words != NULL)
		r->words = str_ndup(ask->words, ask->len);
	r->fd = fd;
	return (r);
}

static void
on_closed(uv_handle_t *h)
{
	struct reach_job *j = h->data;

	close(j->fd);
	free(j);
}

static void
on_readable(uv_poll_t *p, int status, int events)
{
	struct reach_job *j = p->data;
	reach_told *told = j->told;
	void *cookie = j->cookie;
	char text[TEXT_MAX];
	ssize_t n;

	(void)status;
	(void)events;
	n = recv(j->fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	reach_job_cancel(&j);
	told(cookie, text);
}

struct reach_job *
reach_job_start(uv_loop_t *loop, const struct reach_ask *ask, reach_told *told,
    void *cookie, struct err *e)
{
	struct reach_job *j;
	struct errand *r;
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == -1) {
		err_sys(e, "socketpair");
		return (NULL);
	}
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	r = errand_new(ask, fds[1]);
	if ((rc = run(r)) != 0) {
		err_set(e, ERR_SYS, "start a thread: %s", strerror(rc));
		errand_free(r);
		close(fds[0]);
		return (NULL);
	}
	j = str_alloc(sizeof(*j));
	j->fd = fds[0];
	j->told = told;
	j->cookie = cookie;
	(void)uv_poll_init(loop, &j->poll, j->fd);
	j->poll.data = j;
	(void)uv_poll_start(&j->poll, UV_READABLE, on_readable);
	return (j);
}

void
reach_job_cancel(struct reach_job **jp)
{
	struct reach_job *j = *jp;

	if (j == NULL)
		return;
	*jp = NULL;
	uv_close((uv_handle_t *)&j->poll, on_closed);
}
