#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ratelimit.h"
#include "str.h"

struct entry {
	char *key;
	int64_t *times;		/* a ring of max */
	size_t first, n;
	int64_t last;
};

struct ratelimit {
	struct entry *entries;
	size_t n, cap, max;
	int64_t window;
};

struct ratelimit *
ratelimit_new(size_t max, int64_t window_ms, size_t keys)
{
	struct ratelimit *r = str_alloc(sizeof(*r));

	assert(max >= 1 && keys >= 1);
	r->entries = str_alloc(keys * sizeof(*r->entries));
	r->cap = keys;
	r->max = max;
	r->window = window_ms;
	return (r);
}

static void
entry_done(struct entry *en)
{
	free(en->key);
	free(en->times);
	memset(en, 0, sizeof(*en));
}

void
ratelimit_free(struct ratelimit **rp)
{
	struct ratelimit *r = *rp;

	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		entry_done(&r->entries[i]);
	free(r->entries);
	free(r);
	*rp = NULL;
}

static struct entry *
find(struct ratelimit *r, const char *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->entries[i].key, key) == 0)
			return (&r->entries[i]);
	return (NULL);
}

static struct entry *
make(struct ratelimit *r, const char *key)
{
	struct entry *en;

	if (r->n < r->cap) {
		en = &r->entries[r->n++];
	} else {
		en = &r->entries[0];
		for (size_t i = 1; i < r->n; i++)
			if (r->entries[i].last < en->last)
				en = &r->entries[i];
		entry_done(en);
	}
	en->key = str_dup(key);
	en->times = str_alloc(r->max * sizeof(*en->times));
	return (en);
}

bool
ratelimit_take(struct ratelimit *r, const char *key, int64_t now)
{
	struct entry *en = find(r, key);

	if (en == NULL)
		en = make(r, key);
	while (en->n > 0 && en->times[en->first] <= now - r->window) {
		en->first = (en->first + 1) % r->max;
		en->n--;
	}
	en->last = now;
	if (en->n == r->max)
		return (false);
	en->times[(en->first + en->n++) % r->max] = now;
	return (true);
}

void
ratelimit_reset(struct ratelimit *r, const char *key)
{
	struct entry *en = find(r, key);

	if (en == NULL)
		return;
	entry_done(en);
	*en = r->entries[--r->n];
	memset(&r->entries[r->n], 0, sizeof(*en));
}
