#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "forkexec.h"
#include "pidwatch.h"
#include "platform.h"
#include "proc.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#define READ_SIZE 65536
/* Where the kernel cannot tell of a child's end we look this often, in ms. */
#define LOOK_EVERY 20
#define WAIT_MAX 60000

/* One of the child's two outputs. */
struct output {
	int fd;			/* -1: closed */
	char line[PROC_LINE_MAX];
	size_t len;
};

enum phase { RUNNING, TERMINATED, KILLED, GIVEN_UP };

struct run {
	const struct proc_spec *spec;
	struct proc_result *res;
	pid_t pid;
	int exit_fd;		/* readable when the child has ended; or -1 */
	struct output outs[2];
	enum phase phase;
	int64_t until;		/* when the phase ends */
	char *block;
	bool news;		/* output came, and no silence was told since */
};

static void
emit(struct run *r, enum proc_stream s, const char *p, size_t n)
{
	if (r->spec->on_line != NULL)
		r->spec->on_line(r->spec->cookie, s, p, n);
}

/* Where to cut [p, p+n) so that no UTF-8 sequence is torn. */
static size_t
cut(const char *p, size_t n)
{
	size_t back = 1;

	while (back < 4 && (p[n - back] & 0xc0) == 0x80)
		back++;
	return (back < 4 && (p[n - back] & 0xc0) == 0xc0 ? n - back : n);
}

/* The line is full and goes on. */
static void
fold(struct run *r, enum proc_stream s, struct output *o)
{
	size_t n = cut(o->line, o->len);

	emit(r, s, o->line, n);
	o->len -= n;
	memmove(o->line, o->line + n, o->len);
}

static void
split(struct run *r, enum proc_stream s, struct output *o, const char *p,
    size_t n)
{
	const char *nl;
	size_t part;

	while (n > 0) {
		nl = memchr(p, '\n', n);
		part = nl == NULL ? n : (size_t)(nl - p);
		if (part > PROC_LINE_MAX - o->len)
			part = PROC_LINE_MAX - o->len;
		memcpy(o->line + o->len, p, part);
		o->len += part;
		p += part;
		n -= part;
		if (n > 0 && *p == '\n') {
			emit(r, s, o->line, o->len);
			o->len = 0;
			p++;
			n--;
		} else if (n > 0)
			fold(r, s, o);
	}
}

static void
keep_first(struct buf *b, size_t max, bool *was_cut, const char *p, size_t n)
{
	if (n > max - b->len) {
		*was_cut = true;
		n = max - b->len;
	}
	if (n > 0)
		buf_add(b, p, n);
}

/* Moving the rest down only now and then keeps this linear. */
static void
keep_last(struct buf *b, size_t max, bool *was_cut, const char *p, size_t n)
{
	if (n > max) {
		*was_cut = true;
		p += n - max;
		n = max;
	}
	if (n == 0)
		return;
	buf_add(b, p, n);
	if (b->len > 2 * max) {
		*was_cut = true;
		buf_drop(b, b->len - max);
	}
}

static void
take(struct run *r, enum proc_stream s, const char *p, size_t n)
{
	struct proc_result *res = r->res;

	if (s == PROC_OUT)
		keep_first(&res->out, r->spec->keep_out, &res->out_cut, p, n);
	else
		keep_last(&res->err, r->spec->keep_err, &res->err_cut, p, n);
	if (r->spec->on_line != NULL)
		split(r, s, &r->outs[s], p, n);
}

static void
close_output(struct run *r, enum proc_stream s)
{
	struct output *o = &r->outs[s];

	if (o->fd == -1)
		return;
	if (o->len > 0)
		emit(r, s, o->line, o->len);
	o->len = 0;
	close(o->fd);
	o->fd = -1;
}

