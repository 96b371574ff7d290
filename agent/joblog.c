#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#include "joblog.h"

#define LAST_BLOCK 65536

struct joblog {
	char *dir;
	int fd;			/* log */
	int tail_fd;		/* -1: nothing was kept aside yet */
	int64_t size;		/* of log */
	int64_t seq;		/* newest record in log */
	int64_t virtual_seq;	/* newest, counting those set aside */
	int64_t tail_no;	/* number of the side file being written */
	int64_t tail_size;
	int64_t head_max, tail_max;
	struct buf line;
	struct err failure;
};

/* A decimal number at *${p}; moves *${p} behind it. */
static int
number(const char **p, const char *end, int64_t *out)
{
	int64_t v = 0;
	const char *q = *p;

	while (q < end && isdigit((unsigned char)*q)) {
		if (v > (INT64_MAX - 9) / 10)
			return (-1);
		v = v * 10 + (*q++ - '0');
	}
	if (q == *p || q == end || *q != ' ')
		return (-1);
	*p = q + 1;
	*out = v;
	return (0);
}

int
joblog_parse(const char *line, size_t len, struct joblog_record *rec)
{
	struct joblog_record r;
	const char *p = line, *end = line + len;
	int stream;

	if (number(&p, end, &r.seq) == -1 || r.seq < 1 ||
	    number(&p, end, &r.ts) == -1)
		return (-1);
	if (end - p < 2 || p[1] != ' ' ||
	    (stream = names_stream_of_letter(p[0])) == -1)
		return (-1);
	r.stream = (enum log_stream)stream;
	r.text = p + 2;
	r.len = (size_t)(end - r.text);
	if (!utf8_valid(r.text, r.len))
		return (-1);
	*rec = r;
	return (0);
}

/* The newest record of a file whose last line is whole; 0 if there is none. */
static int64_t
last_seq(int fd, int64_t size)
{
	struct joblog_record rec;
	char *block, *nl, *start;
	int64_t seq = 0;
	size_t n;
	ssize_t got;

	n = size < LAST_BLOCK ? (size_t)size : LAST_BLOCK;
	block = str_alloc(n + 1);
	got = pread(fd, block, n, size - (int64_t)n);
	while (seq == 0 && got > 0) {
		got--;
		nl = memrchr(block, '\n', (size_t)got);
		start = nl != NULL ? nl + 1 : block;
		if (joblog_parse(start, (size_t)(block + got - start),
		    &rec) == 0)
			seq = rec.seq;
		got = start - block;
	}
	free(block);
	return (seq);
}

/* Cut half a line off the end. */
static int
repair(struct joblog *log, struct err *e)
{
	char block[4096];
	const char *nl = NULL;
	struct stat st;
	int64_t end, n;

	if (fstat(log->fd, &st) == -1)
		return (err_sys(e, "stat %s/log", log->dir));
	for (end = st.st_size; end > 0 && nl == NULL; end -= n) {
		n = end < (int64_t)sizeof(block) ? end :
		    (int64_t)sizeof(block);
		if (pread(log->fd, block, (size_t)n, end - n) != n)
			return (err_sys(e, "read %s/log", log->dir));
		if ((nl = memrchr(block, '\n', (size_t)n)) != NULL) {
			end = end - n + (nl - block) + 1;
			break;
		}
	}
	if (end != st.st_size && ftruncate(log->fd, end) == -1)
		return (err_sys(e, "truncate %s/log", log->dir));
	log->size = end;
	log->seq = last_seq(log->fd, end);
	return (0);
}

static char *
tail_path(const struct joblog *log, int64_t no)
{

	return (str_printf("%s/tail.%" PRId64, log->dir, no));
}

/* Take up the side files that a dead writer left. */
static int
tail_find(struct joblog *log, struct err *e)
{
	struct dirent *d;
	struct stat st;
	char *path;
	int64_t no, seq;
	DIR *dir;
	int fd;

	if ((dir = opendir(log->dir)) == NULL)
		return (err_sys(e, "read %s", log->dir));
	while ((d = readdir(dir)) != NULL)
		if (str_prefix(d->d_name, "tail.") &&
		    str_int(d->d_name + 5, 1, INT32_MAX, &no) == 0 &&
		    no > log->tail_no)
			log->tail_no = no;
	closedir(dir);
	path = tail_path(log, log->tail_no);
	if (log->tail_no > 0 &&
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		if (fstat(fd, &st) == 0 &&
		    (seq = last_seq(fd, st.st_size)) > log->virtual_seq)
			log->virtual_seq = seq;
		close(fd);
	}
	free(path);
	return (0);
}

int
joblog_open(const char *dir, struct joblog **out, struct err *e)
{
	struct joblog *log = str_alloc(sizeof(*log));
	char *path = file_join(dir, "log");

	log->dir = str_dup(dir);
	log->tail_fd = -1;
	log->head_max = JOBLOG_HEAD;
	log->tail_max = JOBLOG_TAIL;
	if ((log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
	    0600)) == -1) {
		err_sys(e, "open %s", path);
		goto err1;
	}
	if (repair(log, e) == -1)
		goto err2;
	log->virtual_seq = log->seq;
	if (tail_find(log, e) == -1)
		goto err2;
	free(path);
	*out = log;
	return (0);

err2:
	close(log->fd);
err1:
	free(path);
	free(log->dir);
	free(log);
	return (-1);
}

void
joblog_limits(struct joblog *log, int64_t head, int64_t tail)
{

	log->head_max = head;
	log->tail_max = tail;
}

static void
put(struct joblog *log, int fd, int64_t *size)
{

	if (file_write_all(fd, log->line.data, log->line.len) == -1) {
		err_sys(&log->failure, "write the log in %s", log->dir);
		return;
	}
	*size += (int64_t)log->line.len;
}

