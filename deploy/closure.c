#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "closure.h"
#include "nixstore.h"
#include "str.h"

#define ENTRIES_MAX 200		/* of each list; the rest is counted */

static const char *const output_names[] = { "bin", "dev", "doc", "info", "lib",
	"man", "out", "static", "debug", "devdoc", "data", "terminfo" };

static int
by_path(const void *a, const void *b)
{
	const struct closure_path *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

void
closure_parse(const char *text, struct closure *c)
{
	size_t n, cap = 0;

	memset(c, 0, sizeof(*c));
	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n == 0)
			continue;
		if (c->n == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			c->paths = realloc(c->paths, cap * sizeof(*c->paths));
			if (c->paths == NULL)
				abort();
		}
		c->paths[c->n].size = 0;
		c->paths[c->n++].path = str_ndup(text, n);
	}
	if (c->n > 0)
		qsort(c->paths, c->n, sizeof(*c->paths), by_path);
}

void
closure_free(struct closure *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		free(c->paths[i].path);
	free(c->paths);
	memset(c, 0, sizeof(*c));
}

size_t
closure_split(const char *name, char **version)
{
	const char *p = name, *dash;
	size_t i;

	/* A version starts with a digit after a dash. */
	while ((dash = strchr(p, '-')) != NULL &&
	    !isdigit((unsigned char)dash[1]))
		p = dash + 1;
	if (dash == NULL) {
		*version = str_dup("");
		return (strlen(name));
	}
	*version = str_dup(dash + 1);
	for (i = 0; i < sizeof(output_names) / sizeof(*output_names); i++) {
		char *suffix = strrchr(*version, '-');

		if (suffix != NULL && str_eq(suffix + 1, output_names[i]))
			*suffix = '\0';
	}
	return ((size_t)(dash - name));
}

/* A path that only one of the closures has. */
struct entry {
	char *name, *version;
};

struct entries {
	struct entry *v;
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return (r != 0 ? r : strcmp(x->version, y->version));
}

/* Entries for the paths in ${a} but not in ${b}; their bytes into *${sum}. */
static struct entries
only_in(const struct closure *a, const struct closure *b, int64_t *sum)
{
	struct entries out = { str_alloc((a->n + 1) * sizeof(*out.v)), 0 };
	const char *base;
	struct entry *en;
	size_t i;

	*sum = 0;
	for (i = 0; i < a->n; i++) {
		if (b->n > 0 && bsearch(&a->paths[i], b->paths, b->n,
		    sizeof(*b->paths), by_path) != NULL)
			continue;
		*sum += a->paths[i].size;
		base = nixstore_name(a->paths[i].path);
		en = &out.v[out.n++];
		en->name = str_ndup(base, closure_split(base, &en->version));
	}
	qsort(out.v, out.n, sizeof(*out.v), by_name);
	return (out);
}

static void
entries_free(struct entries *en)
{
	size_t i;

	for (i = 0; i < en->n; i++) {
		free(en->v[i].name);
		free(en->v[i].version);
	}
	free(en->v);
}

/* The versions of the entries from *${at} that have ${name}, "1.0, 1.1". */
static char *
take_versions(const struct entries *en, size_t *at, const char *name)
{
	struct buf b = { 0 };
	const char *last = "";

	for (; *at < en->n && str_eq(en->v[*at].name, name); (*at)++) {
		if (str_eq(en->v[*at].version, last))
			continue;
		last = en->v[*at].version;
		buf_addf(&b, "%s%s", b.len > 0 ? ", " : "", last);
	}
	return (buf_take(&b));
}

struct lists {
	json_t *added, *removed, *changed;
	json_int_t cut, rebuilt;
};

static void
append(struct lists *l, json_t *list, json_t *entry)
{
	if (json_array_size(list) < ENTRIES_MAX)
		json_array_append_new(list, entry);
	else {
		l->cut++;
		json_decref(entry);
	}
}

/* One package name that at least one side has. */
static void
compare(struct lists *l, const char *name, const char *from, const char *to)
{
	if (from == NULL)
		append(l, l->added, json_pack("{s:s,s:s}", "name", name,
		    "version", to));
	else if (to == NULL)
		append(l, l->removed, json_pack("{s:s,s:s}", "name", name,
		    "version", from));
	else if (str_eq(from, to))
		l->rebuilt++;
	else
		append(l, l->changed, json_pack("{s:s,s:s,s:s}", "name", name,
		    "from", from, "to", to));
}

static void
merge(struct lists *l, const struct entries *from, const struct entries *to)
{
	char *old, *new, *name;
	size_t i = 0, k = 0;
	int order;

	while (i < from->n || k < to->n) {
		if (i == from->n)
			order = 1;
		else if (k == to->n)
			order = -1;
		else
			order = strcmp(from->v[i].name, to->v[k].name);
		name = order <= 0 ? from->v[i].name : to->v[k].name;
		old = order <= 0 ? take_versions(from, &i, name) : NULL;
		new = order >= 0 ? take_versions(to, &k, name) : NULL;
		compare(l, name, old, new);
		free(old);
		free(new);
	}
}

json_t *
closure_diff(const struct closure *from, const struct closure *to)
{
	struct lists l = { json_array(), json_array(), json_array(), 0, 0 };
	int64_t gone, come, size = 0;
	struct entries old = only_in(from, to, &gone);
	struct entries new = only_in(to, from, &come);
	size_t i;

	for (i = 0; i < to->n; i++)
		size += to->paths[i].size;
	merge(&l, &old, &new);
	entries_free(&old);
	entries_free(&new);
	return (json_pack("{s:o,s:o,s:o,s:I,s:I,s:I,s:I}", "added", l.added,
	    "removed", l.removed, "changed", l.changed, "rebuilt", l.rebuilt,
	    "bytes", (json_int_t)(come - gone), "size", (json_int_t)size,
	    "cut", l.cut));
}