/* Read once; returns how much came. */
static size_t
read_output(struct run *r, enum proc_stream s)
{
	ssize_t n = read(r->outs[s].fd, r->block, READ_SIZE);

	if (n > 0)
		take(r, s, r->block, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(r, s);
	return (n > 0 ? (size_t)n : 0);
}

/* What lies in the pipe now; a grandchild may go on filling it for ever. */
static void
drain(struct run *r, enum proc_stream s)
{
	int left = 0;
	size_t n;

	if (r->outs[s].fd == -1)
		return;
	if (ioctl(r->outs[s].fd, FIONREAD, &left) == -1)
		left = 0;
	while (left > 0 && r->outs[s].fd != -1 && (n = read_output(r, s)) > 0)
		left -= (int)n;
	close_output(r, s);
}

/* Has the child ended?  It stays to be waited for, so its group's id too. */
static bool
ended(const struct run *r)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)r->pid, &si, WEXITED | WNOHANG | WNOWAIT) == -1)
		return (errno != EINTR);
	return (si.si_pid == r->pid);
}

static void
terminate(struct run *r, enum proc_end why)
{
	r->res->end = why;
	kill(-r->pid, SIGTERM);
	/* Stopped processes would not see it. */
	kill(-r->pid, SIGCONT);
	r->phase = TERMINATED;
	r->until = tick_mono() + PROC_GRACE;
}

/* The time of the present phase is over. */
static void
phase_over(struct run *r)
{
	switch (r->phase) {
	case RUNNING:
		terminate(r, PROC_TIMEOUT);
		break;
	case TERMINATED:
		kill(-r->pid, SIGKILL);
		r->phase = KILLED;
		r->until = tick_mono() + PROC_GRACE;
		break;
	default:
		/* Not even SIGKILL ended it: it hangs in the kernel. */
		r->phase = GIVEN_UP;
		break;
	}
}

static int
wait_time(const struct run *r)
{
	int64_t left = r->until - tick_mono();

	if (r->exit_fd == -1 && left > LOOK_EVERY)
		left = LOOK_EVERY;
	if (left > WAIT_MAX)
		left = WAIT_MAX;
	if (r->news && left > PROC_QUIET)
		left = PROC_QUIET;
	return (left < 0 ? 0 : (int)left);
}

/* After ${ready} descriptors had something: tell a silence once. */
static void
listen_for_quiet(struct run *r, int ready)
{
	if (ready == 0 && r->news) {
		r->news = false;
		r->spec->on_quiet(r->spec->cookie);
	} else if (ready > 0)
		r->news = r->spec->on_quiet != NULL;
}

/* Serve the child until it has ended or is given up. */
static void
serve(struct run *r)
{
	struct pollfd p[4];
	int ready;

	while (r->phase != GIVEN_UP) {
		p[0] = (struct pollfd){ r->outs[PROC_OUT].fd, POLLIN, 0 };
		p[1] = (struct pollfd){ r->outs[PROC_ERR].fd, POLLIN, 0 };
		p[2] = (struct pollfd){ r->exit_fd, POLLIN, 0 };
		p[3] = (struct pollfd){ -1, POLLIN, 0 };
		if (r->phase == RUNNING)
			p[3].fd = r->spec->stop_fd;
		if ((ready = poll(p, 4, wait_time(r))) == -1)
			continue;
		listen_for_quiet(r, ready);
		if (p[0].revents != 0)
			read_output(r, PROC_OUT);
		if (p[1].revents != 0)
			read_output(r, PROC_ERR);
		if ((p[2].revents != 0 || r->exit_fd == -1) && ended(r))
			return;
		if (p[3].revents != 0)
			terminate(r, PROC_STOPPED);
		if (tick_mono() >= r->until)
			phase_over(r);
	}
}

static void
reap(struct run *r)
{
	int status;
	pid_t got;

	if (r->phase == GIVEN_UP) {
		r->res->code = SIGKILL;
		return;
	}
	do
		got = waitpid(r->pid, &status, 0);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		status = 0;
	if (WIFSIGNALED(status)) {
		r->res->code = WTERMSIG(status);
		if (r->phase == RUNNING)
			r->res->end = PROC_SIGNALLED;
	} else
		r->res->code = WEXITSTATUS(status);
}

static void
finish(struct run *r)
{
	/* Grandchildren; the child, waited for below, keeps the id ours. */
	kill(-r->pid, SIGKILL);
	drain(r, PROC_OUT);
	drain(r, PROC_ERR);
	reap(r);
	if (r->res->err.len > r->spec->keep_err) {
		r->res->err_cut = true;
		buf_drop(&r->res->err, r->res->err.len - r->spec->keep_err);
	}
}

