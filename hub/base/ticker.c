#include <stdlib.h>

#include "str.h"
#include "ticker.h"

struct ticker {
	uv_timer_t timer;
	void (*fn)(void *);
	void *cookie;
};

static void
on_tick(uv_timer_t *timer)
{
	struct ticker *t = timer->data;

	t->fn(t->cookie);
}

int
ticker_new(uv_loop_t *loop, uint64_t ms, void (*fn)(void *), void *cookie,
    struct ticker **out, struct err *e)
{
	struct ticker *t = str_alloc(sizeof(*t));
	int rc;

	if ((rc = uv_timer_init(loop, &t->timer)) != 0) {
		free(t);
		return (err_set(e, ERR_SYS, "timer: %s", uv_strerror(rc)));
	}
	t->timer.data = t;
	t->fn = fn;
	t->cookie = cookie;
	uv_timer_start(&t->timer, on_tick, ms, ms);
	*out = t;
	return (0);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

void
ticker_free(struct ticker **tp)
{
	if (*tp != NULL)
		uv_close((uv_handle_t *)&(*tp)->timer, on_closed);
	*tp = NULL;
}
