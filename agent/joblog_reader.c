#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#include "joblog.h"

#define BLOCK 32768
/* Longer lines are damage: the writer's records are at most three pieces. */
#define LINE_MAX_BYTES (128 * 1024)

struct joblog_reader {
	char *path;
	int fd;			/* -1: not there yet */
	int64_t off;		/* of the first byte that is not in buf */
	int64_t want;		/* records below this are passed over */
	struct buf buf;
	size_t used;		/* bytes of buf handed out */
};

struct joblog_reader *
joblog_reader_new(const char *dir, int64_t seq)
{
	struct joblog_reader *r = str_alloc(sizeof(*r));

	r->path = file_join(dir, "log");
	r->fd = -1;
	r->want = seq;
	return (r);
}

void
joblog_reader_free(struct joblog_reader **rp)
{
	struct joblog_reader *r = *rp;

	if (r == NULL)
		return;
	if (r->fd != -1)
		close(r->fd);
	buf_free(&r->buf);
	free(r->path);
	free(r);
	*rp = NULL;
}

/* The first record that begins after ${off}: its number and offset, or -1. */
static int64_t
probe(int fd, int64_t off, int64_t *begin)
{
	struct joblog_record rec;
	char block[BLOCK + 1];
	const char *nl, *line;
	ssize_t n;

	if ((n = pread(fd, block, BLOCK, off)) <= 0)
		return (-1);
	for (line = off == 0 ? block : NULL;; line = nl + 1) {
		if (line == NULL) {
			if ((nl = memchr(block, '\n', (size_t)n)) == NULL)
				return (-1);
			continue;
		}
		nl = memchr(line, '\n', (size_t)(block + n - line));
		if (nl == NULL)
			return (-1);
		if (joblog_parse(line, (size_t)(nl - line), &rec) == 0) {
			*begin = off + (line - block);
			return (rec.seq);
		}
	}
}

/* An offset at or before record ${want}, near it, by bisection. */
static int64_t
locate(int fd, int64_t want)
{
	int64_t lo = 0, hi, mid, begin, seq;
	struct stat st;

	if (want <= 1 || fstat(fd, &st) == -1)
		return (0);
	hi = st.st_size;
	while (hi - lo > BLOCK) {
		mid = lo + (hi - lo) / 2;
		seq = probe(fd, mid, &begin);
		if (seq == -1 || seq > want)
			hi = mid;
		else
			lo = begin;
		if (seq == want)
			break;
	}
	return (lo);
}

void
joblog_reader_seek(struct joblog_reader *r, int64_t seq)
{

	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
	r->want = seq;
	buf_clear(&r->buf);
	r->used = 0;
}

/* Read one more block; 1, 0 at the end of what is there, -1. */
static int
fill(struct joblog_reader *r)
{
	char block[BLOCK];
	ssize_t n;

	if (r->fd == -1) {
		if ((r->fd = open(r->path, O_RDONLY | O_CLOEXEC)) == -1)
			return (0);
		r->off = locate(r->fd, r->want);
	}
	if ((n = pread(r->fd, block, sizeof(block), r->off)) <= 0)
		return (n == 0 ? 0 : -1);
	buf_drop(&r->buf, r->used);
	r->used = 0;
	if (r->buf.len > LINE_MAX_BYTES)
		buf_clear(&r->buf);
	buf_add(&r->buf, block, (size_t)n);
	r->off += n;
	return (1);
}

int
joblog_read(struct joblog_reader *r, struct joblog_record *rec)
{
	const char *line, *nl;
	int rc;

	for (;;) {
		line = r->buf.data + r->used;
		nl = r->buf.len > r->used ?
		    memchr(line, '\n', r->buf.len - r->used) : NULL;
		if (nl == NULL) {
			if ((rc = fill(r)) != 1)
				return (rc);
			continue;
		}
		r->used += (size_t)(nl - line) + 1;
		if (joblog_parse(line, (size_t)(nl - line), rec) == -1 ||
		    rec->seq < r->want)
			continue;
		r->want = rec->seq + 1;
		return (1);
	}
}
