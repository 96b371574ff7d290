#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "names.h"
#include "store.h"
#include "store_v3_log.h"
#include "tick.h"
#include "utf8.h"

#define DAY 86400
/* "2026-01-19T13-43-00", and "[13:43:00] ". */
#define NAME_TIME  19
#define STAMP	   11
#define ERROR_MARK "[ERR] "

#define TEXT(x)	   TEXT_OF(x)
#define TEXT_OF(x) #x
#define COST	   TEXT(STORE_LINE_COST)

/*
 * Times by the v3 hub's clock, whose zone only the commands tell.  One without
 * an end is over when the next begins, or after a day.
 */
#define BEGIN                                                                  \
	"CREATE TEMP TABLE v3_runs AS SELECT host_id AS host,"                 \
	" v3_ulid(v3_time(created_at), rowid) AS run,"                         \
	" CAST(strftime('%s', substr(created_at, 1, 19)) AS INTEGER) AS wall," \
	" v3_time(created_at) / 1000 AS at,"                                   \
	" coalesce(v3_time(finished_at) / 1000 - v3_time(created_at) / 1000,"  \
	" 86400) AS takes FROM commands"                                       \
	" WHERE v3_host(host_id) AND v3_time(created_at) IS NOT NULL;"         \
	"CREATE INDEX temp.v3_runs_wall ON v3_runs (host, wall);"              \
	"CREATE TEMP TABLE v3_seqs (run TEXT PRIMARY KEY, seq INTEGER);"
#define FIND                                                                   \
	"SELECT run, at + ?2 - wall, ?2 - wall <= takes FROM v3_runs"          \
	" WHERE host = ?1 AND wall <= ?2 ORDER BY wall DESC, run DESC LIMIT 1"
#define NEXT                                                                   \
	"INSERT INTO v3_seqs VALUES (?1, 1)"                                   \
	" ON CONFLICT (run) DO UPDATE SET seq = seq + 1 RETURNING seq"
#define KEEP                                                                   \
	"INSERT INTO lines (op_id, seq, ts, stream, text)"                     \
	" VALUES (?1, ?2, ?3, ?4, ?5)"
#define END                                                                    \
	"UPDATE operations SET lines = seq, last_seq = seq, bytes ="           \
	" (SELECT sum(length(CAST(text AS BLOB)) + " COST ") FROM lines"       \
	" WHERE op_id = run) FROM v3_seqs WHERE id = run;"                     \
	"DROP TABLE v3_seqs; DROP TABLE v3_runs;"

struct taker {
	sqlite3 *db;
	sqlite3_stmt *find, *next, *keep;
	struct buf clean;
	const char *host;
	int64_t midnight; /* of the line before; as if in UTC */
	int second;
};

static int
fail(const struct taker *t, struct err *e)
{
	return (err_set(e,
	    sqlite3_errcode(t->db) == SQLITE_FULL ? ERR_NOSPACE : ERR_SYS,
	    "NixFleet v3's logs: %s", sqlite3_errmsg(t->db)));
}

static int
two(const char *s, int max)
{
	int n;

	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return (-1);
	n = (s[0] - '0') * 10 + s[1] - '0';
	return (n > max ? -1 : n);
}

int
store_v3_log_line(const char *s, size_t len, struct store_v3_line *l)
{
	int h, m, sec;

	if (len < STAMP || s[0] != '[' || s[3] != ':' || s[6] != ':' ||
	    s[9] != ']' || s[10] != ' ')
		return (-1);
	h = two(s + 1, 23);
	m = two(s + 4, 59);
	sec = two(s + 7, 59);
	if (h == -1 || m == -1 || sec == -1)
		return (-1);
	l->second = (h * 60 + m) * 60 + sec;
	l->text = s + STAMP;
	l->len = len - STAMP;
	l->error = l->len >= sizeof(ERROR_MARK) - 1 &&
	    memcmp(l->text, ERROR_MARK, sizeof(ERROR_MARK) - 1) == 0;
	if (l->error) {
		l->text += sizeof(ERROR_MARK) - 1;
		l->len -= sizeof(ERROR_MARK) - 1;
	}
	return (0);
}

int
store_v3_log_start(const char *name, int64_t *out)
{
	char text[NAME_TIME + 2];
	int64_t ms;

	if (strlen(name) <= NAME_TIME || name[NAME_TIME] != '-')
		return (-1);
	memcpy(text, name, NAME_TIME);
	memcpy(text + NAME_TIME, "Z", 2);
	if (text[13] != '-' || text[16] != '-')
		return (-1);
	text[13] = text[16] = ':';
	if (tick_parse(text, &ms) == -1)
		return (-1);
	*out = ms / 1000;
	return (0);
}

/* The next number in that operation's output. */
static int
number(struct taker *t, const char *op, int64_t *seq, struct err *e)
{
	int rc;

	sqlite3_bind_text(t->next, 1, op, -1, SQLITE_STATIC);
	if ((rc = sqlite3_step(t->next)) == SQLITE_ROW)
		*seq = sqlite3_column_int64(t->next, 0);
	sqlite3_reset(t->next);
	return (rc == SQLITE_ROW ? 0 : fail(t, e));
}

