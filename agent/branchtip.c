#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agentconf.h"
#include "log.h"
#include "proc.h"
#include "record.h"
#include "str.h"

#include "branchtip.h"

/* Milliseconds for the server's answer, and for the child in all. */
#define ASK_LIMIT 60000
#define CHILD_LIMIT (ASK_LIMIT + PROC_GRACE + 5000)
#define ANSWER_MAX 8192

extern char **environ;

#define ROW(m) RECORD_ROW(branchtip_answer, m, RECORD_STR, RECORD_OMIT)
static const struct record_field fields[] = { ROW(rev), ROW(fail), ROW(text) };
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

/* One child; stays until libuv has closed all of it. */
struct child {
	struct branchtip *owner;
	uv_process_t proc;
	uv_pipe_t out;
	uv_timer_t limit;
	struct buf text;
	bool exited, eof;
	int open;		/* handles */
};

struct branchtip {
	struct branchtip_conf conf;
	char exe[4096];
	struct child *child;	/* NULL: nothing is asked */
};

int
branchtip_new(const struct branchtip_conf *conf, struct branchtip **out,
    struct err *e)
{
	struct branchtip *b = str_alloc(sizeof(*b));
	size_t n = sizeof(b->exe);
	int rc;

	b->conf = *conf;
	if ((rc = uv_exepath(b->exe, &n)) != 0) {
		free(b);
		return (err_set(e, ERR_SYS, "path of our own program: %s",
		    uv_strerror(rc)));
	}
	*out = b;
	return (0);
}

int
branchtip_parse(const char *text, size_t len, struct branchtip_answer *a,
    struct err *e)
{
	json_t *obj;
	int rc;

	if (record_parse(text, len, &obj, e) == -1)
		return (-1);
	rc = record_decode(fields, NFIELDS, obj, a, e);
	json_decref(obj);
	if (rc == 0 && (a->rev == NULL) == (a->fail == NULL)) {
		branchtip_answer_free(a);
		rc = err_set(e, ERR_INPUT, "neither a revision nor a failure");
	}
	return (rc);
}

void
branchtip_answer_free(struct branchtip_answer *a)
{

	record_free(fields, NFIELDS, a);
}

static void
on_closed(uv_handle_t *h)
{
	struct child *c = h->data;

	if (--c->open > 0)
		return;
	buf_free(&c->text);
	free(c);
}

static void
close_child(struct child *c)
{

	uv_close((uv_handle_t *)&c->proc, on_closed);
	uv_close((uv_handle_t *)&c->out, on_closed);
	uv_close((uv_handle_t *)&c->limit, on_closed);
}

static void
answer(struct child *c)
{
	struct branchtip *b = c->owner;
	struct branchtip_answer a;
	struct err e = { 0 };

	if (branchtip_parse(c->text.data != NULL ? c->text.data : "",
	    c->text.len, &a, &e) == -1) {
		a.rev = NULL;
		a.fail = str_dup(repo_fail_name(REPO_FAIL_OTHER));
		a.text = str_printf("no answer from our own program: %s",
		    e.text);
	}
	b->child = NULL;
	close_child(c);
	b->conf.on_answer(b->conf.cookie, &a);
	branchtip_answer_free(&a);
}

/* Over when the child is gone and all that it said was read. */
static void
maybe_over(struct child *c)
{

	if (c->exited && c->eof)
		answer(c);
}

static void
on_exit_child(uv_process_t *proc, int64_t status, int sig)
{
	struct child *c = proc->data;

	(void)status;
	(void)sig;
	c->exited = true;
	maybe_over(c);
}

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{

	(void)h;
	(void)hint;
	*out = uv_buf_init(str_alloc(1024), 1024);
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct child *c = s->data;

	if (n > 0 && c->text.len + (size_t)n <= ANSWER_MAX)
		buf_add(&c->text, b->base, (size_t)n);
	free(b->base);
	if (n >= 0)
		return;
	(void)uv_read_stop(s);
	c->eof = true;
	maybe_over(c);
}

