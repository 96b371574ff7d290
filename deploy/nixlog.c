#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nixlog.h"
#include "nixreason.h"
#include "nixstore.h"
#include "str.h"
#include "tick.h"

/* nix: enum ActivityType, ResultType, Verbosity of logging.hh, error.hh */
enum { ACT_COPY = 100, ACT_TRANSFER = 101, ACT_COPIES = 103, ACT_BUILDS = 104,
	ACT_BUILD = 105 };
enum { RES_LOG_LINE = 101, RES_PHASE = 104, RES_PROGRESS = 105,
	RES_EXPECTED = 106, RES_POST_LOG_LINE = 107 };
enum { LVL_ERROR = 0, LVL_INFO = 3 };

#define ACTIVITIES 256	/* remembered at once; more are not followed */
#define ERROR_MAX 4096
#define INTERVAL 250	/* ms between two reports of progress */
#define SLOW 3		/* builds that are named, the oldest first */
#define COUNT_MAX INT32_MAX	/* sums of many must not overflow */
#define BYTES_MAX (1LL << 50)

struct activity {
	json_int_t id, type;
	int64_t done, expected;
	char *name, *phase;	/* of a build; phase NULL: none told */
};

/* Bytes that come: of activities that ended, and what is announced. */
struct volume {
	json_int_t type;
	int64_t done, expected;
};

struct nixlog {
	struct nixlog_sink sink;
	struct buf held;		/* an unfinished line */
	size_t dropped;			/* bytes of it, too long to hold */
	struct activity act[ACTIVITIES];
	size_t nact;
	struct nixreason reason;
	struct volume copied, loaded;	/* unpacked; over the network */
	char text[160];			/* newest activity for people */
	char shown[320];		/* what was reported of it */
	int64_t reported;		/* when, by tick_mono; 0: never */
	const char *phase;		/* what was reported */
	bool pending;			/* progress not yet reported */
};

struct nixlog *
nixlog_new(const struct nixlog_sink *sink)
{
	struct nixlog *l = str_alloc(sizeof(*l));

	l->sink = *sink;
	l->copied.type = ACT_COPY;
	l->loaded.type = ACT_TRANSFER;
	return (l);
}

static void
forget(struct activity *a)
{
	free(a->name);
	free(a->phase);
}

void
nixlog_free(struct nixlog **lp)
{
	struct nixlog *l = *lp;
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->nact; i++)
		forget(&l->act[i]);
	nixreason_done(&l->reason);
	buf_free(&l->held);
	free(l);
	*lp = NULL;
}

/* The length of the terminal sequence at p[0] == ESC. */
static size_t
escape_len(const char *p, size_t n)
{
	size_t i = 2;

	if (n < 2)
		return (n);
	if (p[1] == '[') {
		while (i < n && (p[i] < 0x40 || p[i] > 0x7e))
			i++;
		return (i < n ? i + 1 : n);
	}
	if (p[1] == ']') {
		while (i < n && p[i] != '\a' && p[i] != '\033')
			i++;
		return (i < n ? i + 1 : n);
	}
	return (2);
}

/* Without terminal sequences and control characters but tab and newline. */
static void
add_plain(struct buf *b, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (p[i] == '\033') {
			i += escape_len(p + i, n - i);
			continue;
		}
		if ((unsigned char)p[i] >= 0x20 || p[i] == '\t' ||
		    p[i] == '\n')
			buf_add(b, &p[i], 1);
		i++;
	}
}

/* Hand ${text} on, line by line, each with "${prefix}> " if there is one. */
static void
say(struct nixlog *l, enum deploy_stream s, const char *prefix,
    const char *text, size_t n)
{
	const char *nl, *end = text + n;
	struct buf b = { 0 };
	size_t off, len;

	if (l->sink.on_line == NULL)
		return;
	for (;;) {
		nl = memchr(text, '\n', (size_t)(end - text));
		buf_clear(&b);
		if (prefix != NULL)
			buf_addf(&b, "%s> ", prefix);
		add_plain(&b, text, (size_t)((nl ? nl : end) - text));
		for (off = 0; off < b.len || off == 0; off += len) {
			len = b.len - off;
			if (len > PROC_LINE_MAX)
				len = PROC_LINE_MAX;
			l->sink.on_line(l->sink.cookie, s,
			    b.data == NULL ? "" : b.data + off, len);
			if (len == 0)
				break;
		}
		if (nl == NULL || nl + 1 == end)
			break;
		text = nl + 1;
	}
	buf_free(&b);
}

