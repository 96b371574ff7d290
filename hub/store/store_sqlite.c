#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "store.h"
#include "store_schema.h"
#include "store_v3.h"
#include "str.h"

struct db {
	sqlite3 *h;
	sqlite3_stmt *put[STORE_NTABLES];
};

static int
fail(struct db *db, struct err *e, const char *what)
{
	int rc = sqlite3_extended_errcode(db->h);
	enum err_code code = ERR_SYS;

	switch (rc & 0xff) {
	case SQLITE_FULL:
		code = ERR_NOSPACE;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ERR_DAMAGED;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	}
	return (err_set(e, code, "database: %s: %s", what,
	    sqlite3_errmsg(db->h)));
}

static int
run(struct db *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return (fail(db, e, "statement"));
	return (0);
}

/* The first column of the first row as an integer. */
static int
number(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db->h, sql, -1, &st, NULL) != SQLITE_OK)
		return (fail(db, e, "statement"));
	rc = sqlite3_step(st);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return (fail(db, e, "statement"));
	return (0);
}

static int
step_schema(struct db *db, int step, bool v3, struct err *e)
{
	char *version;
	int rc = -1;

	version = str_printf("PRAGMA user_version = %d", step + 1);
	if (run(db, "BEGIN IMMEDIATE", e) == -1)
		goto out;
	if ((v3 && store_v3_make_room(db->h, e) == -1) ||
	    run(db, store_schema[step], e) == -1 ||
	    (v3 && store_v3_take(db->h, e) == -1) ||
	    run(db, version, e) == -1 || run(db, "COMMIT", e) == -1) {
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
		err_wrap(e, "bring the schema to version %d", step + 1);
		goto out;
	}
	rc = 0;
out:
	free(version);
	return (rc);
}

static int
upgrade(const char *where, struct db *db, struct err *e)
{
	int64_t version;
	bool v3 = false;

	if (number(db, "PRAGMA user_version", &version, e) == -1)
		return (-1);
	if (version > store_schema_version)
		return (err_set(e, ERR_INPUT, "the database has schema version "
		    "%lld, made by a newer hub; this one knows up to %d",
		    (long long)version, store_schema_version));
	if (version == 0 && (store_v3_is(db->h, &v3, e) == -1 ||
	    (v3 && store_v3_copy(db->h, where, e) == -1)))
		return (-1);
	for (int i = (int)version; i < store_schema_version; i++)
		if (step_schema(db, i, i == 0 && v3, e) == -1)
			return (-1);
	return (0);
}

static void
sqlite_close(void **dbp)
{
	struct db *db = *dbp;

	if (db == NULL)
		return;
	for (int i = 0; i < STORE_NTABLES; i++)
		sqlite3_finalize(db->put[i]);
	sqlite3_close(db->h);
	free(db);
	*dbp = NULL;
}

static int
prepare_puts(struct db *db, struct err *e)
{
	for (int i = 0; i < STORE_NTABLES; i++) {
		const struct store_table_def *t = &store_tables[i];
		struct buf sql = { 0 };
		int rc;

		buf_addf(&sql, "INSERT OR REPLACE INTO %s (", t->name);
		for (size_t f = 0; f < t->nfields; f++)
			buf_addf(&sql, "%s%s", f > 0 ? ", " : "",
			    t->fields[f].name);
		buf_adds(&sql, ") VALUES (");
		for (size_t f = 0; f < t->nfields; f++)
			buf_adds(&sql, f > 0 ? ", ?" : "?");
		buf_adds(&sql, ")");
		rc = sqlite3_prepare_v3(db->h, sql.data, -1,
		    SQLITE_PREPARE_PERSISTENT, &db->put[i], NULL);
		buf_free(&sql);
		if (rc != SQLITE_OK)
			return (fail(db, e, t->name));
	}
	return (0);
}

