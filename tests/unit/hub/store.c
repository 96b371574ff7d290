#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "store.h"
#include "store_v3.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"

static char dir[64], path[96];

static int
setup(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof(dir), "/tmp/unit-store-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return (-1);
	snprintf(path, sizeof(path), "%s/nixfleet.db", dir);
	return (0);
}

static int
teardown(void **unused)
{
	(void)unused;
	return (file_rmtree(dir, NULL));
}

static struct store *
store_up(uv_loop_t *loop)
{
	struct store *s;
	struct err e;

	if (store_open(loop, &store_sqlite, path, &s, &e) == -1 ||
	    store_start(s, &e) == -1)
		fail_msg("%s", e.text);
	return (s);
}

static void
store_down(uv_loop_t *loop, struct store *s)
{
	store_close(&s);
	assert_null(s);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

struct seen {
	int puts, finds, bad;
	size_t rows;
	int64_t last_seq, trimmed;
	char text[64];
};

static void
on_put(void *cookie, const struct err *failed)
{
	struct seen *s = cookie;

	s->puts++;
	s->bad += failed != NULL;
}

static void
on_lines(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct seen *s = cookie;

	s->finds++;
	s->bad += failed != NULL;
	s->rows = n;
	for (size_t i = 0; i < n; i++) {
		const struct store_line *l = rows[i];

		assert_true(l->seq > s->last_seq);
		s->last_seq = l->seq;
		snprintf(s->text, sizeof(s->text), "%s", l->text);
	}
}

static void
wait_for(uv_loop_t *loop, const int *what, int n)
{
	int64_t end = tick_mono() + 10000;

	while (*what < n && tick_mono() < end)
		uv_run(loop, UV_RUN_ONCE);
	assert_int_equal(*what, n);
}

static char op_id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

static void
put_line(struct store *s, int64_t seq, char *text, struct seen *seen)
{
	struct store_line l = { op_id, seq, seq * 10,
	    (char *)(uintptr_t)"stdout", text };

	store_put(s, STORE_LINE, &l, 1, on_put, seen);
}

/* A find sees what was put before it, nothing answers inside the call, the
   same line again is one line. */
static void
test_lines(void **unused)
{
	struct store_query q = { .table = STORE_LINE, .id = op_id,
	    .after = 1, .limit = 2 };
	struct seen seen = { 0 };
	uv_loop_t loop;
	struct store *s;
	char text[] = "a line";

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	for (int i = 1; i <= 5; i++)
		put_line(s, i, text, &seen);
	put_line(s, 3, text, &seen);
	store_find(s, &q, on_lines, &seen);
	assert_int_equal(seen.puts + seen.finds, 0);
	wait_for(&loop, &seen.finds, 1);
	assert_int_equal(seen.puts, 6);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.last_seq, 3);
	assert_string_equal(seen.text, "a line");
	q.after = 3;
	q.limit = 0;
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 2);
	assert_int_equal(seen.last_seq, 5);
	assert_int_equal(seen.bad, 0);
	store_down(&loop, s);
}

static void
on_host(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct seen *s = cookie;
	const struct store_host *h;

	assert_null(failed);
	assert_int_equal(n, 1);
	h = rows[0];
	assert_string_equal(h->id, "h1");
	assert_string_equal(h->kind, "custom");
	assert_null(h->facts);
	assert_string_equal(h->comment, "");
	assert_int_equal(h->dialect, 4);
	assert_int_equal(h->token_state, 2);
	s->finds++;
}

/* Every column of every table exists and comes back as it went in. */
static void
test_round_trip(void **unused)
{
	uv_loop_t loop;
	struct store *s;
	struct seen seen = { 0 };
	struct store_host h = { .id = str_dup("h1"), .kind = str_dup("custom"),
	    .comment = str_dup(""), .dialect = 4, .token_state = 2 };
	struct store_query q = { .table = STORE_HOST, .id = "h1" };

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	store_put(s, STORE_HOST, &h, 1, on_put, &seen);
	store_find(s, &q, on_host, &seen);
	wait_for(&loop, &seen.finds, 1);
	store_drop(s, STORE_HOST, "h1", on_put, &seen);
	for (int t = 0; t < STORE_NTABLES; t++) {
		q = (struct store_query){ .table = t };
		store_find(s, &q, on_lines, &seen);
	}
	wait_for(&loop, &seen.finds, 1 + STORE_NTABLES);
	assert_int_equal(seen.bad, 0);
	assert_int_equal(seen.rows, 0);
	record_free(store_tables[STORE_HOST].fields,
	    store_tables[STORE_HOST].nfields, &h);
	store_down(&loop, s);
}

