#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"

#include "journal.h"

#define RESERVE (64 * 1024)
#define FILE_MAX (1024 * 1024)
#define PROGRESS_SIZE 1024
#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

struct journal {
	char *dir;
};

#define REQ(m, t, f) RECORD_ROW(journal_request, m, t, f)
static const struct record_field request_fields[] = {
	REQ(op_id, RECORD_STR, RECORD_REQ),
	REQ(op, RECORD_STR, RECORD_REQ),
	REQ(args, RECORD_JSON, RECORD_OMIT),
	REQ(by, RECORD_STR, 0),
	REQ(origin, RECORD_STR, RECORD_REQ),
	REQ(dialect, RECORD_INT, 0),
	REQ(deadline_s, RECORD_INT, RECORD_REQ),
	REQ(accepted_at, RECORD_INT, RECORD_REQ),
};

/* The first PUBLIC_FIELDS rows are what journal_result_json shows. */
#define RES(m, t, f) RECORD_ROW(journal_result, m, t, f)
static const struct record_field result_fields[] = {
	RES(op_id, RECORD_STR, RECORD_REQ),
	RES(op, RECORD_STR, RECORD_REQ),
	RES(by, RECORD_STR, 0),
	{ "outcome", RECORD_STR, RECORD_NULL,
	    offsetof(struct journal_result, outcome), names_outcomes },
	RES(exit_code, RECORD_INT, RECORD_NULL),
	RES(message, RECORD_STR, RECORD_NULL),
	RES(generation, RECORD_STR, RECORD_NULL),
	RES(accepted_at, RECORD_STR, RECORD_NULL),
	RES(started_at, RECORD_STR, RECORD_NULL),
	RES(finished_at, RECORD_STR, RECORD_NULL),
	RES(phases, RECORD_JSON, 0),
	RES(changes, RECORD_JSON, 0),
	RES(origin, RECORD_STR, 0),
#define PUBLIC_FIELDS 13
	RES(warning, RECORD_BOOL, RECORD_OMIT),
	RES(transient, RECORD_BOOL, RECORD_OMIT),
	RES(last_seq, RECORD_INT, 0),
	RES(compartments, RECORD_JSON, RECORD_OMIT),
	RES(repo, RECORD_JSON, RECORD_OMIT),
	RES(verified, RECORD_STR, RECORD_OMIT),
};

#define PRO(m, t, f) RECORD_ROW(journal_progress, m, t, f)
static const struct record_field progress_fields[] = {
	PRO(phase, RECORD_STR, RECORD_REQ),
	PRO(done, RECORD_INT, 0),
	PRO(expected, RECORD_INT, 0),
	PRO(text, RECORD_STR, 0),
};

int
journal_open(const char *state_dir, struct journal **out, struct err *e)
{
	struct journal *j;
	char *dir = file_join(state_dir, "ops");

	if (file_mkdirs(dir, 0700, e) == -1) {
		free(dir);
		return (-1);
	}
	j = str_alloc(sizeof(*j));
	j->dir = dir;
	*out = j;
	return (0);
}

void
journal_free(struct journal **jp)
{

	if (*jp == NULL)
		return;
	free((*jp)->dir);
	free(*jp);
	*jp = NULL;
}

char *
journal_dir(const struct journal *j, const char *op_id)
{

	return (file_join(j->dir, op_id));
}

static char *
path_of(const struct journal *j, const char *op_id, const char *name)
{

	return (str_printf("%s/%s/%s", j->dir, op_id, name));
}

static int
store(const struct journal *j, const char *op_id, const char *name,
    const struct record_field *fields, size_t n, const void *in, struct err *e)
{
	char *path = path_of(j, op_id, name);
	int rc = record_write(path, 0600, fields, n, in, e);

	free(path);
	return (rc);
}

static int
load(const struct journal *j, const char *op_id, const char *name,
    const struct record_field *fields, size_t n, void *out, struct err *e)
{
	char *path = path_of(j, op_id, name);
	int rc = record_read(path, FILE_MAX, fields, n, out, e);

	free(path);
	return (rc);
}

/* Room for the result on a disk that the operation itself has filled. */
static int
reserve(const struct journal *j, const char *op_id, struct err *e)
{
	static const char room[RESERVE];
	char *path = path_of(j, op_id, "reserve");
	int rc = file_write(path, room, sizeof(room), 0600, e);

	free(path);
	return (rc);
}

