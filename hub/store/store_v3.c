#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "file.h"
#include "names.h"
#include "record.h"
#include "store_v3.h"
#include "store_v3_log.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#define DIGITS "0123456789"
/* "2026-01-19T13:43:00". */
#define SECONDS_LEN 19
#define CROCKFORD   "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

int
store_v3_time(const char *s, int64_t *out)
{
	size_t n = SECONDS_LEN;
	char text[80];

	if (strnlen(s, n) < n)
		return (-1);
	if (s[n] == '.')
		n += 1 + strspn(s + n + 1, DIGITS);
	if (n > 40)
		return (-1);
	memcpy(text, s, n);
	if (text[10] == ' ')
		text[10] = 'T';
	s += n;
	s += strspn(s, " ");
	if (*s != '+' && *s != '-')
		snprintf(text + n, sizeof(text) - n, "Z");
	else if (strspn(s + 1, DIGITS) == 4)
		snprintf(text + n, sizeof(text) - n, "%.3s:%.2s", s, s + 3);
	else
		snprintf(text + n, sizeof(text) - n, "%.6s", s);
	return (tick_parse(text, out));
}

/* v3_time(text): ms since 1970, or NULL. */
static void
sql_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *s = sqlite3_value_text(v[0]);
	int64_t ms;

	(void)n;
	if (s != NULL && store_v3_time((const char *)s, &ms) == 0)
		sqlite3_result_int64(c, ms);
}

/* v3_host(name): may a host be called that? */
static void
sql_host(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *s = sqlite3_value_text(v[0]);
	struct err e;

	(void)n;
	sqlite3_result_int(
	    c, s != NULL && names_hostname_check((const char *)s, &e) == 0);
}

static void
result_clean(sqlite3_context *c, const char *s, size_t len)
{
	struct buf b = { 0 };

	utf8_clean(&b, s, len);
	sqlite3_result_text(
	    c, b.data == NULL ? "" : b.data, (int)b.len, SQLITE_TRANSIENT);
	buf_free(&b);
}

/* v3_text(text): valid UTF-8, or NULL. */
static void
sql_text(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *s = sqlite3_value_text(v[0]);

	(void)n;
	if (s != NULL)
		result_clean(
		    c, (const char *)s, (size_t)sqlite3_value_bytes(v[0]));
}

/* v3_check(json, key): of {status, message, checked_at}, if it still holds. */
static void
sql_check(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *json = (const char *)sqlite3_value_text(v[0]);
	const char *key = (const char *)sqlite3_value_text(v[1]), *s;
	json_t *o = NULL;
	struct err e;
	int64_t ms;
	int check;

	(void)n;
	if (json == NULL || record_parse(json, strlen(json), &o, &e) == -1)
		return;
	check =
	    names_check_parse(json_string_value(json_object_get(o, "status")));
	s = json_string_value(json_object_get(o, key));
	/* Nobody works on it any more. */
	if (check == -1 || check == CHECK_WORKING || s == NULL)
		;
	else if (!str_eq(key, "checked_at"))
		sqlite3_result_text(c, s, -1, SQLITE_TRANSIENT);
	else if (store_v3_time(s, &ms) == 0)
		sqlite3_result_int64(c, ms);
	json_decref(o);
}

/* v3_ulid(ms, row): the id of an operation that began then. */
static void
sql_ulid(sqlite3_context *c, int n, sqlite3_value **v)
{
	int64_t ms = sqlite3_value_int64(v[0]);
	char id[27];

	(void)n;
	for (int i = 9; i >= 0; i--, ms >>= 5)
		id[i] = CROCKFORD[ms & 31];
	snprintf(id + 10, sizeof(id) - 10, "%016u",
	    (unsigned)sqlite3_value_int64(v[1]));
	sqlite3_result_text(c, id, 26, SQLITE_TRANSIENT);
}

/* What becomes of one of v3's tables. */
struct take {
	const char *from, *to, *where;
	const char *needs[4]; /* without these columns: nothing */
	struct {
		const char *column, *as, *needs;
	} columns[32];
};

#define SAME(c)                                                                \
	{                                                                      \
		c, "v3_text(" c ")", c                                         \
	}