/* What a completion reported as stored is there after kill -9. */
static void
test_kill(void **unused)
{
	struct store_query q = { .table = STORE_LINE, .id = op_id };
	struct seen seen = { 0 };
	uv_loop_t loop;
	struct store *s;
	int p[2], status;
	int64_t n = 0, got;
	pid_t pid;

	(void)unused;
	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		char text[] = "kept";
		int64_t seq = 0;

		uv_loop_init(&loop);
		s = store_up(&loop);
		for (;;) {
			put_line(s, ++seq, text, &seen);
			wait_for(&loop, &seen.puts, (int)seq);
			if (write(p[1], &seq, sizeof(seq)) != sizeof(seq))
				_exit(1);
		}
	}
	close(p[1]);
	while (n < 50)
		assert_int_equal(read(p[0], &n, sizeof(n)), sizeof(n));
	kill(pid, SIGKILL);
	while (read(p[0], &got, sizeof(got)) == sizeof(got))
		n = got;
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	close(p[0]);
	uv_loop_init(&loop);
	s = store_up(&loop);
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 1);
	assert_true(seen.last_seq >= n);
	assert_string_equal(seen.text, "kept");
	store_down(&loop, s);
}

static void
sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int
on_v3_host(void *cookie, const void *row)
{
	const struct store_host *h = row;

	assert_string_equal(h->id, "gaia");
	assert_string_equal(h->location, "work");
	assert_int_equal(h->created_at, 1768830180123);
	assert_int_equal(h->token_state, 0);
	(*(int *)cookie)++;
	return (0);
}

/* Both forms of v3's times, with their zones; what is none is refused. */
static void
test_v3_time(void **unused)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "2026-01-19 13:43:00", 1768830180000 },
		{ "2026-01-19 13:43:00.123456789 +0000 UTC m=+12.3",
		    1768830180123 },
		{ "2026-01-19 14:43:00 +0100 CET", 1768830180000 },
		{ "2026-01-19 08:13:00.5 -0530 -0530", 1768830180500 },
		{ "2026-01-19T13:43:00Z", 1768830180000 },
		{ "2026-01-19T14:43:00+01:00", 1768830180000 },
		{ "2026-01-19", -1 }, { "", -1 }, { "yesterday, at noon or so",
		    -1 },
	};
	int64_t ms;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms = -1;
		assert_int_equal(store_v3_time(cases[i].text, &ms),
		    cases[i].ms == -1 ? -1 : 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

/* An early v3 lacks columns: its hosts are taken over, the rest is kept. */
static void
test_v3(void **unused)
{
	struct store_query q = { .table = STORE_HOST };
	struct store *s;
	uv_loop_t loop;
	struct err e;
	int n = 0;

	(void)unused;
	sql("CREATE TABLE hosts (id TEXT PRIMARY KEY, hostname TEXT UNIQUE"
	    " NOT NULL, host_type TEXT NOT NULL, agent_version TEXT,"
	    " os_version TEXT, nixpkgs_version TEXT, generation TEXT,"
	    " comment TEXT, theme_color TEXT, created_at DATETIME,"
	    " location TEXT, device_type TEXT);"
	    "CREATE TABLE sessions (id TEXT, csrf_token TEXT);"
	    "CREATE TABLE event_log (id INTEGER, message TEXT);"
	    "INSERT INTO hosts (id, hostname, host_type, location, created_at)"
	    " VALUES ('gaia', 'gaia', 'nixos', 'work',"
	    " '2026-01-19 13:43:00.123456789 +0000 UTC m=+12.3');"
	    "INSERT INTO event_log VALUES (1, 'kept')");
	uv_loop_init(&loop);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(store_open(&loop, &store_sqlite, path, &s,
		    &e), 0);
		assert_int_equal(store_load(s, &q, on_v3_host, &n, &e), 0);
		assert_int_equal(n, i);
		store_close(&s);
	}
	uv_loop_close(&loop);
	sql("SELECT message FROM event_log; SELECT * FROM v3_hosts");
}

