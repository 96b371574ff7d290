#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "joblog.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"

#include "dots.h"
#include "reporter.h"

/* Sent again in dialect 4 when the hub says nothing. */
#define STATUS_AGAIN 15000
/* For an operation that the hub did not ask for, and may not care about. */
#define STATUS_TRIES 3
#define PROGRESS_EVERY 250
#define QUEUE_MAX (512 * 1024)

/* One operation that the hub does not have completely. */
struct report {
	struct report *next;
	char op_id[ULID_LEN + 1];
	char *op;
	char *by;
	bool from_hub;		/* a hub asked for it, by this id */
	int dialect;		/* of that hub */
	struct joblog_reader *reader;	/* NULL: not open */
	int64_t acked;		/* newest record that the hub has */
	int64_t sent;		/* newest record given to the link */
	size_t in_flight;	/* bytes of records in (acked, sent] */
	uint64_t output_ping;	/* dialect 3: for ping_seq; 0: none */
	int64_t ping_seq;
	bool status_sent, status_acked;
	int status_tries;
	int64_t status_at;	/* monotonic */
	uint64_t status_ping;
	bool began;		/* dialect 3's dots were sent */
	char *progress;		/* the last one sent */
	int64_t progress_at;
};

struct reporter {
	struct reporter_conf conf;
	struct report *head;
	int dialect;		/* 0: no link */
};

struct reporter *
reporter_new(const struct reporter_conf *conf)
{
	struct reporter *r = str_alloc(sizeof(*r));

	r->conf = *conf;
	return (r);
}

static void
report_free(struct report *p)
{

	joblog_reader_free(&p->reader);
	free(p->op);
	free(p->by);
	free(p->progress);
	free(p);
}

void
reporter_free(struct reporter **rp)
{
	struct report *p;

	if (*rp == NULL)
		return;
	while ((p = (*rp)->head) != NULL) {
		(*rp)->head = p->next;
		report_free(p);
	}
	free(*rp);
	*rp = NULL;
}

static struct report *
find(const struct reporter *r, const char *op_id)
{
	struct report *p;

	for (p = r->head; p != NULL && !str_eq(p->op_id, op_id); p = p->next)
		;
	return (p);
}

/* A new connection knows nothing of what the old one had in flight. */
static void
rewind_report(struct report *p)
{

	p->sent = p->acked;
	p->in_flight = 0;
	p->output_ping = p->status_ping = 0;
	p->status_sent = p->began = false;
	p->status_tries = 0;
	free(p->progress);
	p->progress = NULL;
	joblog_reader_free(&p->reader);
}

void
reporter_add(struct reporter *r, const char *op_id)
{
	struct journal_request req;
	struct report *p, **tail;
	struct err e = { 0 };

	if ((p = find(r, op_id)) != NULL) {
		p->status_acked = false;
		rewind_report(p);
		return;
	}
	if (journal_request(r->conf.journal, op_id, &req, &e) == -1) {
		log_warn("cannot report an operation", "op_id", op_id,
		    "error", e.text);
		return;
	}
	p = str_alloc(sizeof(*p));
	memcpy(p->op_id, req.op_id, sizeof(p->op_id));
	p->op = str_dup(req.op);
	p->by = str_dup(req.by);
	p->from_hub = str_eq(req.origin, "hub");
	p->dialect = (int)req.dialect;
	p->acked = p->sent = journal_sent(r->conf.journal, op_id);
	journal_request_free(&req);
	for (tail = &r->head; *tail != NULL; tail = &(*tail)->next)
		;
	*tail = p;
}

int
reporter_recover(struct reporter *r, struct err *e)
{
	char **ids;
	size_t n, i;

	if (journal_list(r->conf.journal, &ids, &n, e) == -1)
		return (-1);
	for (i = 0; i < n; i++)
		if (!journal_acked(r->conf.journal, ids[i]))
			reporter_add(r, ids[i]);
	journal_list_free(ids, n);
	return (0);
}

json_t *
reporter_resume(const struct reporter *r)
{
	json_t *obj = json_object();
	const struct report *p;

	for (p = r->head; p != NULL; p = p->next)
		(void)json_object_set_new(obj, p->op_id,
		    json_integer(p->acked + 1));
	return (obj);
}

void
reporter_open(struct reporter *r, int dialect)
{
	struct report *p;

	r->dialect = dialect;
	for (p = r->head; p != NULL; p = p->next)
		rewind_report(p);
	reporter_pump(r);
}

void
reporter_lost(struct reporter *r)
{
	struct report *p;

	r->dialect = 0;
	for (p = r->head; p != NULL; p = p->next)
		rewind_report(p);
}

static void
send_msg(struct reporter *r, const struct wire_msg *msg)
{

	hublink_send(r->conf.link, wire_encode(msg, r->dialect));
}

