#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "names.h"
#include "joblog.h"
#include "record.h"
#include "str.h"
#include "ulid.h"

#include "client.h"
#include "control_request.h"

#define LINE_MAX_BYTES (64 * 1024)
#define QUEUE_MAX (256 * 1024)
#define OPS_DEFAULT 20

/* What the peer waits for. */
enum waits { WAITS_NOTHING, WAITS_OP, WAITS_LOG_END, WAITS_STOP, WAITS_WATCH };

struct client {
	struct client *next;
	const struct control_conf *conf;
	void (*gone)(void *, struct client *);
	void *cookie;
	uv_pipe_t pipe;
	char *user;
	bool may_write;
	bool dropped;
	struct buf in;
	enum waits waits;
	char op_id[ULID_LEN + 1];	/* "" none */
	struct joblog_reader *reader;
	char *progress, *status;	/* last sent */
};

struct out {
	uv_write_t req;
	char *text;
};

struct client *
client_new(const struct control_conf *conf,
    void (*gone)(void *, struct client *), void *cookie)
{
	struct client *c = str_alloc(sizeof(*c));

	c->conf = conf;
	c->gone = gone;
	c->cookie = cookie;
	c->pipe.data = c;
	(void)uv_pipe_init(conf->loop, &c->pipe, 0);
	return (c);
}

uv_pipe_t *
client_pipe(struct client *c)
{

	return (&c->pipe);
}

struct client **
client_link(struct client *c)
{

	return (&c->next);
}

static void
on_closed(uv_handle_t *h)
{
	struct client *c = h->data;

	buf_free(&c->in);
	joblog_reader_free(&c->reader);
	free(c->user);
	free(c->progress);
	free(c->status);
	free(c);
}