static int
keep(struct taker *t, const char *op, int64_t at, const struct store_v3_line *l,
    struct err *e)
{
	int64_t seq = 0;
	int rc;

	if (number(t, op, &seq, e) == -1)
		return (-1);
	buf_clear(&t->clean);
	utf8_clean(&t->clean, l->text, l->len);
	sqlite3_bind_text(t->keep, 1, op, -1, SQLITE_STATIC);
	sqlite3_bind_int64(t->keep, 2, seq);
	sqlite3_bind_int64(t->keep, 3, at * 1000);
	sqlite3_bind_text(t->keep, 4,
	    names_stream(l->error ? STREAM_STDERR : STREAM_STDOUT), -1,
	    SQLITE_STATIC);
	sqlite3_bind_text(t->keep, 5, t->clean.len == 0 ? "" : t->clean.data,
	    (int)t->clean.len, SQLITE_STATIC);
	rc = sqlite3_step(t->keep);
	sqlite3_reset(t->keep);
	return (rc == SQLITE_DONE ? 0 : fail(t, e));
}

/* Files go over midnight, and say the time of day only. */
static int
take_line(struct taker *t, const struct store_v3_line *l, struct err *e)
{
	const char *op;
	int rc, out = 0;

	if (l->second < t->second)
		t->midnight += DAY;
	t->second = l->second;
	sqlite3_bind_text(t->find, 1, t->host, -1, SQLITE_STATIC);
	sqlite3_bind_int64(t->find, 2, t->midnight + t->second);
	if ((rc = sqlite3_step(t->find)) == SQLITE_ROW &&
	    sqlite3_column_int(t->find, 2) != 0 &&
	    (op = (const char *)sqlite3_column_text(t->find, 0)) != NULL)
		out = keep(t, op, sqlite3_column_int64(t->find, 1), l, e);
	sqlite3_reset(t->find);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? out : fail(t, e));
}

static int
take_file(struct taker *t, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	struct store_v3_line l;
	size_t size = 0;
	char *line = NULL;
	ssize_t n;
	int rc = 0;

	if (f == NULL)
		return (err_sys(e, "NixFleet v3's logs: %s", path));
	while (rc == 0 && (n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (store_v3_log_line(line, (size_t)n, &l) == 0)
			rc = take_line(t, &l, e);
	}
	if (rc == 0 && ferror(f))
		rc = err_sys(e, "NixFleet v3's logs: read %s", path);
	free(line);
	fclose(f);
	return (rc);
}

/* A host's files, the oldest first. */
static int
take_host(struct taker *t, const char *dir, struct err *e)
{
	struct dirent **files;
	int64_t start;
	int n = scandir(dir, &files, NULL, alphasort), rc = 0;

	if (n == -1 && errno != ENOTDIR)
		return (err_sys(e, "NixFleet v3's logs: %s", dir));
	for (int i = 0; i < n; i++) {
		char *path = file_join(dir, files[i]->d_name);
		struct stat st;

		if (rc == 0 &&
		    store_v3_log_start(files[i]->d_name, &start) == 0 &&
		    lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			t->second = (int)(start % DAY);
			t->midnight = start - t->second;
			rc = take_file(t, path, e);
		}
		free(path);
		free(files[i]);
	}
	if (n >= 0)
		free(files);
	return (rc);
}

static int
take_all(struct taker *t, const char *top, struct err *e)
{
	struct dirent **hosts;
	struct err bad;
	int n = scandir(top, &hosts, NULL, alphasort), rc = 0;

	if (n == -1 && errno != ENOENT)
		return (err_sys(e, "NixFleet v3's logs: %s", top));
	for (int i = 0; i < n; i++) {
		t->host = hosts[i]->d_name;
		if (rc == 0 && names_hostname_check(t->host, &bad) == 0) {
			char *dir = file_join(top, t->host);

			rc = take_host(t, dir, e);
			free(dir);
		}
		free(hosts[i]);
	}
	if (n >= 0)
		free(hosts);
	return (rc);
}

int
store_v3_log_take(sqlite3 *db, struct err *e)
{
	char *dir = file_dirname(sqlite3_db_filename(db, "main"));
	char *top = file_join(dir, "logs");
	struct taker t = { .db = db };
	int rc = -1;

	if (sqlite3_exec(db, BEGIN, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, FIND, -1, &t.find, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, NEXT, -1, &t.next, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, KEEP, -1, &t.keep, NULL) != SQLITE_OK)
		fail(&t, e);
	else
		rc = take_all(&t, top, e);
	sqlite3_finalize(t.find);
	sqlite3_finalize(t.next);
	sqlite3_finalize(t.keep);
	if (rc == 0 && sqlite3_exec(db, END, NULL, NULL, NULL) != SQLITE_OK)
		rc = fail(&t, e);
	buf_free(&t.clean);
	free(top);
	free(dir);
	return (rc);
}