static void
send_line(struct reporter *r, struct report *p,
    const struct joblog_record *rec)
{
	struct wire_msg msg = { .type = WIRE_OUTPUT };
	static char stdout_word[] = "stdout", stderr_word[] = "stderr";

	msg.u.output.line = str_ndup(rec->text, rec->len);
	msg.u.output.stream = rec->stream == STREAM_STDERR ? stderr_word :
	    stdout_word;
	msg.u.output.command = p->op;
	send_msg(r, &msg);
	free(msg.u.output.line);
}

/* Dialect 3: a line a message. */
static void
pump_lines(struct reporter *r, struct report *p)
{
	struct joblog_record rec;

	if (p->output_ping != 0)
		return;
	while (p->in_flight < WIRE_UNACKED_MAX / 4 &&
	    hublink_queued(r->conf.link) < QUEUE_MAX &&
	    joblog_read(p->reader, &rec) == 1) {
		send_line(r, p, &rec);
		p->sent = rec.seq;
		p->in_flight += rec.len + 1;
	}
	if (p->sent > p->acked) {
		p->ping_seq = p->sent;
		p->output_ping = hublink_ping(r->conf.link);
	}
}

static void
send_batch(struct reporter *r, struct report *p, int64_t seq, int64_t ts,
    json_t *lines)
{
	struct wire_msg msg = { .type = WIRE_OUTPUT };

	msg.u.output.op_id = p->op_id;
	msg.u.output.seq = seq;
	msg.u.output.ts = ts;
	msg.u.output.lines = lines;
	if (!p->from_hub)
		msg.u.output.command = p->op;
	send_msg(r, &msg);
	json_decref(lines);
}

/* Dialect 4: batches.  True if there may be more. */
static bool
pump_batch(struct reporter *r, struct report *p)
{
	struct joblog_record rec;
	struct wire_line line;
	json_t *lines = NULL;
	int64_t seq = 0, ts = 0;
	size_t size = 0;

	while (size < WIRE_BATCH_MAX - 3 * 8192 &&
	    joblog_read(p->reader, &rec) == 1) {
		if (lines != NULL && rec.seq != p->sent + 1) {
			joblog_reader_seek(p->reader, rec.seq);
			break;
		}
		if (lines == NULL) {
			lines = json_array();
			seq = rec.seq;
			ts = rec.ts;
		}
		line.text = rec.text;
		line.len = rec.len;
		line.stream = rec.stream;
		line.ts = rec.ts;
		wire_lines_add(lines, ts, &line);
		p->sent = rec.seq;
		size += rec.len + 24;
	}
	if (lines == NULL)
		return (false);
	p->in_flight += size;
	send_batch(r, p, seq, ts, lines);
	return (true);
}

static void
pump_output(struct reporter *r, struct report *p)
{
	char *dir;

	if (p->reader == NULL) {
		dir = journal_dir(r->conf.journal, p->op_id);
		p->reader = joblog_reader_new(dir, p->sent + 1);
		free(dir);
	}
	if (r->dialect < 4) {
		pump_lines(r, p);
		return;
	}
	while (p->in_flight < WIRE_UNACKED_MAX - WIRE_BATCH_MAX &&
	    hublink_queued(r->conf.link) < QUEUE_MAX && pump_batch(r, p))
		;
}

static int64_t
time_of(const char *text)
{
	int64_t ms = 0;

	if (text != NULL)
		(void)tick_parse(text, &ms);
	return (ms);
}

/* Dialect 3's word for an outcome; borrowed static text. */
static char *
word_of(const struct journal_result *res)
{
	static char ok[] = "ok", warning[] = "warning", stopped[] = "stopped",
	    error[] = "error";

	switch (names_outcome_parse(res->outcome)) {
	case OUTCOME_OK:
		return (res->warning ? warning : ok);
	case OUTCOME_STOPPED:
		return (stopped);
	default:
		return (error);
	}
}

static void
send_status(struct reporter *r, struct report *p,
    const struct journal_result *res)
{
	struct wire_msg msg = { .type = WIRE_STATUS };
	struct wire_status *s = &msg.u.status;

	s->status = word_of(res);
	s->command = p->op;
	s->exit_code = res->exit_code == RECORD_NONE ? 1 : res->exit_code;
	s->message = res->message;
	s->generation = res->generation;
	s->op_id = p->op_id;
	s->outcome = res->outcome;
	s->by = p->from_hub && p->dialect >= 4 ? NULL : p->by;
	s->accepted_at = time_of(res->accepted_at);
	s->started_at = time_of(res->started_at);
	s->finished_at = time_of(res->finished_at);
	s->last_seq = res->last_seq;
	s->phases = res->phases;
	s->changes = res->changes;
	if (r->dialect < 4)
		dots_end(r->conf.link, p->op,
		    str_eq(res->outcome, names_outcome(OUTCOME_OK)));
	send_msg(r, &msg);
	p->status_sent = true;
	p->status_tries++;
	p->status_at = tick_mono();
	if (r->dialect < 4)
		p->status_ping = hublink_ping(r->conf.link);
}