static struct activity *
find(struct nixlog *l, json_int_t id)
{
	size_t i;

	for (i = l->nact; i > 0; i--)
		if (l->act[i - 1].id == id)
			return (&l->act[i - 1]);
	return (NULL);
}

/* ---- progress ---- */

static void
totals(const struct nixlog *l, json_int_t type, int64_t *done,
    int64_t *expected)
{
	size_t i;

	*done = *expected = 0;
	for (i = 0; i < l->nact; i++)
		if (l->act[i].type == type) {
			*done += l->act[i].done;
			*expected += l->act[i].expected;
		}
}

/* "12.3 of 40.1 MB" of what is loaded, or else unpacked. */
static void
add_bytes(const struct nixlog *l, struct buf *b)
{
	const struct volume *v;
	int64_t done, expected;

	v = l->loaded.expected > 0 ? &l->loaded : &l->copied;
	totals(l, v->type, &done, &expected);
	done += v->done;
	expected += v->done;
	if (expected < v->expected)
		expected = v->expected;
	if (expected > 0)
		buf_addf(b, "%s%.1f of %.1f MB", b->len > 0 ? "; " : "",
		    (double)done / 1e6, (double)expected / 1e6);
}

/* "building a, b (installPhase)": those that take longest already. */
static void
add_builds(const struct nixlog *l, struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < l->nact; i++) {
		if (l->act[i].name == NULL)
			continue;
		if (n < SLOW)
			buf_addf(b, "%s%s%s%s%s", n == 0 ? "building " : ", ",
			    l->act[i].name, l->act[i].phase ? " (" : "",
			    l->act[i].phase ? l->act[i].phase : "",
			    l->act[i].phase ? ")" : "");
		n++;
	}
	if (n > SLOW)
		buf_addf(b, " and %zu more", n - SLOW);
}

static struct deploy_progress
progress(struct nixlog *l)
{
	struct deploy_progress p = { .phase = "evaluate", .text = l->shown };
	int64_t builds, nbuilds, copies, ncopies;
	struct buf b = { 0 };

	totals(l, ACT_BUILDS, &builds, &nbuilds);
	totals(l, ACT_COPIES, &copies, &ncopies);
	if (nbuilds > 0 && (builds < nbuilds || copies >= ncopies)) {
		p.phase = "build";
		p.done = builds;
		p.expected = nbuilds;
		add_builds(l, &b);
	} else if (ncopies > 0) {
		p.phase = "download";
		p.done = copies;
		p.expected = ncopies;
	}
	if (copies < ncopies)
		add_bytes(l, &b);
	snprintf(l->shown, sizeof(l->shown), "%s", b.len > 0 ? b.data :
	    l->text);
	buf_free(&b);
	return (p);
}

/* A new phase is told at once, all else at most every INTERVAL. */
static void
report(struct nixlog *l, bool force)
{
	struct deploy_progress p;
	int64_t now = tick_mono();

	if (l->sink.on_progress == NULL || !l->pending)
		return;
	p = progress(l);
	if (!force && l->reported != 0 && now - l->reported < INTERVAL &&
	    str_eq(p.phase, l->phase))
		return;
	l->pending = false;
	l->reported = now;
	l->phase = p.phase;
	l->sink.on_progress(l->sink.cookie, &p);
}

static void
changed(struct nixlog *l)
{
	l->pending = true;
	report(l, false);
}

/* ---- messages ---- */

static int64_t
int_at(const json_t *fields, size_t i, int64_t max)
{
	json_int_t v = json_integer_value(json_array_get(fields, i));

	return (v < 0 ? 0 : v > max ? max : v);
}