/* Databases of a newer hub and files that are none are left alone. */
static void
test_refused(void **unused)
{
	struct store *s;
	uv_loop_t loop;
	struct err e;
	char rubbish[2000];

	(void)unused;
	uv_loop_init(&loop);
	sql("PRAGMA user_version = 99");
	assert_int_equal(store_open(&loop, &store_sqlite, path, &s, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_non_null(strstr(e.text, "newer"));
	assert_non_null(strstr(e.text, path));
	unlink(path);
	memset(rubbish, 'x', sizeof(rubbish));
	assert_int_equal(file_write(path, rubbish, sizeof(rubbish), 0600, &e),
	    0);
	assert_int_equal(store_open(&loop, &store_sqlite, path, &s, &e), -1);
	assert_int_equal(e.code, ERR_DAMAGED);
	uv_loop_close(&loop);
}

static void
on_more(void *cookie, const struct err *failed)
{
	struct { struct store *s; struct seen seen; } *c = cookie;
	char text[] = "late";

	assert_null(failed);
	put_line(c->s, 2, text, &c->seen);
}

/* Closing does all that is queued, and what that queues. */
static void
test_close(void **unused)
{
	struct { struct store *s; struct seen seen; } c = { 0 };
	struct store_line l = { op_id, 1, 1, (char *)(uintptr_t)"note", NULL };
	uv_loop_t loop;

	(void)unused;
	uv_loop_init(&loop);
	c.s = store_up(&loop);
	store_put(c.s, STORE_LINE, &l, 1, on_more, &c);
	store_down(&loop, c.s);
	assert_int_equal(c.seen.puts, 1);
	assert_int_equal(c.seen.bad, 0);
}

/* A store that cannot write says so, and health does not lie. */
static void
test_health(void **unused)
{
	struct seen seen = { 0 };
	uv_loop_t loop;
	struct store *s;
	struct err e;
	char text[] = "x";

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	put_line(s, 1, text, &seen);
	wait_for(&loop, &seen.puts, 1);
	assert_int_equal(store_health(s, 5000, &e), 0);
	sql("DROP TABLE lines");
	put_line(s, 2, text, &seen);
	wait_for(&loop, &seen.puts, 2);
	assert_int_equal(seen.bad, 1);
	assert_int_equal(store_health(s, 5000, &e), -1);
	assert_non_null(strstr(e.text, "lines"));
	store_down(&loop, s);
}

/* Old finished operations go with their lines; open and young ones stay. */
static void
test_retain(void **unused)
{
	struct store_query q = { .table = STORE_OPERATION };
	struct seen seen = { 0 };
	char id2[] = "01ARZ3NDEKTSV4RRFFQ69G5FAW", text[] = "x";
	char fin[] = "finished", run[] = "running";
	struct store_operation ops[] = {
		{ .id = op_id, .state = fin, .finished_at = 100 },
		{ .id = id2, .state = run, .finished_at = 0 },
	};
	uv_loop_t loop;
	struct store *s;

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	store_put(s, STORE_OPERATION, ops, 2, on_put, &seen);
	put_line(s, 1, text, &seen);
	store_retain(s, 100, on_put, &seen);
	q = (struct store_query){ .table = STORE_LINE, .id = op_id };
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 1);
	assert_int_equal(seen.rows, 1);
	store_retain(s, 101, on_put, &seen);
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 2);
	assert_int_equal(seen.rows, 0);
	assert_int_equal(seen.bad, 0);
	store_down(&loop, s);
}

static void
on_trimmed(void *cookie, int64_t bytes, const struct err *failed)
{
	struct seen *s = cookie;

	s->puts++;
	s->bad += failed != NULL;
	s->trimmed = bytes;
}