void
client_drop(struct client *c)
{

	if (c->dropped)
		return;
	c->dropped = true;
	c->gone(c->cookie, c);
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

/* Is there room for more? */
static bool
roomy(const struct client *c)
{

	return (!c->dropped && uv_stream_get_write_queue_size(
	    (const uv_stream_t *)&c->pipe) < QUEUE_MAX);
}

static void	 take_lines(struct client *);

static void
on_written(uv_write_t *req, int status)
{
	struct out *o = (struct out *)req->data;
	struct client *c = req->handle->data;

	free(o->text);
	free(o);
	if (status != 0)
		client_drop(c);
	else if (!c->dropped) {
		client_pump(c);
		take_lines(c);
	}
}

/* Send one line; takes ${text}. */
static void
send_text(struct client *c, char *text)
{
	struct out *o = str_alloc(sizeof(*o));
	size_t n = strlen(text);
	uv_buf_t b;

	o->text = str_printf("%s\n", text);
	free(text);
	o->req.data = o;
	b = uv_buf_init(o->text, (unsigned)n + 1);
	if (c->dropped || uv_write(&o->req, (uv_stream_t *)&c->pipe, &b, 1,
	    on_written) != 0) {
		free(o->text);
		free(o);
	}
}

/* Send an object with a type; takes ${obj}. */
static void
send_obj(struct client *c, const char *type, json_t *obj)
{
	json_t *msg = json_pack("{s:s}", "type", type);

	(void)json_object_update(msg, obj);
	send_text(c, json_dumps(msg, JSON_COMPACT));
	json_decref(msg);
	json_decref(obj);
}

static void
send_error(struct client *c, const char *code, const char *text)
{

	send_obj(c, "error", json_pack("{s:s, s:s}", "code", code, "text",
	    text));
}

static void
send_done(struct client *c, const char *op_id)
{
	struct journal_result res;
	struct err e = { 0 };

	if (journal_summary(c->conf->journal, op_id, &res, &e) == -1) {
		send_error(c, err_name(e.code), e.text);
		return;
	}
	send_obj(c, "done", journal_result_json(&res));
	journal_result_free(&res);
}

/* Follow the log of ${op_id} from its beginning. */
static void
follow(struct client *c, enum waits waits, const char *op_id)
{
	char *dir = journal_dir(c->conf->journal, op_id);

	memcpy(c->op_id, op_id, sizeof(c->op_id));
	joblog_reader_free(&c->reader);
	c->reader = joblog_reader_new(dir, 1);
	c->waits = waits;
	free(c->progress);
	c->progress = NULL;
	free(dir);
}

static void
cmd_status(struct client *c, const struct control_request *req)
{

	(void)req;
	send_obj(c, "status", c->conf->status(c->conf->cookie));
	send_obj(c, "done", json_object());
}

static void
cmd_run(struct client *c, const struct control_request *req)
{
	char op_id[ULID_LEN + 1];
	struct err e = { 0 };

	if (req->op == NULL) {
		send_error(c, "bad_args", "run needs an op");
		return;
	}
	if (c->conf->run(c->conf->cookie, req->op, req->args, c->user, op_id,
	    &e) == -1) {
		send_error(c, err_name(e.code), e.text);
		return;
	}
	send_obj(c, "accepted", json_pack("{s:s}", "op_id", op_id));
	if (req->follow != NULL && json_is_false(req->follow))
		send_done(c, op_id);
	else
		follow(c, WAITS_OP, op_id);
}

static void
cmd_stop(struct client *c, const struct control_request *req)
{
	struct err e = { 0 };

	(void)req;
	if (c->conf->stop(c->conf->cookie, c->op_id, &e) == -1)
		send_error(c, err_name(e.code), e.text);
	else
		c->waits = WAITS_STOP;
}

/* The newest operation; "" if there is none. */
static void
newest(struct client *c, char op_id[ULID_LEN + 1])
{
	char **ids;
	size_t n;

	op_id[0] = '\0';
	if (journal_list(c->conf->journal, &ids, &n, NULL) == -1)
		return;
	if (n > 0)
		memcpy(op_id, ids[n - 1], ULID_LEN + 1);
	journal_list_free(ids, n);
}

static void
cmd_logs(struct client *c, const struct control_request *req)
{
	struct journal_result res;
	char op_id[ULID_LEN + 1];
	struct err e = { 0 };

	if (req->op_id != NULL)
		memcpy(op_id, req->op_id, sizeof(op_id));
	else
		newest(c, op_id);
	if (op_id[0] == '\0') {
		send_error(c, "notfound", "no operation has run yet");
		return;
	}
	if (journal_summary(c->conf->journal, op_id, &res, &e) == -1) {
		if (e.code == ERR_NOTFOUND)
			err_set(&e, ERR_NOTFOUND, "there is no operation %s "
			    "in this host's journal", op_id);
		send_error(c, err_name(e.code), e.text);
		return;
	}
	journal_result_free(&res);
	follow(c, req->follow != NULL && json_is_true(req->follow) ?
	    WAITS_OP : WAITS_LOG_END, op_id);
}

static void
cmd_ops(struct client *c, const struct control_request *req)
{
	struct journal_result res;
	json_t *list = json_array();
	size_t n = 0, max, i;
	char **ids = NULL;

	max = req->limit > 0 ? (size_t)req->limit : OPS_DEFAULT;
	if (journal_list(c->conf->journal, &ids, &n, NULL) == -1)
		n = 0;
	for (i = n; i > 0 && json_array_size(list) < max; i--) {
		if (journal_summary(c->conf->journal, ids[i - 1], &res,
		    NULL) == -1)
			continue;
		(void)json_array_append_new(list, journal_result_json(&res));
		journal_result_free(&res);
	}
	journal_list_free(ids, n);
	send_obj(c, "done", json_pack("{s:o}", "operations", list));
}

/* Answer with how the branch is followed now; takes ${follow}. */
static void
send_follow(struct client *c, json_t *follow, const struct err *e)
{

	if (follow == NULL)
		send_error(c, err_name(e->code), e->text);
	else
		send_obj(c, "done", json_pack("{s:o}", "follow", follow));
}

static void
cmd_pause(struct client *c, const struct control_request *req)
{
	struct err e = { 0 };

	send_follow(c, c->conf->pause(c->conf->cookie, req->seconds,
	    req->reason, c->user, &e), &e);
}

static void
cmd_resume(struct client *c, const struct control_request *req)
{
	struct err e = { 0 };

	(void)req;
	send_follow(c, c->conf->resume(c->conf->cookie, &e), &e);
}

static void
cmd_generations(struct client *c, const struct control_request *req)
{

	(void)req;
	send_obj(c, "done", json_pack("{s:o}", "generations",
	    c->conf->generations(c->conf->cookie)));
}

static void
cmd_watch(struct client *c, const struct control_request *req)
{

	(void)req;
	c->waits = WAITS_WATCH;
	c->op_id[0] = '\0';
}

static const struct {
	const char *name;
	bool writes;
	void (*run)(struct client *, const struct control_request *);
} commands[] = {
	{ "status", false, cmd_status },
	{ "run", true, cmd_run },
	{ "stop", true, cmd_stop },
	{ "logs", false, cmd_logs },
	{ "ops", false, cmd_ops },
	{ "generations", false, cmd_generations },
	{ "pause", true, cmd_pause },
	{ "resume", true, cmd_resume },
	{ "watch", false, cmd_watch },
};

static void
command(struct client *c, const struct control_request *req)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!str_eq(commands[i].name, req->cmd))
			continue;
		if (commands[i].writes && !c->may_write)
			send_error(c, "refused", "only root and the agent's "
			    "own user may do this");
		else
			commands[i].run(c, req);
		return;
	}
	send_error(c, "unknown", "the commands are status, run, stop, logs, "
	    "ops, generations, pause, resume and watch");
}