/* The volume that activities of ${type} belong to, or NULL. */
static struct volume *
volume_of(struct nixlog *l, json_int_t type)
{
	return (type == l->copied.type ? &l->copied :
	    type == l->loaded.type ? &l->loaded : NULL);
}

static const char *
string_of(const json_t *obj, const char *key, size_t *n)
{
	const json_t *v = json_object_get(obj, key);

	*n = json_string_length(v);
	return (json_string_value(v));
}

/* One line of plain text; the caller frees. */
static char *
plain(const char *text, size_t n)
{
	struct buf b = { 0 };
	char *nl;

	add_plain(&b, text, n);
	buf_adds(&b, "");
	while ((nl = strpbrk(b.data, "\n\t")) != NULL)
		*nl = ' ';
	return (buf_take(&b));
}

static void
set_text(struct nixlog *l, const char *text)
{
	char *line = plain(text, strlen(text));

	snprintf(l->text, sizeof(l->text), "%s", line);
	free(line);
}

/* "hello-1.0" of "/nix/store/…-hello-1.0.drv" */
static char *
drv_name(const char *path)
{
	char *name = str_dup(nixstore_name(path)), *p;

	if (str_suffix(name, ".drv"))
		name[strlen(name) - 4] = '\0';
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
	return (name);
}

static void
on_start(struct nixlog *l, const json_t *m)
{
	const json_t *fields = json_object_get(m, "fields");
	const char *text, *path;
	struct activity *a;
	json_int_t type;
	size_t n;

	type = json_integer_value(json_object_get(m, "type"));
	text = string_of(m, "text", &n);
	if (text != NULL && n > 0) {
		if (json_integer_value(json_object_get(m, "level")) <= LVL_INFO)
			say(l, DEPLOY_ERR, NULL, text, n);
		set_text(l, text);
	}
	if ((type == ACT_COPIES || type == ACT_BUILDS || type == ACT_BUILD ||
	    volume_of(l, type) != NULL) && l->nact < ACTIVITIES) {
		a = &l->act[l->nact++];
		memset(a, 0, sizeof(*a));
		a->id = json_integer_value(json_object_get(m, "id"));
		a->type = type;
		path = json_string_value(json_array_get(fields, 0));
		if (type == ACT_BUILD && path != NULL)
			a->name = drv_name(path);
	}
	changed(l);
}

static void
on_stop(struct nixlog *l, const json_t *m)
{
	struct activity *a;
	struct volume *v;

	a = find(l, json_integer_value(json_object_get(m, "id")));
	if (a == NULL)
		return;
	/* What was counted stays counted. */
	if ((v = volume_of(l, a->type)) != NULL)
		v->done = v->done > BYTES_MAX ? v->done : v->done + a->done;
	else if (a->type != ACT_BUILD)
		return;
	forget(a);
	l->nact--;
	memmove(a, a + 1, (size_t)(&l->act[l->nact] - a) * sizeof(*a));
	changed(l);
}

static void
on_progress(struct nixlog *l, struct activity *a, const json_t *fields)
{
	const int64_t max = volume_of(l, a->type) != NULL ? BYTES_MAX :
	    COUNT_MAX;

	if (a->type == ACT_BUILD)
		return;
	a->done = int_at(fields, 0, max);
	a->expected = int_at(fields, 1, max);
	changed(l);
}

/* So many bytes of a kind are expected in all. */
static void
on_expected(struct nixlog *l, const json_t *fields)
{
	struct volume *v;

	v = volume_of(l, json_integer_value(json_array_get(fields, 0)));
	if (v == NULL)
		return;
	v->expected = int_at(fields, 1, BYTES_MAX);
	changed(l);
}

static void
on_log_line(struct nixlog *l, const struct activity *a, const json_t *fields)
{
	const json_t *v = json_array_get(fields, 0);
	const char *s = json_string_value(v);
	struct buf b = { 0 };

	if (s == NULL)
		return;
	say(l, DEPLOY_OUT, a != NULL ? a->name : NULL, s,
	    json_string_length(v));
	add_plain(&b, s, strnlen(s, 200));
	nixreason_add_line(&l->reason, buf_take(&b));
	report(l, false);
}

