#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "strmap.h"

static size_t
home(const struct strmap *m, const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return (h & (m->size - 1));
}

/* The slot of the key, or the free one where it would go. */
static size_t
seek(const struct strmap *m, const char *key)
{
	size_t i = home(m, key);

	while (m->slots[i].key != NULL && strcmp(m->slots[i].key, key) != 0)
		i = (i + 1) & (m->size - 1);
	return (i);
}

void *
strmap_get(const struct strmap *m, const char *key)
{
	if (m->size == 0)
		return (NULL);
	return (m->slots[seek(m, key)].value);
}

static void
grow(struct strmap *m)
{
	struct strmap old = *m;

	m->size = old.size == 0 ? 16 : old.size * 2;
	m->slots = str_alloc(m->size * sizeof(*m->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].key != NULL)
			m->slots[seek(m, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

void
strmap_put(struct strmap *m, const char *key, void *value)
{
	size_t i;

	if (m->used * 4 >= m->size * 3)
		grow(m);
	i = seek(m, key);
	m->used += m->slots[i].key == NULL;
	m->slots[i].key = key;
	m->slots[i].value = value;
}

void
strmap_del(struct strmap *m, const char *key)
{
	size_t i, j, h;

	if (m->size == 0 || m->slots[i = seek(m, key)].key == NULL)
		return;
	m->used--;
	/* Close the gap: those after it that may stand here move up. */
	for (j = i;;) {
		m->slots[i].key = NULL;
		m->slots[i].value = NULL;
		do {
			j = (j + 1) & (m->size - 1);
			if (m->slots[j].key == NULL)
				return;
			h = home(m, m->slots[j].key);
		} while (i <= j ? (i < h && h <= j) : (i < h || h <= j));
		m->slots[i] = m->slots[j];
		i = j;
	}
}

void
strmap_done(struct strmap *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}
