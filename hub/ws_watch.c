#include <stdlib.h>
#include <string.h>

#include "hub.h"
#include "operation.h"
#include "present.h"
#include "str.h"
#include "ulid.h"
#include "ws_watch.h"

/* Lines read at once. */
#define PAGE 500

enum watch_state {
	WATCH_WANTS,	/* to read, when the browser can take more */
	WATCH_READS,
	WATCH_LIVE,
	WATCH_OVER,	/* removed while reading: freed when that is done */
};

struct ws_watch {
	struct ws_watch *next;
	struct hub *hub;
	enum watch_state state;
	char id[ULID_LEN + 1];
	int64_t seq;		/* the last line that was sent */
	ws_watch_send *send;
	void *cookie;
};

static struct ws_watch *
find(const struct ws_watch *list, const char *id)
{
	for (; list != NULL; list = list->next)
		if (strcmp(list->id, id) == 0)
			return ((struct ws_watch *)(uintptr_t)list);
	return (NULL);
}

static json_t *
payload(struct hub *hub, const char *id, json_t *lines)
{
	const struct operation *op = operation_find(hub->operations, id);

	return (json_pack("{s:s, s:s?, s:o}", "op_id", id, "host_id",
	    op == NULL ? NULL : op->host_id, "lines", lines));
}

static void
on_read(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct ws_watch *w = cookie;
	json_t *lines;
	size_t i;

	if (w->state == WATCH_OVER) {
		free(w);
		return;
	}
	if (failed != NULL) {
		w->state = WATCH_WANTS;
		return;
	}
	w->state = n == PAGE ? WATCH_WANTS : WATCH_LIVE;
	if (n == 0)
		return;
	lines = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(lines, present_line(rows[i]));
	w->seq = ((const struct store_line *)rows[n - 1])->seq;
	w->send(w->cookie, payload(w->hub, w->id, lines));
}

static void
read_on(struct ws_watch *w)
{
	w->state = WATCH_READS;
	operation_output(w->hub->operations, w->id, w->seq, PAGE, on_read, w);
}

/* Take the first of a list out. */
static void
drop(struct ws_watch **at)
{
	struct ws_watch *w = *at;

	*at = w->next;
	if (w->state == WATCH_READS)
		w->state = WATCH_OVER;
	else
		free(w);
}

void
ws_watch_add(struct ws_watch **list, struct hub *hub, const char *id,
    int64_t after, ws_watch_send *send, void *cookie)
{
	struct ws_watch *w, **at;
	int n = 1;

	if (!ulid_valid(id))
		return;
	ws_watch_remove(list, id);
	w = str_alloc(sizeof(*w));
	w->hub = hub;
	memcpy(w->id, id, sizeof(w->id));
	w->seq = after < 0 ? 0 : after;
	w->send = send;
	w->cookie = cookie;
	w->next = *list;
	*list = w;
	for (at = &w->next; *at != NULL; at = &(*at)->next)
		if (++n > WS_WATCH_MAX) {
			drop(at);
			break;
		}
}

void
ws_watch_remove(struct ws_watch **list, const char *id)
{
	for (; *list != NULL; list = &(*list)->next)
		if (strcmp((*list)->id, id) == 0) {
			drop(list);
			return;
		}
}

void
ws_watch_free(struct ws_watch **list)
{
	while (*list != NULL)
		drop(list);
}

void
ws_watch_pump(struct ws_watch *w)
{
	for (; w != NULL; w = w->next)
		if (w->state == WATCH_WANTS)
			read_on(w);
}

bool
ws_watch_takes(const struct ws_watch *list, const char *id)
{
	const struct ws_watch *w = find(list, id);

	return (w != NULL && w->state == WATCH_LIVE);
}

void
ws_watch_sent(struct ws_watch *list, const char *id, int64_t seq)
{
	struct ws_watch *w = find(list, id);

	if (w != NULL)
		w->seq = seq;
}

void
ws_watch_pause(struct ws_watch *list, const char *id)
{
	struct ws_watch *w = find(list, id);

	if (w != NULL)
		w->state = WATCH_WANTS;
}

json_t *
ws_watch_payload(const struct operation *op, const struct store_line *l,
    size_t n)
{
	json_t *lines = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(lines, present_line(&l[i]));
	return (json_pack("{s:s, s:s, s:o}", "op_id", op->id, "host_id",
	    op->host_id, "lines", lines));
}
