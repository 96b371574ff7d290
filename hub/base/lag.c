#include <stdlib.h>

#include "lag.h"
#include "str.h"

#define PERIOD 500
#define STUCK 5000

/* Worst delays of the last six spans of ten seconds. */
#define SPANS 6
#define SPAN_MS 10000

struct lag {
	uv_timer_t timer;
	int64_t due;		/* on now()'s clock */
	int64_t worst[SPANS];
	int64_t span;		/* number of the newest one */
};

/* A clock that stands still while the machine sleeps: that is no lag. */
static int64_t
now(void)
{
	return ((int64_t)(uv_hrtime() / 1000000));
}

static void
on_tick(uv_timer_t *t)
{
	struct lag *l = t->data;
	int64_t t0 = now(), late = t0 - l->due, span = t0 / SPAN_MS;

	while (l->span < span)
		l->worst[++l->span % SPANS] = 0;
	if (late > l->worst[l->span % SPANS])
		l->worst[l->span % SPANS] = late;
	l->due = t0 + PERIOD;
}

int
lag_new(uv_loop_t *loop, struct lag **out, struct err *e)
{
	struct lag *l = str_alloc(sizeof(*l));
	int rc;

	if ((rc = uv_timer_init(loop, &l->timer)) != 0) {
		free(l);
		return (err_set(e, ERR_SYS, "timer: %s", uv_strerror(rc)));
	}
	l->timer.data = l;
	l->due = now() + PERIOD;
	l->span = l->due / SPAN_MS;
	uv_timer_start(&l->timer, on_tick, PERIOD, PERIOD);
	*out = l;
	return (0);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

void
lag_free(struct lag **lp)
{
	if (*lp != NULL)
		uv_close((uv_handle_t *)&(*lp)->timer, on_closed);
	*lp = NULL;
}

int64_t
lag_worst(const struct lag *l)
{
	int64_t worst = 0;
	int i;

	for (i = 0; i < SPANS; i++)
		if (l->worst[i] > worst)
			worst = l->worst[i];
	return (worst);
}

int
lag_check(const struct lag *l, struct err *e)
{
	int64_t worst = lag_worst(l);

	if (worst > STUCK)
		return (err_set(e, ERR_TIMEOUT,
		    "the event loop was stuck for %lld ms within the last "
		    "minute", (long long)worst));
	return (0);
}
