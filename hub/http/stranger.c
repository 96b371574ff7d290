#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "stranger.h"
#include "strmap.h"
#include "tick.h"
#include "ticker.h"

#define SWEEP_MS 500

/* A list, the oldest first. */
struct line {
	struct stranger *first, *last;
	size_t n;
};

struct address {
	struct line line;
	char text[];
};

enum { ALL, SAME, LINES };	/* everybody; those of one address */

struct stranger {
	struct strangers *all;
	struct address *addr;		/* or NULL */
	struct stranger *prev[LINES], *next[LINES];
	int64_t since;
	void *cookie;
};

struct strangers {
	struct stranger_limits limits;
	void (*evict)(void *);
	struct line line;
	struct strmap addresses;
	struct ticker *ticker;
};

static void
append(struct line *l, struct stranger *s, int which)
{
	s->prev[which] = l->last;
	s->next[which] = NULL;
	if (l->last == NULL)
		l->first = s;
	else
		l->last->next[which] = s;
	l->last = s;
	l->n++;
}

static void
take_out(struct line *l, struct stranger *s, int which)
{
	if (s->prev[which] == NULL)
		l->first = s->next[which];
	else
		s->prev[which]->next[which] = s->next[which];
	if (s->next[which] == NULL)
		l->last = s->prev[which];
	else
		s->next[which]->prev[which] = s->prev[which];
	l->n--;
}

static void
evict(struct stranger *s)
{
	struct strangers *all = s->all;
	void *cookie = s->cookie;

	stranger_known(&s);
	all->evict(cookie);
}

static void
on_sweep(void *cookie)
{
	struct strangers *all = cookie;
	int64_t limit = tick_mono() - all->limits.ms;

	while (all->line.first != NULL && all->line.first->since < limit)
		evict(all->line.first);
}

int
strangers_new(uv_loop_t *loop, const struct stranger_limits *limits,
    void (*fn)(void *), struct strangers **out, struct err *e)
{
	struct strangers *all = str_alloc(sizeof(*all));

	all->limits = *limits;
	all->evict = fn;
	if (ticker_new(loop, SWEEP_MS, on_sweep, all, &all->ticker, e) == -1) {
		free(all);
		return (-1);
	}
	*out = all;
	return (0);
}

void
strangers_free(struct strangers **allp)
{
	struct strangers *all = *allp;
	struct stranger *s;

	if (all == NULL)
		return;
	while ((s = all->line.first) != NULL)
		stranger_known(&s);
	strmap_done(&all->addresses);
	ticker_free(&all->ticker);
	free(all);
	*allp = NULL;
}

size_t
strangers_count(const struct strangers *all)
{
	return (all->line.n);
}

static void
leave_address(struct stranger *s)
{
	struct address *a = s->addr;

	s->addr = NULL;
	if (a == NULL)
		return;
	take_out(&a->line, s, SAME);
	if (a->line.n > 0)
		return;
	strmap_del(&s->all->addresses, a->text);
	free(a);
}

static void
join_address(struct stranger *s, const char *text)
{
	struct strangers *all = s->all;
	struct address *a;
	size_t len;

	if ((a = strmap_get(&all->addresses, text)) == NULL) {
		len = strlen(text) + 1;
		a = str_alloc(sizeof(*a) + len);
		memcpy(a->text, text, len);
		strmap_put(&all->addresses, a->text, a);
	}
	append(&a->line, s, SAME);
	s->addr = a;
	if (a->line.n > all->limits.each)
		evict(a->line.first);
}

struct stranger *
stranger_add(struct strangers *all, const char *addr, void *cookie)
{
	struct stranger *s = str_alloc(sizeof(*s));

	s->all = all;
	s->cookie = cookie;
	s->since = tick_mono();
	append(&all->line, s, ALL);
	if (addr != NULL)
		join_address(s, addr);
	return (s);
}

void
stranger_heard(struct stranger *s, const char *addr)
{
	take_out(&s->all->line, s, ALL);
	append(&s->all->line, s, ALL);
	s->since = tick_mono();
	if (addr == NULL || (s->addr != NULL && str_eq(s->addr->text, addr)))
		return;
	leave_address(s);
	join_address(s, addr);
}

void
stranger_known(struct stranger **sp)
{
	struct stranger *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	leave_address(s);
	take_out(&s->all->line, s, ALL);
	free(s);
}