int
journal_add(struct journal *j, const struct journal_request *req,
    struct err *e)
{
	char *dir = journal_dir(j, req->op_id);
	char *file = path_of(j, req->op_id, "request.json");
	int rc = -1;

	if (file_exists(file)) {
		err_set(e, ERR_BUSY, "operation %s is known", req->op_id);
		goto out;
	}
	if (file_mkdirs(dir, 0700, e) == -1)
		goto out;
	if (reserve(j, req->op_id, e) == -1 ||
	    store(j, req->op_id, "request.json", request_fields,
	    NELEM(request_fields), req, e) == -1 ||
	    file_sync_dir(dir, e) == -1) {
		/* What is left has no request and is pruned as such. */
		goto out;
	}
	rc = 0;
out:
	free(file);
	free(dir);
	return (rc);
}

int
journal_request(const struct journal *j, const char *op_id,
    struct journal_request *req, struct err *e)
{

	return (load(j, op_id, "request.json", request_fields,
	    NELEM(request_fields), req, e));
}

void
journal_request_free(struct journal_request *req)
{

	record_free(request_fields, NELEM(request_fields), req);
}

void
journal_result_init(const struct journal_request *req,
    struct journal_result *res)
{
	char at[TICK_TEXT];

	memset(res, 0, sizeof(*res));
	res->op_id = str_dup(req->op_id);
	res->op = str_dup(req->op);
	res->by = str_dup(req->by);
	res->origin = str_dup(req->origin);
	res->exit_code = RECORD_NONE;
	res->accepted_at = str_dup(tick_text(req->accepted_at, at));
}

int
journal_finish(struct journal *j, const struct journal_result *res,
    struct err *e)
{
	char *path = path_of(j, res->op_id, "reserve");

	(void)unlink(path);
	free(path);
	return (store(j, res->op_id, "result.json", result_fields,
	    NELEM(result_fields), res, e));
}

int
journal_result(const struct journal *j, const char *op_id,
    struct journal_result *res, struct err *e)
{

	return (load(j, op_id, "result.json", result_fields,
	    NELEM(result_fields), res, e));
}

void
journal_result_free(struct journal_result *res)
{

	record_free(result_fields, NELEM(result_fields), res);
}

json_t *
journal_result_json(const struct journal_result *res)
{

	return (record_encode(result_fields, PUBLIC_FIELDS, res));
}

int
journal_start(struct journal *j, const char *op_id, int64_t now,
    struct err *e)
{
	char *path = path_of(j, op_id, "started");
	char at[TICK_TEXT];
	int rc = 0;

	tick_text(now, at);
	if (!file_exists(path))
		rc = file_write(path, at, strlen(at), 0600, e);
	free(path);
	return (rc);
}

/* When it began, or NULL. */
static char *
started(const struct journal *j, const char *op_id)
{
	char *path = path_of(j, op_id, "started");
	struct buf text = { 0 };
	int64_t ms;

	if (file_read(path, TICK_TEXT, &text, NULL) == -1 ||
	    text.len == 0 || tick_parse(text.data, &ms) == -1)
		buf_free(&text);
	free(path);
	return (text.len > 0 ? buf_take(&text) : NULL);
}

int
journal_summary(const struct journal *j, const char *op_id,
    struct journal_result *res, struct err *e)
{
	struct journal_request req;

	if (journal_result(j, op_id, res, e) == 0)
		return (0);
	if (journal_request(j, op_id, &req, e) == -1)
		return (-1);
	journal_result_init(&req, res);
	res->started_at = started(j, op_id);
	journal_request_free(&req);
	return (0);
}

bool
journal_progress(const struct journal *j, const char *op_id,
    struct journal_progress *p)
{

	return (load(j, op_id, "progress.json", progress_fields,
	    NELEM(progress_fields), p, NULL) == 0);
}

void
journal_progress_free(struct journal_progress *p)
{

	record_free(progress_fields, NELEM(progress_fields), p);
}

/*
 * One write of always the same size over the old record: it needs no flush
 * and no second file, and a reader that comes in between reads again.
 */
