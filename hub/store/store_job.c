#include <stdlib.h>
#include <string.h>

#include "store_job.h"
#include "str.h"

/*
 * Rows in one transaction at most, a tenth of a second's work.  Smaller ones
 * are no gain when thousands of hosts are asked: the first to answer would
 * keep the loop from the rest.
 */
#define STORE_BATCH 10000

void
store_job_queue(struct store_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static const char *
text_at(const struct store_table_def *t, size_t f, const char *row)
{
	const char *s = NULL;

	if (t->fields[f].type == RECORD_STR)
		memcpy(&s, row + t->fields[f].offset, sizeof(s));
	return (s);
}

/* Bytes of the strings of a row. */
static size_t
row_texts(const struct store_table_def *t, const char *row)
{
	const char *s;
	size_t n = 0;

	for (size_t f = 0; f < t->nfields; f++)
		if ((s = text_at(t, f, row)) != NULL)
			n += strlen(s) + 1;
	return (n);
}

/* Copy a row, its strings to ${text}; returns the place behind them. */
static char *
row_pack(
    const struct store_table_def *t, char *to, const char *from, char *text)
{
	const char *s;

	memcpy(to, from, t->size);
	for (size_t f = 0; f < t->nfields; f++) {
		if ((s = text_at(t, f, from)) == NULL)
			continue;
		memcpy(to + t->fields[f].offset, &text, sizeof(text));
		text = stpcpy(text, s) + 1;
	}
	return (text);
}

/* Copy a row; strings are ours then. */
static void
row_copy(const struct store_table_def *t, char *to, const void *from)
{
	memcpy(to, from, t->size);
	for (size_t f = 0; f < t->nfields; f++) {
		const char *s;

		if (t->fields[f].type != RECORD_STR)
			continue;
		memcpy(&s, to + t->fields[f].offset, sizeof(s));
		s = str_dup(s);
		memcpy(to + t->fields[f].offset, &s, sizeof(s));
	}
}

static void
rows_free(const struct store_table_def *t, char *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_free(t->fields, t->nfields, rows + i * t->size);
	free(rows);
}

void
store_job_free(struct store_job *j)
{
	if (j->kind == STORE_JOB_FIND)
		rows_free(&store_tables[j->table], j->rows, j->n);
	free(j->key);
	free(j->words);
	free((char *)(uintptr_t)j->query.id);
	free((char *)(uintptr_t)j->query.host);
	free((char *)(uintptr_t)j->query.state);
	free((char *)(uintptr_t)j->query.before);
	free(j->failed);
	free(j);
}

struct store_job *
store_job_new(enum store_job_kind kind, enum store_table table)
{
	struct store_job *j = str_alloc(sizeof(*j));

	j->kind = kind;
	j->table = table;
	return (j);
}

struct store_job *
store_job_put(enum store_table table, const void *rows, size_t n)
{
	const struct store_table_def *t = &store_tables[table];
	const char *from = rows;
	size_t size = n * t->size;
	struct store_job *j;
	char *text;

	for (size_t i = 0; i < n; i++)
		size += row_texts(t, from + i * t->size);
	j = str_alloc(sizeof(*j) + size);
	j->kind = STORE_JOB_PUT;
	j->table = table;
	j->rows = (char *)(j + 1);
	j->n = n;
	text = j->rows + n * t->size;
	for (size_t i = 0; i < n; i++)
		text = row_pack(
		    t, j->rows + i * t->size, from + i * t->size, text);
	return (j);
}

static int
on_row(void *cookie, const void *row)
{
	struct store_job *j = cookie;
	const struct store_table_def *t = &store_tables[j->table];

	if (j->n == j->cap) {
		j->cap = j->cap == 0 ? 16 : j->cap * 2;
		if ((j->rows = realloc(j->rows, j->cap * t->size)) == NULL)
			abort();
	}
	row_copy(t, j->rows + j->n++ * t->size, row);
	return (0);
}

static void
job_fail(struct store_job *j, const struct err *e)
{
	if (j->failed == NULL)
		j->failed = str_alloc(sizeof(*j->failed));
	*j->failed = *e;
}

/* Remove lines, and say in the place of the last how many are gone. */
static int
trim(const struct store_driver *d, void *db, struct store_job *j, struct err *e)
{
	struct store_trim *t = &j->trim;
	struct store_line note = { .op_id = j->key,
		.ts = j->now,
		.stream = (char *)(uintptr_t) "note" };
	int rc;

	if (d->trim(db, t, e) == -1)
		return (-1);
	if (t->last == 0)
		return (0);
	note.seq = t->last;
	note.text =
	    str_printf("%lld %s", (long long)(t->last - t->after), t->words);
	if (!t->whole)
		t->bytes -= (int64_t)strlen(note.text) + STORE_LINE_COST;
	rc = d->put(db, STORE_LINE, &note, e);
	free(note.text);
	return (rc);
}

/* Store thread.  -1: the transaction must not be committed. */
static int
job_run(const struct store_driver *d, void *db, struct store_job *j)
{
	size_t size = store_tables[j->table].size;
	struct err e = { 0 };
	int rc = 0;

	switch (j->kind) {
	case STORE_JOB_PUT:
		for (size_t i = 0; i < j->n && rc == 0; i++)
			rc = d->put(db, j->table, j->rows + i * size, &e);
		break;
	case STORE_JOB_DROP:
		rc = d->drop(db, j->table, j->key, &e);
		break;
	case STORE_JOB_FIND:
		rc = d->find(db, &j->query, on_row, j, &e);
		break;
	case STORE_JOB_RETAIN:
		rc = d->retain(db, j->when, j->now, &j->more, &e);
		break;
	case STORE_JOB_SUM:
		rc = d->sum(db, j->key, &j->trim.bytes, &e);
		break;
	case STORE_JOB_TRIM:
		rc = trim(d, db, j, &e);
		break;
	case STORE_JOB_PROBE:
		rc = d->ping(db, &e);
		break;
	}
	if (rc == 0)
		return (0);
	job_fail(j, &e);
	return (j->n > 1 || j->kind == STORE_JOB_TRIM ? -1 : 0);
}

bool
store_job_writes(const struct store_job *j)
{
	return (j->kind != STORE_JOB_FIND && j->kind != STORE_JOB_SUM &&
	    j->kind != STORE_JOB_PROBE);
}

void
store_job_run(const struct store_driver *d, void *db, struct store_job *batch)
{
	struct err e = { 0 };
	int rc;

	rc = d->begin(db, &e);
	for (struct store_job *j = batch; j != NULL; j = j->next) {
		if (rc == 0 && store_job_writes(j) && job_run(d, db, j) == -1) {
			e = *j->failed;
			rc = -1;
		} else if (!store_job_writes(j)) {
			(void)job_run(d, db, j);
		}
	}
	if (rc == 0)
		rc = d->commit(db, &e);
	if (rc == 0)
		return;
	d->rollback(db);
	for (struct store_job *j = batch; j != NULL; j = j->next)
		if (store_job_writes(j))
			job_fail(j, &e);
}

struct store_job *
store_job_take(struct store_queue *todo, struct store_job **last)
{
	struct store_job *batch = todo->first, *j = batch;
	size_t rows = j->n;

	while (j->next != NULL && rows < STORE_BATCH) {
		j = j->next;
		rows += j->n > 0 ? j->n : 1;
	}
	todo->first = j->next;
	if (todo->first == NULL)
		todo->last = &todo->first;
	j->next = NULL;
	*last = j;
	return (batch);
}