static int
sqlite_open(const char *where, void **out, struct err *e)
{
	struct db *db = str_alloc(sizeof(*db));
	void *v = db;

	if (sqlite3_open_v2(where, &db->h, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		fail(db, e, "open");
		goto err0;
	}
	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_busy_timeout(db->h, 5000);
	/* FULL: what was acknowledged to an agent survives a power cut. */
	if (run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY", e) == -1 ||
	    upgrade(where, db, e) == -1 || prepare_puts(db, e) == -1)
		goto err0;
	*out = db;
	return (0);
err0:
	err_wrap(e, "%s", where);
	sqlite_close(&v);
	return (-1);
}

static int
sqlite_begin(void *v, struct err *e)
{
	return (run(v, "BEGIN IMMEDIATE", e));
}

static int
sqlite_commit(void *v, struct err *e)
{
	return (run(v, "COMMIT", e));
}

static void
sqlite_rollback(void *v)
{
	struct db *db = v;

	if (!sqlite3_get_autocommit(db->h))
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

static void
bind_field(sqlite3_stmt *st, int i, const struct record_field *f,
    const void *row)
{
	const char *at = (const char *)row + f->offset;
	const char *s;
	int64_t n;

	if (f->type == RECORD_STR) {
		memcpy(&s, at, sizeof(s));
		/* A NULL pointer binds NULL. */
		sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
		return;
	}
	memcpy(&n, at, sizeof(n));
	if (n == RECORD_NONE)
		sqlite3_bind_null(st, i);
	else
		sqlite3_bind_int64(st, i, n);
}

static int
sqlite_put(void *v, enum store_table table, const void *row, struct err *e)
{
	const struct store_table_def *t = &store_tables[table];
	struct db *db = v;
	sqlite3_stmt *st = db->put[table];
	int rc;

	for (size_t f = 0; f < t->nfields; f++)
		bind_field(st, (int)f + 1, &t->fields[f], row);
	rc = sqlite3_step(st);
	if (rc != SQLITE_DONE)
		fail(db, e, t->name);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return (rc == SQLITE_DONE ? 0 : -1);
}

static int
run_with(struct db *db, const char *sql, const char *text, int64_t n,
    struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db->h, sql, -1, &st, NULL) != SQLITE_OK)
		return (fail(db, e, "statement"));
	if (text != NULL)
		sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(st, 1, n);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? 0 : fail(db, e, "statement"));
}

static int
sqlite_drop(void *v, enum store_table table, const char *key, struct err *e)
{
	const struct store_table_def *t = &store_tables[table];
	char *sql;
	int rc;

	switch (table) {
	case STORE_HOST:
		if (run_with(v, "DELETE FROM lines WHERE op_id IN (SELECT id "
		    "FROM operations WHERE host_id = ?)", key, 0, e) == -1 ||
		    run_with(v, "DELETE FROM operations WHERE host_id = ?",
		    key, 0, e) == -1 ||
		    run_with(v, "DELETE FROM seen WHERE id = ?", key, 0,
		    e) == -1)
			return (-1);
		break;
	case STORE_OPERATION:
		if (run_with(v, "DELETE FROM lines WHERE op_id = ?", key, 0,
		    e) == -1)
			return (-1);
		break;
	default:
		break;
	}
	sql = str_printf("DELETE FROM %s WHERE %s = ?", t->name,
	    t->fields[0].name);
	rc = run_with(v, sql, key, 0, e);
	free(sql);
	return (rc);
}

/* A host may say of any number that it works on them.  The plus: few are open,
   of all hosts, and that index is the short one. */
static void
add_spent(const struct store_query *q, struct buf *sql)
{
	buf_adds(sql, " AND (state = 'finished'");
	if (q->host != NULL)
		buf_addf(sql, " OR id NOT IN (SELECT id FROM operations WHERE"
		    " +host_id = :host AND state <> 'finished'"
		    " ORDER BY id DESC LIMIT %d)", STORE_AT_WORK);
	buf_adds(sql, ")");
}

static void
select_sql(const struct store_query *q, struct buf *sql)
{
	const struct store_table_def *t = &store_tables[q->table];
	bool lines = q->table == STORE_LINE;

	buf_adds(sql, "SELECT ");
	for (size_t f = 0; f < t->nfields; f++)
		buf_addf(sql, "%s%s", f > 0 ? ", " : "", t->fields[f].name);
	buf_addf(sql, " FROM %s WHERE 1", t->name);
	if (q->id != NULL)
		buf_addf(sql, " AND %s = :id", t->fields[0].name);
	if (q->host != NULL)
		buf_adds(sql, " AND host_id = :host");
	if (q->state != NULL)
		buf_adds(sql, " AND state = :state");
	if (q->open_only)
		buf_adds(sql, " AND state <> 'finished'");
	if (q->printed)
		buf_adds(sql, " AND bytes > 0");
	if (q->spent)
		add_spent(q, sql);
	if (lines)
		buf_adds(sql, " AND seq > :after");
	if (q->before != NULL)
		buf_adds(sql, " AND id < :before");
	if (q->before_id != 0)
		buf_adds(sql, " AND id < :before_id");
	buf_addf(sql, " ORDER BY %s%s", t->fields[t->nkeys - 1].name,
	    (lines && !q->newest) || q->ascending ? "" : " DESC");
	if (q->limit != 0)
		buf_addf(sql, " LIMIT %zu", q->limit);
}

static void
bind_query(sqlite3_stmt *st, const struct store_query *q)
{
	const struct { const char *name, *text; } texts[] = {
		{ ":id", q->id }, { ":host", q->host }, { ":state", q->state },
		{ ":before", q->before },
	};
	int i;

	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
		if ((i = sqlite3_bind_parameter_index(st, texts[t].name)) != 0)
			sqlite3_bind_text(st, i, texts[t].text, -1,
			    SQLITE_STATIC);
	if ((i = sqlite3_bind_parameter_index(st, ":after")) != 0)
		sqlite3_bind_int64(st, i, q->after);
	if ((i = sqlite3_bind_parameter_index(st, ":before_id")) != 0)
		sqlite3_bind_int64(st, i, q->before_id);
}

