#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "logtail.h"

#define HOLE_MIN 4096

int
logtail_open(struct logtail *t, const char *path, int64_t skip,
    const struct deploy_conf *c, struct err *e)
{
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (err_sys(e, "open %s", path));
	t->fd = fd;
	t->skip = skip;
	t->on_line = c->on_line;
	t->cookie = c->cookie;
	t->hole = 0;
	t->len = 0;
	return (0);
}

static void
emit(struct logtail *t)
{
	if (t->skip > 0)
		t->skip--;
	else if (t->on_line != NULL)
		t->on_line(t->cookie, DEPLOY_OUT, t->line, t->len);
	t->len = 0;
}

static void
take(struct logtail *t, const char *p, size_t n)
{
	const char *nl;
	size_t len, room;

	while (n > 0) {
		nl = memchr(p, '\n', n);
		len = nl != NULL ? (size_t)(nl - p) : n;
		room = sizeof(t->line) - t->len;
		if (len > room) {
			len = room;
			nl = NULL;
		}
		memcpy(t->line + t->len, p, len);
		t->len += len;
		p += len;
		n -= len;
		if (nl != NULL) {
			p++;
			n--;
			emit(t);
		} else if (n > 0)
			emit(t);	/* full, and the line goes on */
	}
}

/* Only a hole has this many zeroes at a stretch, for all we care. */
static bool
is_hole(const char *p, size_t n)
{
	return (n >= HOLE_MIN && p[0] == '\0' && memcmp(p, p + 1, n - 1) == 0);
}

static void
leave_hole(struct logtail *t)
{
	char note[80];
	int n;

	n = snprintf(note, sizeof(note), "[%lld bytes of output were left out]",
	    (long long)t->hole);
	if (t->on_line != NULL)
		t->on_line(t->cookie, DEPLOY_NOTE, note, (size_t)n);
	t->hole = 0;
	t->skip = 0;
}

static void
take_chunk(struct logtail *t, const char *p, size_t n)
{
	if (is_hole(p, n)) {
		t->hole += (int64_t)n;
		return;
	}
	if (t->hole > 0)
		leave_hole(t);
	take(t, p, n);
}

bool
logtail_read(struct logtail *t, size_t max)
{
	char chunk[65536];
	ssize_t n;

	for (; max > 0; max -= (size_t)n) {
		do
			n = read(t->fd, chunk,
			    max < sizeof(chunk) ? max : sizeof(chunk));
		while (n == -1 && errno == EINTR);
		if (n <= 0)
			return (false);
		take_chunk(t, chunk, (size_t)n);
	}
	return (true);
}

void
logtail_close(struct logtail *t)
{
	const off_t at = lseek(t->fd, 0, SEEK_CUR);
	struct stat st;

	/* What was left running may go on writing for ever. */
	if (at != -1 && fstat(t->fd, &st) == 0 && st.st_size > at)
		logtail_read(t, (size_t)(st.st_size - at));
	if (t->len > 0)
		emit(t);
	close(t->fd);
	t->fd = -1;
}