/* The oldest lines behind the head go until enough is gone; one line in their
   place says how many, and the next time it goes with them and is counted. */
static void
test_trim(void **unused)
{
	struct store_query q = { .table = STORE_LINE, .id = op_id, .after = 3 };
	struct store_trim what = { .op_id = op_id, .words = "gone",
	    .after = 3, .bytes = 2 * (STORE_LINE_COST + 10) };
	struct seen seen = { 0 };
	char text[] = "0123456789";
	uv_loop_t loop;
	struct store *s;

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	for (int i = 1; i <= 9; i++)
		put_line(s, i, text, &seen);
	store_trim(s, &what, on_trimmed, &seen);
	q.limit = 1;
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 1);
	assert_int_equal(seen.trimmed, STORE_LINE_COST + 20 - 6);
	assert_int_equal(seen.last_seq, 5);
	assert_string_equal(seen.text, "2 gone");
	store_trim(s, &what, on_trimmed, &seen);
	seen.last_seq = 0;
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 2);
	assert_int_equal(seen.last_seq, 7);
	assert_string_equal(seen.text, "4 gone");
	what.after = 9;
	store_trim(s, &what, on_trimmed, &seen);
	wait_for(&loop, &seen.puts, 12);
	assert_int_equal(seen.trimmed, 0);
	q = (struct store_query){ .table = STORE_LINE, .id = op_id };
	seen.last_seq = 0;
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 3);
	assert_int_equal(seen.rows, 6);
	assert_int_equal(seen.bad, 0);
	store_down(&loop, s);
}

struct order {
	int n, put, retained;
};

static void
on_put_order(void *cookie, const struct err *failed)
{
	struct order *o = cookie;

	assert_null(failed);
	o->put = ++o->n;
}

static void
on_retain_order(void *cookie, const struct err *failed)
{
	struct order *o = cookie;

	assert_null(failed);
	o->retained = ++o->n;
}

/* However much is old, one call removes it all, and what is asked for
   meanwhile does not wait for the end of it. */
static void
test_retain_much(void **unused)
{
	struct store_query q = { .table = STORE_OPERATION };
	struct store_operation *ops = str_alloc(1000 * sizeof(*ops));
	struct seen seen = { 0 };
	struct order o = { 0 };
	char fin[] = "finished", (*ids)[ULID_LEN + 1] = str_alloc(1000 *
	    sizeof(*ids));
	uv_loop_t loop;
	struct store *s;

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	for (int i = 0; i < 1000; i++) {
		ulid_make(ids[i]);
		ops[i].id = ids[i];
		ops[i].state = fin;
		ops[i].finished_at = 1;
	}
	store_put(s, STORE_OPERATION, ops, 1000, NULL, NULL);
	store_retain(s, 2, on_retain_order, &o);
	store_put(s, STORE_OPERATION, NULL, 0, on_put_order, &o);
	wait_for(&loop, &o.n, 2);
	assert_true(o.put < o.retained);
	store_find(s, &q, on_lines, &seen);
	wait_for(&loop, &seen.finds, 1);
	assert_int_equal(seen.rows, 0);
	store_down(&loop, s);
	free(ops);
	free(ids);
}

/* Where much is asked for in one turn of the loop, it does not wait for its
   end, and completions that are due run without one. */
static void
test_turn(void **unused)
{
	int64_t end = tick_mono() + 10000;
	struct seen seen = { 0 };
	uv_loop_t loop;
	struct store *s;
	char text[] = "x";

	(void)unused;
	uv_loop_init(&loop);
	s = store_up(&loop);
	for (int i = 1; i <= 1000; i++)
		put_line(s, i, text, &seen);
	while (seen.puts < 1000 && tick_mono() < end)
		store_turn(s);
	assert_int_equal(seen.puts, 1000);
	store_down(&loop, s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lines), T(test_round_trip), T(test_kill),
		T(test_v3_time), T(test_v3),
		T(test_refused), T(test_close), T(test_health), T(test_trim),
		T(test_retain),
		T(test_retain_much), T(test_turn),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