void
journal_progress_set(struct journal *j, const char *op_id,
    const struct journal_progress *p)
{
	char block[PROGRESS_SIZE];
	char *path, *text;
	json_t *obj;
	size_t n;
	int fd;

	obj = record_encode(progress_fields, NELEM(progress_fields), p);
	text = json_dumps(obj, JSON_COMPACT);
	json_decref(obj);
	path = path_of(j, op_id, "progress.json");
	n = strlen(text);
	if (n < sizeof(block) && (fd = open(path,
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != -1) {
		memset(block, ' ', sizeof(block));
		memcpy(block, text, n);
		block[sizeof(block) - 1] = '\n';
		(void)file_write_all(fd, block, sizeof(block));
		close(fd);
	}
	free(text);
	free(path);
}

int
journal_ack(struct journal *j, const char *op_id, struct err *e)
{
	char *path = path_of(j, op_id, "acked");
	int rc = 0;

	if (!file_exists(path))
		rc = file_write(path, "", 0, 0600, e);
	free(path);
	return (rc);
}

bool
journal_acked(const struct journal *j, const char *op_id)
{
	char *path = path_of(j, op_id, "acked");
	bool there = file_exists(path);

	free(path);
	return (there);
}

void
journal_unack(struct journal *j, const char *op_id)
{
	char *path = path_of(j, op_id, "acked");

	(void)unlink(path);
	free(path);
}

int64_t
journal_sent(const struct journal *j, const char *op_id)
{
	char *path = path_of(j, op_id, "sent");
	struct buf text = { 0 };
	int64_t seq = 0;

	if (file_read(path, 32, &text, NULL) == 0 && text.len > 0)
		(void)str_int(str_trim(text.data), 0, INT64_MAX, &seq);
	buf_free(&text);
	free(path);
	return (seq);
}

/* A hint that saves sending again; losing it does no harm: no flush. */
void
journal_sent_set(struct journal *j, const char *op_id, int64_t seq)
{
	char *path = path_of(j, op_id, "sent");
	char text[32];
	int fd, n;

	n = snprintf(text, sizeof(text), "%-20" PRId64 "\n", seq);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != -1) {
		(void)file_write_all(fd, text, (size_t)n);
		close(fd);
	}
	free(path);
}

int
journal_list(const struct journal *j, char ***out, size_t *nout,
    struct err *e)
{
	struct dirent *d;
	char **ids = NULL;
	size_t n = 0;
	DIR *dir;

	if ((dir = opendir(j->dir)) == NULL)
		return (err_sys(e, "read %s", j->dir));
	while ((d = readdir(dir)) != NULL) {
		if (!ulid_valid(d->d_name))
			continue;
		if ((n & (n - 1)) == 0) {
			ids = realloc(ids, (n == 0 ? 1 : 2 * n) *
			    sizeof(*ids));
			if (ids == NULL)
				abort();
		}
		ids[n++] = str_dup(d->d_name);
	}
	closedir(dir);
	if (n > 0)
		qsort(ids, n, sizeof(*ids), str_order);
	*out = ids;
	*nout = n;
	return (0);
}

void
journal_list_free(char **ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

/* May an operation be forgotten? */
static bool
prunable(const struct journal *j, const char *op_id)
{
	struct journal_request req;
	struct err e = { 0 };
	char *result;
	bool over, hub;

	if (journal_request(j, op_id, &req, &e) == -1)
		return (e.code == ERR_NOTFOUND || e.code == ERR_DAMAGED);
	hub = str_eq(req.origin, "hub");
	journal_request_free(&req);
	result = path_of(j, op_id, "result.json");
	over = file_exists(result);
	free(result);
	return (over && (!hub || journal_acked(j, op_id)));
}

int
journal_prune(struct journal *j, size_t keep, struct err *e)
{
	char **ids, *dir;
	size_t n, i;
	int rc = 0;

	if (journal_list(j, &ids, &n, e) == -1)
		return (-1);
	for (i = 0; i + keep < n; i++) {
		if (!prunable(j, ids[i]))
			continue;
		dir = journal_dir(j, ids[i]);
		if (file_rmtree(dir, e) == -1)
			rc = -1;
		free(dir);
	}
	journal_list_free(ids, n);
	return (rc);
}
