#ifndef TABLE_H
#define TABLE_H

/* Aligned columns.  Cells are cleaned; words of state are painted. */
struct table;

/* ${headings}: NULL-terminated; NULL for a table without a first line. */
struct table *table_new(int columns, const char *const *headings);

/* One row of ${columns} cells; NULL is shown as "-". */
void	 table_row(struct table *, const char *const *cells);

/* Print to stdout. */
void	 table_print(const struct table *);
void	 table_free(struct table **);

#endif
