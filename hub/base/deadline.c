#include <assert.h>
#include <stdlib.h>

#include "deadline.h"
#include "str.h"
#include "tick.h"

struct deadlines {
	uv_timer_t timer;
	struct deadline **heap;		/* from index 1 */
	size_t n, cap;
};

static void
place(struct deadlines *ds, struct deadline *d, size_t i)
{
	ds->heap[i] = d;
	d->place = (uint32_t)i;
}

static void
sift_up(struct deadlines *ds, struct deadline *d, size_t i)
{
	for (; i > 1 && ds->heap[i / 2]->at > d->at; i /= 2)
		place(ds, ds->heap[i / 2], i);
	place(ds, d, i);
}

static void
sift_down(struct deadlines *ds, struct deadline *d, size_t i)
{
	size_t child;

	while ((child = i * 2) <= ds->n) {
		if (child < ds->n &&
		    ds->heap[child + 1]->at < ds->heap[child]->at)
			child++;
		if (ds->heap[child]->at >= d->at)
			break;
		place(ds, ds->heap[child], i);
		i = child;
	}
	place(ds, d, i);
}

static void
take_out(struct deadlines *ds, struct deadline *d)
{
	struct deadline *last = ds->heap[ds->n--];
	size_t i = d->place;

	d->place = 0;
	if (last == d)
		return;
	if (i > 1 && ds->heap[i / 2]->at > last->at)
		sift_up(ds, last, i);
	else
		sift_down(ds, last, i);
}

static void on_timer(uv_timer_t *);

static void
set_timer(struct deadlines *ds)
{
	int64_t ms;

	if (ds->n == 0) {
		uv_timer_stop(&ds->timer);
		return;
	}
	ms = ds->heap[1]->at - tick_mono();
	uv_update_time(ds->timer.loop);
	uv_timer_start(&ds->timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

/* Those due when it starts, so that one which re-arms itself cannot spin. */
static void
on_timer(uv_timer_t *t)
{
	struct deadlines *ds = t->data;
	int64_t now = tick_mono();

	while (ds->n > 0 && ds->heap[1]->at <= now) {
		struct deadline *d = ds->heap[1];

		take_out(ds, d);
		d->on_due(d);
	}
	set_timer(ds);
}

int
deadlines_new(uv_loop_t *loop, struct deadlines **out, struct err *e)
{
	struct deadlines *ds = str_alloc(sizeof(*ds));
	int rc;

	if ((rc = uv_timer_init(loop, &ds->timer)) != 0) {
		free(ds);
		return (err_set(e, ERR_SYS, "start a timer: %s",
		    uv_strerror(rc)));
	}
	ds->timer.data = ds;
	*out = ds;
	return (0);
}

static void
on_closed(uv_handle_t *h)
{
	struct deadlines *ds = h->data;

	free(ds->heap);
	free(ds);
}

void
deadlines_free(struct deadlines **dsp)
{
	struct deadlines *ds = *dsp;

	if (ds == NULL)
		return;
	while (ds->n > 0)
		ds->heap[ds->n--]->place = 0;
	uv_close((uv_handle_t *)&ds->timer, on_closed);
	*dsp = NULL;
}

void
deadline_arm(struct deadlines *ds, struct deadline *d, int64_t ms)
{
	assert(d->on_due != NULL);
	if (d->place != 0)
		take_out(ds, d);
	d->at = tick_mono() + (ms > 0 ? ms : 1);
	if (ds->n + 1 >= ds->cap) {
		ds->cap = ds->cap == 0 ? 64 : ds->cap * 2;
		ds->heap = realloc(ds->heap, ds->cap * sizeof(*ds->heap));
		if (ds->heap == NULL)
			abort();
	}
	sift_up(ds, d, ++ds->n);
	if (ds->heap[1] == d)
		set_timer(ds);
}

void
deadline_disarm(struct deadlines *ds, struct deadline *d)
{
	if (d->place != 0)
		take_out(ds, d);
}