/* Send the result once the log is out; true if it was sent. */
static bool
pump_status(struct reporter *r, struct report *p)
{
	struct journal_result res;
	bool again, sent = false;

	again = r->dialect >= 4 &&
	    tick_mono() - p->status_at > STATUS_AGAIN &&
	    (p->from_hub || p->status_tries < STATUS_TRIES);
	if (p->status_acked || (p->status_sent && !again))
		return (false);
	if (r->conf.running(r->conf.cookie, p->op_id) ||
	    journal_result(r->conf.journal, p->op_id, &res, NULL) == -1)
		return (false);
	if (p->sent >= res.last_seq) {
		send_status(r, p, &res);
		sent = true;
	}
	journal_result_free(&res);
	return (sent);
}

static void
pump_progress(struct reporter *r, struct report *p)
{
	struct wire_msg msg = { .type = WIRE_PROGRESS };
	struct journal_progress now;
	char *text;

	if (r->dialect < 4) {
		if (!p->began)
			dots_begin(r->conf.link, p->op);
		p->began = true;
		return;
	}
	if (tick_mono() - p->progress_at < PROGRESS_EVERY ||
	    !journal_progress(r->conf.journal, p->op_id, &now))
		return;
	msg.u.progress.op_id = p->op_id;
	msg.u.progress.phase = now.phase;
	msg.u.progress.done = now.done;
	msg.u.progress.expected = now.expected;
	msg.u.progress.text = now.text;
	text = wire_encode(&msg, r->dialect);
	journal_progress_free(&now);
	if (!str_eq(text, p->progress)) {
		free(p->progress);
		p->progress = str_dup(text);
		p->progress_at = tick_mono();
		hublink_send(r->conf.link, text);
	} else
		free(text);
}

/* The hub has it: forget it, here and on disk. */
static void
complete(struct reporter *r, struct report *p)
{
	struct report **q;
	struct err e = { 0 };

	if (journal_ack(r->conf.journal, p->op_id, &e) == -1)
		log_warn("cannot note an acknowledgement", "op_id", p->op_id,
		    "error", e.text);
	for (q = &r->head; *q != p; q = &(*q)->next)
		;
	*q = p->next;
	report_free(p);
}

void
reporter_pump(struct reporter *r)
{
	struct report *p;
	bool status = false;

	if (r->dialect == 0)
		return;
	for (p = r->head; p != NULL; p = p->next) {
		if (r->dialect < 4 && !p->from_hub)
			continue;
		if (!p->status_sent && !p->status_acked)
			pump_progress(r, p);
		pump_output(r, p);
		if (pump_status(r, p))
			status = true;
	}
	if (status)
		r->conf.on_status(r->conf.cookie);
}

/* Records up to ${seq} have arrived; what is left in flight is counted anew. */
static void
acked(struct reporter *r, struct report *p, int64_t seq)
{

	if (seq <= p->acked)
		return;
	if (seq > p->sent) {	/* an earlier connection brought it */
		p->sent = seq;
		if (p->reader != NULL)
			joblog_reader_seek(p->reader, seq + 1);
	}
	p->in_flight = p->sent == seq ? 0 : (size_t)((double)p->in_flight *
	    (double)(p->sent - seq) / (double)(p->sent - p->acked));
	p->acked = seq;
	journal_sent_set(r->conf.journal, p->op_id, seq);
}

/* Complete if the status arrived and, per result, so did the whole log. */
static void
maybe_complete(struct reporter *r, struct report *p)
{
	struct journal_result res;
	bool all;

	if (!p->status_acked ||
	    journal_result(r->conf.journal, p->op_id, &res, NULL) == -1)
		return;
	all = p->acked >= res.last_seq;
	journal_result_free(&res);
	if (all)
		complete(r, p);
}

void
reporter_output_ack(struct reporter *r, const char *op_id, int64_t seq)
{
	struct report *p = find(r, op_id);

	if (p == NULL)
		return;
	acked(r, p, seq);
	maybe_complete(r, p);
	reporter_pump(r);
}

void
reporter_status_ack(struct reporter *r, const char *op_id)
{
	struct report *p = find(r, op_id);

	if (p == NULL)
		return;
	p->status_acked = true;
	maybe_complete(r, p);
}

void
reporter_arrived(struct reporter *r, uint64_t ping)
{
	struct report *p, *next;

	if (r->dialect == 0 || r->dialect >= 4)
		return;
	for (p = r->head; p != NULL; p = next) {
		next = p->next;
		if (p->output_ping != 0 && ping >= p->output_ping) {
			p->output_ping = 0;
			acked(r, p, p->ping_seq);
		}
		if (p->status_ping != 0 && ping >= p->status_ping) {
			p->status_acked = true;
			maybe_complete(r, p);
		}
	}
	reporter_pump(r);
}

bool
reporter_sent(const struct reporter *r, const char *op_id)
{
	const struct report *p = find(r, op_id);

	return (p == NULL || p->status_acked);
}
