#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "feed.h"
#include "hub.h"
#include "log.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#define RECENT 100
#define HOUR_MS 3600000

struct eventlog {
	struct hub *hub;
	int64_t next_id;
	struct store_event recent[RECENT];	/* a ring */
	size_t first, n;
};

static void
event_free(struct store_event *ev)
{
	record_free(store_tables[STORE_EVENT].fields,
	    store_tables[STORE_EVENT].nfields, ev);
}

/* Takes the row over. */
static struct store_event *
remember(struct eventlog *l, const struct store_event *ev)
{
	struct store_event *slot = &l->recent[(l->first + l->n) % RECENT];

	if (l->n == RECENT) {
		event_free(slot);
		l->first = (l->first + 1) % RECENT;
	} else {
		l->n++;
	}
	*slot = *ev;
	return (slot);
}

static void
event_copy(struct store_event *to, const struct store_event *from)
{
	*to = *from;
	to->category = str_dup(from->category);
	to->level = str_dup(from->level);
	to->actor = str_dup(from->actor);
	to->host_id = str_dup(from->host_id);
	to->action = str_dup(from->action);
	to->message = str_dup(from->message);
	to->details = str_dup(from->details);
}

/* Newest first: fill the ring from its end. */
static int
on_row(void *cookie, const void *row)
{
	struct eventlog *l = cookie;
	const struct store_event *ev = row;

	if (l->n == 0)
		l->next_id = ev->id + 1;
	event_copy(&l->recent[RECENT - ++l->n], ev);
	l->first = RECENT - l->n;
	return (0);
}

int
eventlog_new(struct hub *hub, struct eventlog **out, struct err *e)
{
	const struct store_query q = { .table = STORE_EVENT, .limit = RECENT };
	struct eventlog *l = str_alloc(sizeof(*l));

	l->hub = hub;
	l->next_id = 1;
	if (store_load(hub->store, &q, on_row, l, e) == -1) {
		eventlog_free(&l);
		return (-1);
	}
	*out = l;
	return (0);
}

void
eventlog_free(struct eventlog **lp)
{
	struct eventlog *l = *lp;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		event_free(&l->recent[(l->first + i) % RECENT]);
	free(l);
	*lp = NULL;
}

static enum log_level
level_of(const char *word)
{
	if (strcmp(word, "error") == 0)
		return (LOG_ERROR);
	return (strcmp(word, "warning") == 0 ? LOG_WARN : LOG_INFO);
}

/* Too much of it?  ${last}: from here on, that is. */
static bool
is_flood(struct eventlog_quota *q, bool *last)
{
	int64_t now = tick_mono();

	if (q->told == 0 || now - q->since >= HOUR_MS) {
		q->since = now;
		q->told = 0;
	}
	if (q->told >= EVENTLOG_QUOTA)
		return (true);
	*last = ++q->told == EVENTLOG_QUOTA;
	return (false);
}

void
eventlog_add(struct eventlog *l, const struct eventlog_entry *en,
    const char *fmt, ...)
{
	struct store_event ev = { .timestamp = tick_wall() }, *kept;
	struct buf message = { 0 };
	bool last = false;
	char text[512];
	va_list ap;

	if (en->quota != NULL && is_flood(en->quota, &last)) {
		json_decref(en->details);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (last)
		snprintf(text, sizeof(text), "%d events within an hour: the "
		    "next ones are not told", EVENTLOG_QUOTA);
	ev.id = l->next_id++;
	ev.category = str_dup(en->category);
	ev.level = str_dup(en->level);
	ev.actor = str_dup(en->actor != NULL ? en->actor : "system");
	ev.host_id = str_dup(en->host_id);
	ev.action = str_dup(en->action);
	utf8_clean(&message, text, strlen(text));
	ev.message = buf_take(&message);
	if (en->details != NULL) {
		ev.details = json_dumps(en->details, JSON_COMPACT);
		json_decref(en->details);
	}
	log_write(level_of(en->level), text, "category", en->category,
	    "host", en->host_id, "actor", ev.actor, (char *)0);
	kept = remember(l, &ev);
	store_put(l->hub->store, STORE_EVENT, kept, 1, NULL, NULL);
	feed_event(l->hub->feed);
}

void
eventlog_recent(const struct eventlog *l,
    void (*fn)(void *, const struct store_event *), void *cookie)
{
	for (size_t i = l->n; i-- > 0;)
		fn(cookie, &l->recent[(l->first + i) % RECENT]);
}

void
eventlog_list(struct eventlog *l, const struct eventlog_filter *f,
    store_found *found, void *cookie)
{
	const struct store_query q = { .table = STORE_EVENT,
	    .host = f->host_id, .before_id = f->before, .limit = f->limit };

	store_find(l->hub->store, &q, found, cookie);
}