static int
open_input(const struct proc_spec *spec, struct err *e)
{
	int fd;

	if (spec->input == NULL) {
		fd = forkexec_high(open("/dev/null", O_RDONLY | O_CLOEXEC));
		return (fd == -1 ? err_sys(e, "open /dev/null") : fd);
	}
	if ((fd = forkexec_high(platform_unnamed_file())) == -1)
		return (err_sys(e, "make a file for the input"));
	if (file_write_all(fd, spec->input, spec->inputlen) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1) {
		err_sys(e, "write the input");
		close(fd);
		return (-1);
	}
	return (fd);
}

static int
start(struct run *r, int in, struct err *e)
{
	int out[2], err[2];
	struct forkexec how = { .argv = r->spec->argv, .env = r->spec->env,
		.cwd = r->spec->cwd, .in = in };

	if (forkexec_pipe(out) == -1)
		return (err_sys(e, "make a pipe"));
	if (forkexec_pipe(err) == -1) {
		err_sys(e, "make a pipe");
		goto err1;
	}
	how.out = out[1];
	how.err = err[1];
	if ((r->pid = forkexec_start(&how, e)) == -1)
		goto err2;
	close(out[1]);
	close(err[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	r->outs[PROC_OUT].fd = out[0];
	r->outs[PROC_ERR].fd = err[0];
	return (0);

err2:
	close(err[0]);
	close(err[1]);
err1:
	close(out[0]);
	close(out[1]);
	return (-1);
}

int
proc_run(const struct proc_spec *spec, struct proc_result *res, struct err *e)
{
	struct run *r = str_alloc(sizeof(*r));
	int64_t began = tick_mono();
	int in, rc = -1;

	assert(spec->deadline > 0);
	*res = (struct proc_result){ .end = PROC_EXITED };
	r->spec = spec;
	r->res = res;
	r->until = began + spec->deadline;
	if ((in = open_input(spec, e)) == -1)
		goto out;
	rc = start(r, in, e);
	close(in);
	if (rc == -1)
		goto out;
	r->block = str_alloc(READ_SIZE);
	r->exit_fd = pidwatch_open(r->pid);
	serve(r);
	finish(r);
	if (r->exit_fd != -1)
		close(r->exit_fd);
	free(r->block);
out:
	res->ms = tick_mono() - began;
	free(r);
	return (rc);
}

void
proc_result_free(struct proc_result *res)
{
	buf_free(&res->out);
	buf_free(&res->err);
}

/* The last line of ${b} that says something, fit for people; may be "". */
static char *
last_line(const struct buf *b)
{
	size_t end = b->len, from;
	struct buf clean = { 0 };
	char *s;

	while (end > 0 && (unsigned char)b->data[end - 1] <= ' ')
		end--;
	from = end;
	while (from > 0 && b->data[from - 1] != '\n' &&
	    b->data[from - 1] != '\r')
		from--;
	if (end > from)
		utf8_clean(&clean, b->data + from, end - from);
	s = buf_take(&clean);
	for (char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return (s);
}

int
proc_check(const struct proc_spec *spec, const struct proc_result *res,
    struct err *e)
{
	const char *slash = strrchr(spec->argv[0], '/');
	const char *name = slash == NULL ? spec->argv[0] : slash + 1;
	char *last, *colon;

	if (res->end == PROC_EXITED && res->code == 0)
		return (0);
	last = last_line(&res->err);
	colon = str_printf("%s%s", last[0] == '\0' ? "" : ": ", last);
	switch (res->end) {
	case PROC_EXITED:
		err_set(e, ERR_CHILD, "%s ended with status %d%s", name,
		    res->code, colon);
		break;
	case PROC_SIGNALLED:
		err_set(e, ERR_CHILD, "%s was killed by signal %d (%s)%s", name,
		    res->code, strsignal(res->code), colon);
		break;
	case PROC_TIMEOUT:
		err_set(e, ERR_TIMEOUT, "%s was stopped after %lld s%s", name,
		    (long long)(spec->deadline + 999) / 1000, colon);
		break;
	case PROC_STOPPED:
		err_set(e, ERR_STOPPED, "%s was stopped on request", name);
		break;
	}
	free(colon);
	free(last);
	return (-1);
}