static void
line(struct client *c, const char *text, size_t len)
{
	struct control_request req;
	struct err e = { 0 };

	if (len == 0)
		return;
	if (control_request_parse(text, len, &req, &e) == -1) {
		send_error(c, "bad_args", e.text);
		return;
	}
	command(c, &req);
	control_request_free(&req);
	client_pump(c);
}

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{

	(void)h;
	(void)hint;
	*out = uv_buf_init(str_alloc(4096), 4096);
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct client *c = s->data;

	if (n > 0)
		buf_add(&c->in, b->base, (size_t)n);
	free(b->base);
	if (n < 0) {
		client_drop(c);
		return;
	}
	take_lines(c);
}

/* Do what was asked; who does not take the answers is not asked for more. */
static void
take_lines(struct client *c)
{
	const char *nl = NULL;

	while (roomy(c) && c->in.len > 0 &&
	    (nl = memchr(c->in.data, '\n', c->in.len)) != NULL) {
		line(c, c->in.data, (size_t)(nl - c->in.data));
		buf_drop(&c->in, (size_t)(nl - c->in.data) + 1);
	}
	if (c->dropped)
		return;
	if (!roomy(c))
		(void)uv_read_stop((uv_stream_t *)&c->pipe);
	else if (c->in.len > LINE_MAX_BYTES) {
		send_error(c, "bad_args", "a line is longer than 64 KiB");
		client_drop(c);
	} else
		(void)uv_read_start((uv_stream_t *)&c->pipe, on_alloc,
		    on_read);
}

void
client_start(struct client *c, const char *user, bool may_write)
{

	c->user = str_dup(user);
	c->may_write = may_write;
	if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
		client_drop(c);
}

/* Send new log lines; true when all that is there is sent. */
static bool
pump_log(struct client *c)
{
	struct joblog_record rec;
	int rc = 0;

	while (roomy(c) && (rc = joblog_read(c->reader, &rec)) == 1)
		send_obj(c, "output", json_pack("{s:I, s:I, s:s, s:s%}",
		    "seq", (json_int_t)rec.seq, "ts", (json_int_t)rec.ts,
		    "stream", names_stream(rec.stream),
		    "text", rec.text, rec.len));
	return (rc <= 0 && roomy(c));
}

static void
pump_progress(struct client *c)
{
	struct journal_progress p;
	json_t *obj;
	char *text;

	if (!journal_progress(c->conf->journal, c->op_id, &p))
		return;
	obj = json_pack("{s:s, s:I, s:I, s:s}", "phase", p.phase, "done",
	    (json_int_t)p.done, "expected", (json_int_t)p.expected, "text",
	    p.text != NULL ? p.text : "");
	journal_progress_free(&p);
	text = json_dumps(obj, JSON_COMPACT);
	if (str_eq(text, c->progress)) {
		free(text);
		json_decref(obj);
		return;
	}
	free(c->progress);
	c->progress = text;
	send_obj(c, "progress", obj);
}

/* The operation's result, if it is over for the agent, too. */
static json_t *
result_of(const struct client *c)
{
	struct journal_result res;
	json_t *obj;

	if (str_eq(c->conf->running(c->conf->cookie), c->op_id) ||
	    journal_result(c->conf->journal, c->op_id, &res, NULL) == -1)
		return (NULL);
	obj = journal_result_json(&res);
	journal_result_free(&res);
	return (obj);
}

static void
pump_op(struct client *c)
{
	json_t *res = result_of(c);	/* first: the log is complete then */

	if (!pump_log(c) || (res == NULL && c->waits == WAITS_OP)) {
		if (res == NULL)
			pump_progress(c);
		json_decref(res);
		return;
	}
	c->waits = WAITS_NOTHING;
	joblog_reader_free(&c->reader);
	if (res != NULL)
		send_obj(c, "done", res);
	else
		send_done(c, c->op_id);
}

static void
pump_watch(struct client *c)
{
	const char *running = c->conf->running(c->conf->cookie);
	json_t *obj = c->conf->status(c->conf->cookie);
	char *text = json_dumps(obj, JSON_COMPACT);

	if (!str_eq(text, c->status) && roomy(c)) {
		free(c->status);
		c->status = str_dup(text);
		send_obj(c, "status", json_incref(obj));
	}
	free(text);
	json_decref(obj);
	if (c->op_id[0] == '\0' && running != NULL)
		follow(c, WAITS_WATCH, running);
	if (c->op_id[0] == '\0')
		return;
	obj = result_of(c);
	if (pump_log(c) && obj != NULL) {
		send_obj(c, "result", obj);
		c->op_id[0] = '\0';
		return;
	}
	if (obj == NULL)
		pump_progress(c);
	json_decref(obj);
}

void
client_pump(struct client *c)
{
	json_t *res;

	if (c->dropped || !roomy(c))
		return;
	switch (c->waits) {
	case WAITS_NOTHING:
		break;
	case WAITS_OP:
	case WAITS_LOG_END:
		pump_op(c);
		break;
	case WAITS_STOP:
		if ((res = result_of(c)) != NULL) {
			c->waits = WAITS_NOTHING;
			send_obj(c, "done", res);
		}
		break;
	case WAITS_WATCH:
		pump_watch(c);
		break;
	}
}