static void
on_result(struct nixlog *l, const json_t *m)
{
	const json_t *fields = json_object_get(m, "fields");
	struct activity *a;
	const char *phase;

	a = find(l, json_integer_value(json_object_get(m, "id")));
	switch (json_integer_value(json_object_get(m, "type"))) {
	case RES_LOG_LINE:
	case RES_POST_LOG_LINE:
		on_log_line(l, a, fields);
		break;
	case RES_PROGRESS:
		if (a != NULL)
			on_progress(l, a, fields);
		break;
	case RES_EXPECTED:
		on_expected(l, fields);
		break;
	case RES_PHASE:
		phase = json_string_value(json_array_get(fields, 0));
		if (a == NULL || a->name == NULL || phase == NULL)
			break;
		free(a->phase);
		a->phase = plain(phase, strlen(phase));
		changed(l);
		break;
	default:
		break;
	}
}

static void
keep_error(struct nixlog *l, const char *text, size_t n)
{
	struct buf b = { 0 };

	add_plain(&b, text, n > ERROR_MAX ? ERROR_MAX : n);
	nixreason_add_error(&l->reason, buf_take(&b));
}

static void
on_msg(struct nixlog *l, const json_t *m)
{
	json_int_t level = json_integer_value(json_object_get(m, "level"));
	const char *text;
	size_t n;

	if ((text = string_of(m, "msg", &n)) == NULL || level > LVL_INFO)
		return;
	say(l, DEPLOY_ERR, NULL, text, n);
	if (level == LVL_ERROR)
		keep_error(l, text, n);
}

static const struct {
	const char *name;
	void (*act)(struct nixlog *, const json_t *);
} actions[] = {
	{ "msg", on_msg },
	{ "result", on_result },
	{ "start", on_start },
	{ "stop", on_stop },
};

static void
on_whole_line(struct nixlog *l, const char *p, size_t n)
{
	const char *action;
	json_t *m;
	size_t i;

	if (n < 5 || memcmp(p, "@nix ", 5) != 0 || (m = json_loadb(p + 5, n - 5,
	    JSON_ALLOW_NUL, NULL)) == NULL) {
		say(l, DEPLOY_ERR, NULL, p, n);
		if (n >= 6 && memcmp(p, "error:", 6) == 0)
			keep_error(l, p, n);
		return;
	}
	action = json_string_value(json_object_get(m, "action"));
	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (str_eq(action, actions[i].name))
			actions[i].act(l, m);
	json_decref(m);
}

static void
flush(struct nixlog *l)
{
	char note[80];

	if (l->dropped > 0) {
		snprintf(note, sizeof(note),
		    "[a line of %zu bytes from nix was left out]",
		    l->dropped + l->held.len);
		say(l, DEPLOY_NOTE, NULL, note, strlen(note));
	} else if (l->held.len > 0)
		on_whole_line(l, l->held.data, l->held.len);
	l->dropped = 0;
	buf_clear(&l->held);
}

void
nixlog_feed(struct nixlog *l, const char *p, size_t n)
{
	/* A line of exactly a piece's size was whole after all. */
	if (l->held.len > 0 && n >= 5 && memcmp(p, "@nix ", 5) == 0)
		flush(l);
	if (l->held.len + n > NIXLOG_MAX)
		l->dropped += n;
	else if (n == PROC_LINE_MAX || l->held.len > 0)
		buf_add(&l->held, p, n);
	else
		on_whole_line(l, p, n);
	if (n < PROC_LINE_MAX)
		flush(l);
}

void
nixlog_quiet(struct nixlog *l)
{
	report(l, true);
}

void
nixlog_end(struct nixlog *l)
{
	flush(l);
	report(l, true);
}

char *
nixlog_error(const struct nixlog *l)
{
	return (nixreason_text(&l->reason));
}
