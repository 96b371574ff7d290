#include <stdlib.h>

#include "blocked.h"
#include "eventlog.h"
#include "hub.h"
#include "store.h"
#include "str.h"
#include "strmap.h"
#include "tick.h"

#define HOUR_MS 3600000

struct name {
	char *id;
	int64_t told_at; /* tick_mono() of the last event, 0 */
};

struct blocked {
	struct hub *hub;
	struct strmap names;
};

static void
take(struct blocked *b, const char *host)
{
	struct name *n = str_alloc(sizeof(*n));

	n->id = str_dup(host);
	strmap_put(&b->names, n->id, n);
}

static int
on_row(void *cookie, const void *row)
{
	take(cookie, ((const struct store_blocked *)row)->id);
	return (0);
}

int
blocked_new(struct hub *hub, struct blocked **out, struct err *e)
{
	const struct store_query q = { .table = STORE_BLOCKED };
	struct blocked *b = str_alloc(sizeof(*b));

	b->hub = hub;
	if (store_load(hub->store, &q, on_row, b, e) == -1) {
		blocked_free(&b);
		return (-1);
	}
	*out = b;
	return (0);
}

static void
name_free(struct name *n)
{
	free(n->id);
	free(n);
}

void
blocked_free(struct blocked **bp)
{
	struct blocked *b = *bp;

	if (b == NULL)
		return;
	*bp = NULL;
	for (size_t i = 0; i < b->names.size; i++)
		if (b->names.slots[i].key != NULL)
			name_free(b->names.slots[i].value);
	strmap_done(&b->names);
	free(b);
}

bool
blocked_has(const struct blocked *b, const char *host)
{
	return (strmap_get(&b->names, host) != NULL);
}

void
blocked_add(struct blocked *b, const char *host)
{
	struct store_blocked row = { .id = (char *)(uintptr_t)host,
		.at = tick_wall() };

	if (blocked_has(b, host))
		return;
	take(b, host);
	store_put(b->hub->store, STORE_BLOCKED, &row, 1, NULL, NULL);
}

bool
blocked_accept(struct blocked *b, const char *host)
{
	const struct eventlog_entry en = { .category = "identity",
		.level = "info",
		.actor = "operator",
		.host_id = host,
		.action = "accept" };
	struct name *n = strmap_get(&b->names, host);

	if (n == NULL)
		return (false);
	strmap_del(&b->names, host);
	name_free(n);
	store_drop(b->hub->store, STORE_BLOCKED, host, NULL, NULL);
	eventlog_add(b->hub->events, &en,
	    "%s: the name is not blocked any "
	    "more, a machine may enrol with it",
	    host);
	return (true);
}

void
blocked_refused(struct blocked *b, const char *host, const char *addr)
{
	const struct eventlog_entry en = { .category = "identity",
		.level = "warning",
		.host_id = host,
		.action = "enrol" };
	struct name *n = strmap_get(&b->names, host);
	int64_t now = tick_mono();

	if (n == NULL || (n->told_at != 0 && now - n->told_at < HOUR_MS))
		return;
	n->told_at = now;
	eventlog_add(b->hub->events, &en,
	    "Refused %s: it wants the name %s, "
	    "which was removed after its token was revoked",
	    addr, host);
}

json_t *
blocked_json(const struct blocked *b)
{
	const char **all = str_alloc((b->names.used + 1) * sizeof(*all));
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < b->names.size; i++)
		if (b->names.slots[i].key != NULL)
			all[n++] = b->names.slots[i].key;
	qsort(all, n, sizeof(*all), str_order);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(all[i]));
	free(all);
	return (list);
}
