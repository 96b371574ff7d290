#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "ws_queue.h"

/* Longer messages go out in frames of this size. */
#define PIECE (64 * 1024)

struct ws_text {
	int refs;
	size_t len;
	char data[];
};

struct ws_item {
	struct ws_text *text;
	struct ws_item *next;
};

struct ws_text *
ws_text_new(const char *s, size_t len)
{
	struct ws_text *t = str_alloc(sizeof(*t) + len);

	t->refs = 1;
	t->len = len;
	memcpy(t->data, s, len);
	return (t);
}

void
ws_text_put(struct ws_text *t)
{
	if (t != NULL && --t->refs == 0)
		free(t);
}

void
ws_queue_add(struct ws_queue *q, struct ws_text *t)
{
	struct ws_item *item = str_alloc(sizeof(*item));

	item->text = t;
	t->refs++;
	if (q->tail == NULL)
		q->head = item;
	else
		q->tail->next = item;
	q->tail = item;
	q->bytes += t->len;
}

static void
drop_first(struct ws_queue *q)
{
	struct ws_item *item = q->head;

	q->bytes -= item->text->len;
	if ((q->head = item->next) == NULL)
		q->tail = NULL;
	q->sent = 0;
	ws_text_put(item->text);
	free(item);
}

void
ws_queue_free(struct ws_queue *q)
{
	while (q->head != NULL)
		drop_first(q);
}

int
ws_queue_write(struct ws_queue *q, struct lws *wsi)
{
	static unsigned char piece[LWS_PRE + PIECE];
	struct ws_text *t;
	size_t n;
	int flags;

	if (q->head == NULL)
		return (0);
	t = q->head->text;
	n = t->len - q->sent > PIECE ? PIECE : t->len - q->sent;
	memcpy(piece + LWS_PRE, t->data + q->sent, n);
	flags = lws_write_ws_flags(LWS_WRITE_TEXT, q->sent == 0,
	    q->sent + n == t->len);
	if (lws_write(wsi, piece + LWS_PRE, n,
	    (enum lws_write_protocol)flags) < 0)
		return (-1);
	q->sent += n;
	if (q->sent == t->len)
		drop_first(q);
	return (q->head != NULL);
}
