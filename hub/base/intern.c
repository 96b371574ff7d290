#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "intern.h"
#include "str.h"

struct entry {
	struct entry *next;
	uint32_t hash;
	uint32_t refs;
	char text[];
};

struct intern {
	struct entry **table;
	size_t size;		/* a power of two */
	size_t used;
};

/* FNV-1a; the strings come from agents that showed a token. */
static uint32_t
hash_of(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h);
}

static struct entry *
entry_of(const char *s)
{
	return ((struct entry *)((uintptr_t)s - offsetof(struct entry, text)));
}

struct intern *
intern_new(void)
{
	struct intern *in = str_alloc(sizeof(*in));

	in->size = 256;
	in->table = str_alloc(in->size * sizeof(*in->table));
	return (in);
}

void
intern_free(struct intern **inp)
{
	struct intern *in = *inp;

	if (in == NULL)
		return;
	for (size_t i = 0; i < in->size; i++) {
		for (struct entry *e = in->table[i], *next; e != NULL;
		    e = next) {
			next = e->next;
			free(e);
		}
	}
	free(in->table);
	free(in);
	*inp = NULL;
}

static void
grow(struct intern *in)
{
	size_t size = in->size * 2;
	struct entry **table = str_alloc(size * sizeof(*table));

	for (size_t i = 0; i < in->size; i++) {
		for (struct entry *e = in->table[i], *next; e != NULL;
		    e = next) {
			next = e->next;
			e->next = table[e->hash & (size - 1)];
			table[e->hash & (size - 1)] = e;
		}
	}
	free(in->table);
	in->table = table;
	in->size = size;
}

const char *
intern_get(struct intern *in, const char *s)
{
	struct entry *e;
	uint32_t h;
	size_t len;

	if (s == NULL)
		s = "";
	h = hash_of(s);
	for (e = in->table[h & (in->size - 1)]; e != NULL; e = e->next) {
		if (e->hash == h && strcmp(e->text, s) == 0) {
			e->refs++;
			return (e->text);
		}
	}
	if (in->used++ == in->size)
		grow(in);
	len = strlen(s) + 1;
	e = str_alloc(sizeof(*e) + len);
	memcpy(e->text, s, len);
	e->hash = h;
	e->refs = 1;
	e->next = in->table[h & (in->size - 1)];
	in->table[h & (in->size - 1)] = e;
	return (e->text);
}

void
intern_put(struct intern *in, const char *s)
{
	struct entry *e, **slot;

	if (s == NULL)
		return;
	e = entry_of(s);
	assert(e->refs > 0);
	if (--e->refs > 0)
		return;
	slot = &in->table[e->hash & (in->size - 1)];
	while (*slot != e)
		slot = &(*slot)->next;
	*slot = e->next;
	in->used--;
	free(e);
}

int
intern_set(struct intern *in, const char **slot, const char *s)
{
	const char *old = *slot;

	if (s == NULL)
		s = "";
	if (old != NULL && strcmp(old, s) == 0)
		return (0);
	*slot = intern_get(in, s);
	intern_put(in, old);
	return (1);
}
