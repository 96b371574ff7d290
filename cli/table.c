#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "str.h"
#include "table.h"

struct table {
	int columns;
	const char *const *headings;
	char **cells;		/* row after row */
	size_t ncells;
	int *widths;
};

/* Columns that ${s} takes: its characters. */
static int
width(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return (n);
}

struct table *
table_new(int columns, const char *const *headings)
{
	struct table *t = str_alloc(sizeof(*t));

	t->columns = columns;
	t->headings = headings;
	t->widths = str_alloc((size_t)columns * sizeof(*t->widths));
	for (int i = 0; headings != NULL && i < columns; i++)
		t->widths[i] = width(headings[i]);
	return (t);
}

void
table_row(struct table *t, const char *const *cells)
{
	size_t n = t->ncells + (size_t)t->columns;
	char **all = str_alloc(n * sizeof(*all));

	if (t->ncells > 0)
		memcpy(all, t->cells, t->ncells * sizeof(*all));
	free(t->cells);
	t->cells = all;
	for (int i = 0; i < t->columns; i++) {
		const char *cell = cells[i] == NULL ? "-" : cells[i];
		struct buf b = { 0 };

		out_clean(&b, cell, strlen(cell), false);
		all[t->ncells + (size_t)i] = buf_take(&b);
		if (width(all[t->ncells + (size_t)i]) > t->widths[i])
			t->widths[i] = width(all[t->ncells + (size_t)i]);
	}
	t->ncells = n;
}

static void
print_row(const struct table *t, const char *const *cells)
{
	int last = t->columns - 1;

	while (last > 0 && cells[last][0] == '\0')
		last--;
	for (int i = 0; i <= last; i++) {
		const char *paint = out_paint(cells[i]);

		printf("%s%s%s", paint, cells[i],
		    *paint == '\0' ? "" : out_plain());
		if (i < last)
			printf("%*s", t->widths[i] - width(cells[i]) + 2, "");
	}
	putchar('\n');
}

void
table_print(const struct table *t)
{
	if (t->headings != NULL)
		print_row(t, t->headings);
	for (size_t i = 0; i < t->ncells; i += (size_t)t->columns)
		print_row(t, (const char *const *)t->cells + i);
}

void
table_free(struct table **tp)
{
	struct table *t = *tp;

	if (t == NULL)
		return;
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->widths);
	free(t);
	*tp = NULL;
}