#define CHECK(c)                                                               \
	{ #c "_status", "v3_check(" #c "_status_json, 'status')",              \
		#c "_status_json" },                                           \
	    { #c "_message", "v3_check(" #c "_status_json, 'message')",        \
		    #c "_status_json" },                                       \
	{                                                                      \
#c "_checked", "v3_check(" #c "_status_json, 'checked_at')",   \
		    #c "_status_json"                                          \
	}
#define CREATED "coalesce(v3_time(created_at), 0)"

/* clang-format off */
static const struct take takes[] = {
	{ "v3_hosts", "hosts", "v3_host(hostname)", { "hostname" }, {
	    { "id", "hostname", NULL },
	    { "dialect", "3", NULL }, { "token_state", "0", NULL },
	    { "created_at", CREATED, "created_at" },
	    SAME("host_type"), SAME("agent_version"), SAME("os_version"),
	    SAME("nixpkgs_version"), SAME("generation"), SAME("comment"),
	    SAME("theme_color"), SAME("location"), SAME("device_type"),
	    SAME("repo_url"), SAME("repo_dir"), SAME("lock_hash"),
	    SAME("tests_generation"), CHECK(lock), CHECK(system),
	    CHECK(tests) } },
	{ "v3_hosts", "seen", "v3_host(hostname) AND v3_time(last_seen)"
	    " IS NOT NULL", { "hostname", "last_seen" }, {
	    { "id", "hostname", NULL }, { "stopped", "0", NULL },
	    { "at", "v3_time(last_seen)", NULL } } },
	{ "commands", "operations", "v3_host(host_id)",
	    { "host_id", "created_at", "status" }, {
	    { "id", "v3_ulid(" CREATED ", rowid)", NULL },
	    { "host_id", "host_id", NULL },
	    { "op", "v3_text(op)", "op" }, { "by", "'v3'", NULL },
	    { "state", "'finished'", NULL },
	    { "outcome", "CASE status"
	    " WHEN 'SUCCESS' THEN 'ok' WHEN 'STALE_BINARY' THEN 'ok'"
	    " WHEN 'SUSPICIOUS' THEN 'ok' WHEN 'ERROR' THEN 'failed'"
	    " WHEN 'PARTIAL' THEN 'failed' WHEN 'BLOCKED' THEN 'refused'"
	    " WHEN 'TIMEOUT' THEN 'timed_out' WHEN 'KILLED' THEN 'stopped'"
	    " ELSE 'interrupted' END", NULL },
	    { "message", "v3_text(coalesce(nullif(error, ''), status))",
	    "error" },
	    { "accepted", "1", NULL },
	    { "reported", "status IN ('SUCCESS', 'ERROR')", NULL },
	    { "forced", "0", NULL }, { "overdue", "0", NULL },
	    { "exit_code", "exit_code", "exit_code" },
	    { "created_at", CREATED, NULL },
	    { "started_at", CREATED, NULL },
	    { "finished_at", "coalesce(v3_time(finished_at), " CREATED ")",
	    "finished_at" },
	    { "deadline_at", "0", NULL }, { "lines", "0", NULL },
	    { "bytes", "0", NULL }, { "last_seq", "0", NULL } } },
	{ "event_log", "events", "v3_time(timestamp) IS NOT NULL",
	    { "id", "timestamp" }, {
	    { "id", "id", NULL },
	    { "timestamp", "v3_time(timestamp)", NULL },
	    { "category", "v3_text(coalesce(category, 'v3'))", "category" },
	    { "level", "v3_text(coalesce(level, 'info'))", "level" },
	    { "actor", "v3_text(coalesce(actor, 'v3'))", "actor" },
	    { "host_id", "CASE WHEN v3_host(host_id) THEN host_id END",
	    "host_id" },
	    SAME("action"), { "message", "v3_text(coalesce(message, ''))",
	    "message" } } },
};
/* clang-format on */

static const struct {
	const char *name;
	int args;
	void (*fn)(sqlite3_context *, int, sqlite3_value **);
} functions[] = {
	{ "v3_time", 1, sql_time },
	{ "v3_host", 1, sql_host },
	{ "v3_text", 1, sql_text },
	{ "v3_check", 2, sql_check },
	{ "v3_ulid", 2, sql_ulid },
};

static int
fail(sqlite3 *db, struct err *e, const char *what)
{
	return (err_set(e,
	    sqlite3_errcode(db) == SQLITE_FULL ? ERR_NOSPACE : ERR_SYS,
	    "NixFleet v3's database: %s: %s", what, sqlite3_errmsg(db)));
}

static int
run(sqlite3 *db, const char *sql, const char *what, struct err *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return (fail(db, e, what));
	return (0);
}

/* How many of those rows there are in what SQLite knows of itself. */
static int
count(sqlite3 *db, const char *sql, const char *a, const char *b, int *out,
    struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return (fail(db, e, "its tables"));
	sqlite3_bind_text(st, 1, a, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, b, -1, SQLITE_STATIC);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*out = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return (rc == SQLITE_ROW ? 0 : fail(db, e, "its tables"));
}

int
store_v3_is(sqlite3 *db, bool *is, struct err *e)
{
	int n;

	if (count(db,
		"SELECT count(*) FROM sqlite_master WHERE type = 'table'"
		" AND name IN ('hosts', 'event_log', 'sessions')",
		NULL, NULL, &n, e) == -1)
		return (-1);
	*is = n == 3;
	return (0);
}

int
store_v3_copy(sqlite3 *db, const char *where, struct err *e)
{
	char *copy = str_printf("%s.v3", where);
	char *part = str_printf("%s.part", copy);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", part);
	int rc;

	(void)remove(part);
	if ((rc = run(db, sql, "copy it", e)) == 0 && rename(part, copy) == -1)
		rc = err_sys(e, "rename %s", part);
	if (rc == 0)
		rc = file_sync_dir(copy, e);
	else
		(void)remove(part);
	sqlite3_free(sql);
	free(part);
	free(copy);
	return (rc);
}

int
store_v3_make_room(sqlite3 *db, struct err *e)
{
	return (run(db,
	    "ALTER TABLE hosts RENAME TO v3_hosts;"
	    "ALTER TABLE sessions RENAME TO v3_sessions;",
	    "rename a table", e));
}

/* Has ${table} that column?  Anything has NULL. */
static int
has(sqlite3 *db, const char *table, const char *column, int *out, struct err *e)
{
	*out = 1;
	return (column == NULL ? 0
			       : count(db,
				     "SELECT count(*) FROM "
				     "pragma_table_info(?1) WHERE name = ?2",
				     table, column, out, e));
}

static int
take(sqlite3 *db, const struct take *t, struct err *e)
{
	struct buf to = { 0 }, as = { 0 }, sql = { 0 };
	int there = 1, rc = 0;

	for (size_t i = 0; t->needs[i] != NULL && there != 0; i++)
		if (has(db, t->from, t->needs[i], &there, e) == -1)
			return (-1);
	if (there == 0)
		return (0);
	for (size_t i = 0; t->columns[i].column != NULL && rc == 0; i++) {
		rc = has(db, t->from, t->columns[i].needs, &there, e);
		if (rc == -1 || there == 0)
			continue;
		buf_addf(
		    &to, "%s%s", to.len > 0 ? ", " : "", t->columns[i].column);
		buf_addf(&as, "%s%s", as.len > 0 ? ", " : "", t->columns[i].as);
	}
	buf_addf(&sql,
	    "INSERT OR IGNORE INTO %s (%s) SELECT %s FROM %s WHERE "
	    "%s ORDER BY rowid",
	    t->to, to.data, as.data, t->from, t->where);
	if (rc == 0)
		rc = run(db, sql.data, t->from, e);
	buf_free(&to);
	buf_free(&as);
	buf_free(&sql);
	return (rc);
}

int
store_v3_take(sqlite3 *db, struct err *e)
{
	int ended;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (sqlite3_create_function(db, functions[i].name,
			functions[i].args, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
			NULL, functions[i].fn, NULL, NULL) != SQLITE_OK)
			return (fail(db, e, functions[i].name));
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		if (take(db, &takes[i], e) == -1)
			return (-1);
	if (has(db, "commands", "finished_at", &ended, e) == -1)
		return (-1);
	return (ended == 0 ? 0 : store_v3_log_take(db, e));
}
