#include <stdio.h>
#include <stdlib.h>

#include "eventlog.h"
#include "fleet.h"
#include "hub.h"
#include "opbound.h"
#include "oplist.h"
#include "opstep.h"
#include "opstore.h"
#include "store.h"
#include "str.h"
#include "ulid.h"

#define MIB (1024LL * 1024)

/* When it must go, so much of the bound goes at once: an eighth. */
#define SHARE 8
/* Removed in one transaction, but for one that is larger. */
#define BATCH		 (16 * MIB)
#define BATCH_OPERATIONS 100
/* Nothing could be removed: look again after so much. */
#define AGAIN MIB

/* Looking at what is stored, and removing what is too much. */
struct making {
	struct operations *ops;
	char *host_id; /* NULL: of all hosts */
	int64_t max;
	int64_t excess; /* is to go */
	size_t waiting; /* for so many removals */
	bool told, failed;
	bool at_work; /* what is over does not suffice */
	char words[200];
};

struct removal {
	struct making *m;
	char id[ULID_LEN + 1];
	int64_t bytes; /* by the books */
};

static void next(struct making *);
static void take(
    struct operations *, struct opbound_room *, const char *, int64_t);

/* NULL: of all hosts, or the host is removed. */
static struct fleet_host *
host_of(const struct making *m)
{
	return (m->host_id == NULL
		? NULL
		: fleet_find(m->ops->hub->fleet, m->host_id));
}

/* ${room} 0: what is too much could not be removed. */
static void
end(struct making *m, int64_t room)
{
	struct fleet_host *h = host_of(m);
	struct opbound_room *r = m->host_id == NULL ? &m->ops->room : NULL;

	if (h != NULL)
		r = &h->room;
	if (r != NULL && !m->ops->hub->stopping) {
		r->making = false;
		r->wanting = room == 0;
		/* What came meanwhile counts. */
		take(m->ops, r, m->host_id, room == 0 ? -AGAIN : -room);
	}
	free(m->host_id);
	free(m);
}

/* ${bytes} of its lines are gone; where the books say more, they are wrong. */
static void
forget(struct operation *op, int64_t bytes)
{
	bool all = op->state == OP_FINISHED || bytes == 0 || bytes > op->bytes;

	op->bytes = all ? 0 : op->bytes - bytes;
	free(op->phases);
	free(op->changes);
	op->phases = op->changes = NULL;
	opstore_save(op);
	opstep_changed(op);
}

static void
on_removed(void *cookie, int64_t bytes, const struct err *failed)
{
	struct removal *r = cookie;
	struct making *m = r->m;
	struct operation *op = operation_find(m->ops, r->id);

	if (op != NULL && failed == NULL)
		forget(op, bytes);
	m->excess -= r->bytes;
	m->failed = m->failed || failed != NULL;
	free(r);
	if (--m->waiting > 0)
		return;
	if (m->failed || m->excess <= 0)
		end(m, m->failed ? 0 : m->max / SHARE);
	else
		next(m);
}

static void
remove_output(struct making *m, const struct store_operation *row)
{
	const struct store_trim what = {
		.op_id = row->id, .whole = true, .words = m->words
	};
	struct removal *r = str_alloc(sizeof(*r));

	r->m = m;
	snprintf(r->id, sizeof(r->id), "%s", row->id);
	r->bytes = row->bytes;
	m->waiting++;
	store_trim(m->ops->hub->store, &what, on_removed, r);
}

static void
tell(struct making *m)
{
	struct fleet_host *h = host_of(m);
	const struct eventlog_entry en = { .category = "ops",
		.level = "warning",
		.host_id = m->host_id,
		.action = "output",
		.quota = h != NULL ? &h->quota : NULL };

	eventlog_add(m->ops->hub->events, &en,
	    "The oldest output of %s is "
	    "removed: more than %lld MiB (NIXFLEET_%sOUTPUT_MIB)",
	    m->host_id != NULL ? m->host_id : "all hosts",
	    (long long)(m->max / MIB), m->host_id != NULL ? "HOST_" : "");
}

static void
on_oldest(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct making *m = cookie;
	int64_t bytes = 0;

	if (failed != NULL || m->ops->hub->stopping ||
	    (n == 0 && (m->at_work || m->host_id != NULL))) {
		end(m, 0);
		return;
	}
	if (n == 0) {
		m->at_work = true;
		next(m);
		return;
	}
	if (!m->told)
		tell(m);
	m->told = true;
	for (size_t i = 0; i < n && bytes < BATCH && bytes < m->excess; i++) {
		const struct store_operation *row = rows[i];

		bytes += row->bytes;
		remove_output(m, row);
	}
}

static void
next(struct making *m)
{
	const struct store_query q = { .table = STORE_OPERATION,
		.host = m->host_id,
		.printed = true,
		.spent = !m->at_work,
		.ascending = true,
		.limit = BATCH_OPERATIONS };

	store_find(m->ops->hub->store, &q, on_oldest, m);
}

static void
on_sum(void *cookie, int64_t bytes, const struct err *failed)
{
	struct making *m = cookie;

	if (failed != NULL || bytes <= m->max) {
		end(m, failed != NULL ? 0 : m->max - bytes);
		return;
	}
	m->excess = bytes - (m->max - m->max / SHARE);
	next(m);
}

/* ${host_id} NULL: of all hosts. */
static void
make_room(struct operations *ops, const char *host_id)
{
	enum setting set =
	    host_id != NULL ? SET_HOST_OUTPUT_MIB : SET_OUTPUT_MIB;
	struct making *m = str_alloc(sizeof(*m));

	m->ops = ops;
	m->host_id = str_dup(host_id);
	m->max = settings_int(ops->hub->settings, set) * MIB;
	snprintf(m->words, sizeof(m->words),
	    "lines were removed: the hub "
	    "keeps %lld MiB of output of %s (NIXFLEET_%sOUTPUT_MIB), and the "
	    "oldest goes first.",
	    (long long)(m->max / MIB),
	    host_id != NULL ? "one host" : "all hosts",
	    host_id != NULL ? "HOST_" : "");
	store_sum(ops->hub->store, host_id, on_sum, m);
}

static void
take(struct operations *ops, struct opbound_room *r, const char *host_id,
    int64_t bytes)
{
	r->bytes -= bytes;
	if (r->bytes >= 0 || r->making)
		return;
	r->making = true;
	r->bytes = 0;
	make_room(ops, host_id);
}

static void
take_both(struct operation *op, int64_t bytes, bool wanting)
{
	struct operations *ops = op->hub->operations;
	struct opbound_room *all = &ops->room,
			    *own = op->host == NULL ? NULL : &op->host->room;

	if (!wanting || all->wanting || all->making)
		take(ops, all, NULL, bytes);
	if (own != NULL && (!wanting || own->wanting || own->making))
		take(ops, own, op->host->id, bytes);
}

void
opbound_took(struct operation *op, int64_t bytes)
{
	take_both(op, bytes, false);
}

void
opbound_over(struct operation *op)
{
	take_both(op, AGAIN + 1, true);
}