static void
on_limit(uv_timer_t *t)
{
	struct child *c = t->data;

	if (!c->exited) {
		(void)proc_kill_session(c->proc.pid, SIGKILL);
		return;
	}
	c->eof = true;
	maybe_over(c);
}

static int
spawn(struct branchtip *b, struct child *c)
{
	char word[] = "branch-tip";
	char *args[] = { b->exe, word, NULL };
	uv_stdio_container_t io[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		    .data.stream = (uv_stream_t *)&c->out },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	struct proc_env env = { 0 };
	uv_process_options_t opt = { .file = b->exe, .args = args,
	    .exit_cb = on_exit_child, .flags = UV_PROCESS_DETACHED,
	    .stdio = io, .stdio_count = 3 };
	int rc;

	agentconf_child_env(b->conf.env, &env);
	(void)proc_env_get(&env);
	opt.env = env.vars;
	rc = uv_spawn(b->conf.loop, &c->proc, &opt);
	proc_env_free(&env);
	return (rc);
}

void
branchtip_ask(struct branchtip *b)
{
	struct child *c;
	int rc;

	if (b->child != NULL)
		return;
	b->child = c = str_alloc(sizeof(*c));
	c->owner = b;
	c->open = 3;
	(void)uv_pipe_init(b->conf.loop, &c->out, 0);
	(void)uv_timer_init(b->conf.loop, &c->limit);
	c->proc.data = c->out.data = c->limit.data = c;
	if ((rc = spawn(b, c)) != 0) {
		log_error("cannot look at the branch", "error",
		    uv_strerror(rc));
		c->exited = true;
		/* The answer is given from the loop. */
		(void)uv_timer_start(&c->limit, on_limit, 0, 0);
		return;
	}
	(void)uv_timer_start(&c->limit, on_limit, CHILD_LIMIT, 0);
	if (uv_read_start((uv_stream_t *)&c->out, on_alloc, on_read) != 0)
		c->eof = true;
}

bool
branchtip_asking(const struct branchtip *b)
{

	return (b->child != NULL);
}

void
branchtip_free(struct branchtip **bp)
{
	struct branchtip *b = *bp;

	if (b == NULL)
		return;
	*bp = NULL;
	if (b->child != NULL) {
		b->child->owner = NULL;
		if (!b->child->exited)
			(void)proc_kill_session(b->child->proc.pid, SIGKILL);
		close_child(b->child);
	}
	free(b);
}

/* ---- the child ---- */

static void
look(struct branchtip_answer *a)
{
	const char *const *env = (const char *const *)environ;
	struct agentconf *conf = NULL;
	char tip[REPO_REV];
	struct repo_conf rc;
	struct repo *r = NULL;
	struct err e = { 0 };

	if (agentconf_load(AGENTCONF_WORKER, env, &conf, NULL, &e) == 0) {
		agentconf_repo(conf, &rc);
		if (rc.fetch_timeout_ms > ASK_LIMIT)
			rc.fetch_timeout_ms = ASK_LIMIT;
		if (repo_open(&rc, &r, &e) == 0 &&
		    repo_check(r, tip, &e) == 0)
			a->rev = str_dup(tip);
	}
	if (a->rev == NULL) {
		a->fail = str_dup(repo_fail_name(r != NULL ?
		    repo_last_fail(r) : REPO_FAIL_CONFIG));
		a->text = str_dup(e.text);
	}
	repo_free(&r);
	agentconf_free(&conf);
}

int
branchtip_main(void)
{
	struct branchtip_answer a = { 0 };
	json_t *obj;
	int rc;

	look(&a);
	obj = record_encode(fields, NFIELDS, &a);
	rc = json_dumpf(obj, stdout, JSON_COMPACT);
	json_decref(obj);
	branchtip_answer_free(&a);
	return (rc == 0 && fflush(stdout) == 0 ? 0 : 1);
}
