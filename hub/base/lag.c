#include <stdlib.h>

#include "lag.h"
#include "str.h"
#include "ticker.h"

#define PERIOD 500
#define STUCK 5000

/* Worst delays of the last six spans of ten seconds. */
#define SPANS 6
#define SPAN_MS 10000

struct lag {
	struct ticker *ticker;
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
on_tick(void *cookie)
{
	struct lag *l = cookie;
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

	if (ticker_new(loop, PERIOD, on_tick, l, &l->ticker, e) == -1) {
		free(l);
		return (-1);
	}
	l->due = now() + PERIOD;
	l->span = l->due / SPAN_MS;
	*out = l;
	return (0);
}

void
lag_free(struct lag **lp)
{
	if (*lp != NULL)
		ticker_free(&(*lp)->ticker);
	free(*lp);
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