/* Texts point into the statement until its next step. */
static void
read_row(sqlite3_stmt *st, const struct store_table_def *t, char *row)
{
	for (size_t f = 0; f < t->nfields; f++) {
		const struct record_field *fd = &t->fields[f];

		if (fd->type == RECORD_STR) {
			const void *s = sqlite3_column_text(st, (int)f);

			memcpy(row + fd->offset, &s, sizeof(s));
		} else {
			int64_t n = sqlite3_column_type(st, (int)f) ==
			    SQLITE_NULL ? RECORD_NONE :
			    sqlite3_column_int64(st, (int)f);

			memcpy(row + fd->offset, &n, sizeof(n));
		}
	}
}

static int
sqlite_find(void *v, const struct store_query *q, store_row *fn, void *cookie,
    struct err *e)
{
	const struct store_table_def *t = &store_tables[q->table];
	struct db *db = v;
	struct buf sql = { 0 };
	sqlite3_stmt *st;
	char *row;
	int rc;

	select_sql(q, &sql);
	rc = sqlite3_prepare_v2(db->h, sql.data, -1, &st, NULL);
	buf_free(&sql);
	if (rc != SQLITE_OK)
		return (fail(db, e, t->name));
	bind_query(st, q);
	row = str_alloc(t->size);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, t, row);
		if (fn(cookie, row) != 0) {
			rc = SQLITE_DONE;
			break;
		}
	}
	free(row);
	sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? 0 : fail(db, e, t->name));
}

/* So many at a time: others wait behind this. */
#define OLD_OPERATIONS "(SELECT id FROM operations WHERE state = 'finished'" \
	" AND finished_at < ?1 ORDER BY id LIMIT 200)"
#define OLD_EVENTS "(SELECT id FROM events WHERE timestamp < ?1" \
	" ORDER BY id LIMIT 200)"

static int
sqlite_retain(void *v, int64_t before, int64_t now, bool *more, struct err *e)
{
	static const char *const sql[] = {
		"DELETE FROM lines WHERE op_id IN " OLD_OPERATIONS,
		"DELETE FROM operations WHERE id IN " OLD_OPERATIONS,
		"DELETE FROM events WHERE id IN " OLD_EVENTS,
	};
	struct db *db = v;
	bool some = false;

	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		if (run_with(db, sql[i], NULL, before, e) == -1)
			return (-1);
		some = some || sqlite3_changes(db->h) > 0;
	}
	*more = some;
	return (run_with(db, "DELETE FROM sessions WHERE expires_at < ?1",
	    NULL, now, e));
}

static int
sqlite_sum(void *v, const char *host, int64_t *bytes, struct err *e)
{
	struct db *db = v;
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db->h, host == NULL ?
	    "SELECT sum(bytes) FROM operations WHERE bytes > 0" :
	    "SELECT sum(bytes) FROM operations WHERE bytes > 0"
	    " AND host_id = ?", -1, &st, NULL) != SQLITE_OK)
		return (fail(db, e, "operations"));
	if (host != NULL)
		sqlite3_bind_text(st, 1, host, -1, SQLITE_STATIC);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*bytes = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return (rc == SQLITE_ROW ? 0 : fail(db, e, "operations"));
}

static int
sqlite_trim(void *v, struct store_trim *t, struct err *e)
{
	struct db *db = v;
	int64_t bytes = 0, last = 0;
	sqlite3_stmt *st;
	char *sql;
	int rc;

	if (sqlite3_prepare_v2(db->h, "SELECT seq, text FROM lines"
	    " WHERE op_id = ? AND seq > ? ORDER BY seq", -1, &st,
	    NULL) != SQLITE_OK)
		return (fail(db, e, "lines"));
	sqlite3_bind_text(st, 1, t->op_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, t->after);
	rc = SQLITE_DONE;
	while ((t->whole || bytes < t->bytes) &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW) {
		last = sqlite3_column_int64(st, 0);
		bytes += sqlite3_column_bytes(st, 1) + STORE_LINE_COST;
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return (fail(db, e, "lines"));
	sql = str_printf("DELETE FROM lines WHERE op_id = ? AND seq > %lld"
	    " AND seq <= %lld", (long long)t->after, (long long)last);
	rc = run_with(db, sql, t->op_id, 0, e);
	free(sql);
	if (rc == 0 && t->whole)
		rc = run_with(db, "UPDATE operations SET bytes = 0,"
		    " phases = NULL, changes = NULL WHERE id = ?", t->op_id, 0,
		    e);
	if (rc == -1)
		return (-1);
	t->bytes = bytes;
	t->last = last;
	return (0);
}

static int
sqlite_ping(void *v, struct err *e)
{
	int64_t n;

	return (number(v, "SELECT count(*) FROM meta", &n, e));
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.put = sqlite_put,
	.drop = sqlite_drop,
	.find = sqlite_find,
	.retain = sqlite_retain,
	.sum = sqlite_sum,
	.trim = sqlite_trim,
	.ping = sqlite_ping,
};
