#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "feed.h"
#include "fleet.h"
#include "hub.h"
#include "opbound.h"
#include "oplist.h"
#include "opoutput.h"
#include "opstep.h"
#include "opstore.h"
#include "store.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

/* Far beyond any log, and what JSON numbers hold everywhere. */
#define SEQ_MAX (1LL << 53)

struct batch {
	struct operation *op;
	struct store_line *lines;
	size_t n;
	int64_t last, bytes;
	uint32_t round;
};

static void
fly(struct operation *op, int64_t bytes)
{
	if (op->host != NULL)
		op->host->flight += bytes;
}

static void
batch_free(struct batch *b)
{
	fly(b->op, -b->bytes);
	for (size_t i = 0; i < b->n; i++)
		free(b->lines[i].text);
	free(b->lines);
	oplist_release(b->op);
	free(b);
}

void
opoutput_ack(struct operation *op)
{
	struct wire_msg msg = { .type = WIRE_OUTPUT_ACK };

	if (op->host == NULL || op->host->conn == NULL ||
	    op->host->dialect < WIRE_DIALECT)
		return;
	msg.u.output_ack.op_id = op->id;
	msg.u.output_ack.seq = op->acked_seq;
	agent_link_send(op->host->conn, &msg);
}

/* Lost here, but the host has them: it goes on from the last we stored. */
static void
start_over(struct operation *op)
{
	op->log_round++;
	op->last_seq = op->acked_seq;
	if (op->host != NULL && op->host->conn != NULL &&
	    op->host->dialect >= WIRE_DIALECT)
		agent_link_close(op->host->conn, 1013,
		    "the hub could not store output");
}

static void
on_trimmed(void *cookie, int64_t bytes, const struct err *failed)
{
	struct operation *op = cookie;

	op->trimming = false;
	if (failed == NULL) {
		op->bytes -= bytes;
		opstore_save(op);
	}
	oplist_release(op);
}

static void
drop_middle(struct operation *op)
{
	const struct store_trim what = { .op_id = op->id,
	    .words = "lines are missing here: the hub keeps the first and the "
	    "last 32 MiB of a log.", .after = op->head_seq,
	    .bytes = op->bytes - OPOUTPUT_MAX };

	op->trimming = true;
	oplist_hold(op);
	store_trim(op->hub->store, &what, on_trimmed, op);
}

/* Keep the books, well enough for a hub that is killed, too. */
static void
count(struct operation *op, const struct batch *b)
{
	op->acked_seq = b->last;
	op->lines += (int64_t)b->n;
	op->bytes += b->bytes;
	opbound_took(op, b->bytes);
	if (op->head_seq == 0 && op->bytes > OPOUTPUT_HEAD)
		op->head_seq = b->last;
	if (op->bytes - op->saved_bytes > OPOUTPUT_STEP) {
		op->saved_bytes = op->bytes;
		opstore_save(op);
	}
	if (op->bytes > OPOUTPUT_MAX + OPOUTPUT_STEP && !op->trimming)
		drop_middle(op);
}

static void
on_stored(void *cookie, const struct err *failed)
{
	struct batch *b = cookie;
	struct operation *op = b->op;

	if (b->round != op->log_round) {
		batch_free(b);
		return;
	}
	if (failed != NULL) {
		start_over(op);
		batch_free(b);
		return;
	}
	count(op, b);
	opoutput_ack(op);
	if (b->n > 0) {
		feed_output(op->hub->feed, op, b->lines, b->n);
		opstep_changed(op);
		if (op->state == OP_FINISHED)
			opstore_save(op);
	}
	batch_free(b);
}

static struct batch *
batch_new(struct operation *op, size_t max)
{
	struct batch *b = str_alloc(sizeof(*b));

	b->op = op;
	oplist_hold(op);
	b->lines = str_alloc((max + 1) * sizeof(*b->lines));
	b->round = op->log_round;
	return (b);
}

static void
batch_add(struct batch *b, int64_t seq, const struct wire_line *l)
{
	struct operation *op = b->op;
	struct store_line *to;
	int64_t cost = (int64_t)l->len + STORE_LINE_COST;

	b->last = op->last_seq = seq;
	to = &b->lines[b->n++];
	to->op_id = op->id;
	to->seq = seq;
	to->ts = l->ts;
	to->stream = (char *)(uintptr_t)names_stream(l->stream);
	to->text = str_ndup(l->text, l->len);
	b->bytes += cost;
	fly(op, cost);
}

/* Does it wait for us at all?  Else the link ends, and it comes again. */
static bool
floods(struct operation *op)
{
	if (op->host == NULL || op->host->flight <= OPOUTPUT_FLIGHT)
		return (false);
	if (op->host->conn != NULL)
		agent_link_close(op->host->conn, 1008,
		    "more output than the hub can store");
	return (true);
}

static void
batch_store(struct batch *b)
{
	store_put(b->op->hub->store, STORE_LINE, b->lines, b->n, on_stored, b);
}

void
opoutput_batch(struct operation *op, const struct wire_output *out)
{
	size_t n = json_array_size(out->lines);
	struct batch *b;
	struct wire_line l;

	if (out->seq < 1 || out->seq > SEQ_MAX || floods(op))
		return;
	/* All of it is stored already: only the acknowledgement got lost. */
	if (n == 0 || out->seq + (int64_t)n - 1 <= op->acked_seq) {
		opoutput_ack(op);
		return;
	}
	b = batch_new(op, n);
	for (size_t i = 0; i < n; i++) {
		if (out->seq + (int64_t)i <= op->last_seq)
			continue;
		wire_lines_get(out, i, &l);
		batch_add(b, out->seq + (int64_t)i, &l);
	}
	if (b->last == 0)
		batch_free(b);
	else
		batch_store(b);
}

void
opoutput_line(struct operation *op, enum log_stream stream, const char *text)
{
	const struct wire_line l = { .text = text, .len = strlen(text),
	    .stream = stream, .ts = tick_wall() };
	struct batch *b;

	if (floods(op))
		return;
	b = batch_new(op, 1);
	batch_add(b, op->last_seq + 1, &l);
	batch_store(b);
}