/* Start the next side file; only the one before it is kept beside it. */
static void
tail_next(struct joblog *log)
{
	char *path;

	if (log->tail_fd != -1)
		close(log->tail_fd);
	path = tail_path(log, log->tail_no - 1);
	(void)unlink(path);
	free(path);
	path = tail_path(log, ++log->tail_no);
	log->tail_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (log->tail_fd == -1)
		err_sys(&log->failure, "open %s", path);
	log->tail_size = 0;
	free(path);
}

/* Append the cleaned text to the line being made. */
static void
clean(struct buf *line, const char *text, size_t len)
{
	size_t from = line->len, to = from, i;
	const unsigned char *p;

	utf8_clean(line, text, len);
	for (i = from; i < line->len; i++) {
		p = (const unsigned char *)line->data + i;
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			i++;	/* U+0080 to U+009F */
		else if ((p[0] >= 0x20 && p[0] != 0x7f) || p[0] == '\t' ||
		    p[0] == 0x1b)
			line->data[to++] = (char)p[0];
	}
	line->len = to;
}

static void
format(struct joblog *log, int64_t seq, int64_t ts, enum log_stream stream,
    const char *text, size_t len)
{

	buf_clear(&log->line);
	buf_addf(&log->line, "%" PRId64 " %" PRId64 " %c ", seq, ts,
	    names_stream_letter(stream));
	clean(&log->line, text, len);
	buf_add(&log->line, "\n", 1);
}

static void
append(struct joblog *log, int64_t ts, enum log_stream stream,
    const char *text, size_t len)
{

	format(log, log->seq + 1, ts, stream, text, len);
	put(log, log->fd, &log->size);
	log->seq++;
}

static void
set_aside(struct joblog *log, enum log_stream stream, const char *text,
    size_t len)
{

	if (log->tail_fd == -1 || log->tail_size > log->tail_max / 2)
		tail_next(log);
	if (log->failure.code != ERR_NONE)
		return;
	format(log, log->virtual_seq + 1, tick_wall(), stream, text, len);
	put(log, log->tail_fd, &log->tail_size);
}

void
joblog_add(struct joblog *log, enum log_stream stream, const char *text,
    size_t len)
{
	char note[160];

	if (log->failure.code != ERR_NONE)
		return;
	if (log->size < log->head_max) {
		append(log, tick_wall(), stream, text, len);
		log->virtual_seq = log->seq;
		return;
	}
	if (log->tail_no == 0) {
		snprintf(note, sizeof(note), "the log has reached %" PRId64
		    " MiB: what follows is kept aside, its end is appended "
		    "when the operation is over", log->size >> 20);
		append(log, tick_wall(), STREAM_NOTE, note, strlen(note));
		log->virtual_seq = log->seq;
	}
	set_aside(log, stream, text, len);
	log->virtual_seq++;
}

void
joblog_note(struct joblog *log, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 1)
		n = (int)sizeof(text) - 1;
	if (n >= 0)
		joblog_add(log, STREAM_NOTE, text, (size_t)n);
}

int64_t
joblog_last(const struct joblog *log)
{

	return (log->seq);
}

/* Append one side file to the log; the first record tells what is missing. */
static void
join_one(struct joblog *log, int64_t no, bool *first)
{
	struct joblog_record rec;
	char *path = tail_path(log, no), *line = NULL;
	char note[96];
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	if ((f = fopen(path, "re")) != NULL) {
		while ((n = getline(&line, &cap, f)) > 0 &&
		    line[n - 1] == '\n') {
			if (joblog_parse(line, (size_t)n - 1, &rec) == -1)
				continue;
			if (*first && rec.seq > log->seq + 1) {
				snprintf(note, sizeof(note), "%" PRId64
				    " lines were cut here",
				    rec.seq - log->seq - 1);
				append(log, rec.ts, STREAM_NOTE, note,
				    strlen(note));
			}
			*first = false;
			append(log, rec.ts, rec.stream, rec.text, rec.len);
		}
		fclose(f);
		free(line);
	}
	(void)unlink(path);
	free(path);
}

/*
 * Numbers are without gaps and the last one is in the file, whatever could
 * not be written.
 */
static void
own_up(struct joblog *log)
{
	char note[ERR_TEXT + 64];
	struct err e;

	snprintf(note, sizeof(note), "lines are missing here: %s",
	    log->failure.text);
	if (repair(log, &e) == -1)
		return;
	err_clear(&log->failure);
	append(log, tick_wall(), STREAM_NOTE, note, strlen(note));
	if (log->failure.code != ERR_NONE)
		(void)!repair(log, &e);
}

int
joblog_close(struct joblog **logp, int64_t *last, struct err *e)
{
	struct joblog *log = *logp;
	bool first = true;
	int rc = 0;

	if (log == NULL)
		return (0);
	if (log->tail_no > 0 && log->failure.code == ERR_NONE) {
		join_one(log, log->tail_no - 1, &first);
		join_one(log, log->tail_no, &first);
	}
	if (log->failure.code == ERR_NONE && fsync(log->fd) == -1)
		err_sys(&log->failure, "fsync %s/log", log->dir);
	if (log->failure.code != ERR_NONE) {
		rc = -1;
		if (e != NULL)
			*e = log->failure;
		own_up(log);
	}
	if (last != NULL)
		*last = log->seq;
	if (log->tail_fd != -1)
		close(log->tail_fd);
	close(log->fd);
	buf_free(&log->line);
	free(log->dir);
	free(log);
	*logp = NULL;
	return (rc);
}
