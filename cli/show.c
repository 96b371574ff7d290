#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "out.h"
#include "show.h"
#include "show_follow.h"
#include "str.h"
#include "table.h"
#include "tick.h"
#include "verb.h"

#define TEXTS 4
#define TEXT_SIZE 64

static char *
next_text(void)
{
	static char texts[TEXTS][TEXT_SIZE];
	static unsigned n;

	return (texts[n++ % TEXTS]);
}

const char *
show_str(const json_t *v, const char *key)
{
	return (json_string_value(json_object_get(v, key)));
}

const char *
show_time(const char *text)
{
	char *out;
	struct tm tm;
	int64_t ms;
	time_t s;

	if (text == NULL || tick_parse(text, &ms) == -1)
		return (text);
	out = next_text();
	s = (time_t)(ms / 1000);
	localtime_r(&s, &tm);
	strftime(out, TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	return (out);
}

const char *
show_age(const char *text)
{
	char *out;
	int64_t ms, s;

	if (text == NULL || tick_parse(text, &ms) == -1)
		return (text);
	out = next_text();
	s = (tick_wall() - ms) / 1000;
	if (s < 0)
		s = 0;
	if (s < 60)
		snprintf(out, TEXT_SIZE, "%ds", (int)s);
	else if (s < 3600)
		snprintf(out, TEXT_SIZE, "%dm", (int)(s / 60));
	else if (s < 86400)
		snprintf(out, TEXT_SIZE, "%dh", (int)(s / 3600));
	else
		snprintf(out, TEXT_SIZE, "%lldd", (long long)(s / 86400));
	return (out);
}

const char *
show_rev(const char *rev)
{
	char *out;

	if (rev == NULL)
		return (NULL);
	out = next_text();
	snprintf(out, TEXT_SIZE, "%.7s", rev);
	return (out);
}

static void
add_row(struct table *t, const char *name, const char *value)
{
	table_row(t, (const char *const[]){ name, value });
}

static void
add_rowf(struct table *, const char *, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static void
add_rowf(struct table *t, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_row(t, name, text);
}

static const char *
or_else(const char *s, const char *instead)
{
	return (s == NULL || *s == '\0' ? instead : s);
}

static void
add_repo(struct table *t, const json_t *repo)
{
	add_row(t, "repository", or_else(show_str(repo, "url"), "none"));
	add_row(t, "branch", show_str(repo, "branch"));
	add_row(t, "directory", show_str(repo, "dir"));
	add_row(t, "revision", show_str(repo, "head"));
	if (show_str(repo, "last_success") != NULL)
		add_rowf(t, "last success", "%s (%s ago)",
		    show_time(show_str(repo, "last_success")),
		    show_age(show_str(repo, "last_success")));
	if (show_str(repo, "failure") != NULL)
		add_rowf(t, "failing", "%s: %s", show_str(repo, "failure"),
		    or_else(show_str(repo, "failure_text"), "no reason given"));
	if (show_str(repo, "last_failure") != NULL)
		add_rowf(t, "last failure", "%s (%s ago)",
		    show_time(show_str(repo, "last_failure")),
		    show_age(show_str(repo, "last_failure")));
	if (show_str(repo, "refused") != NULL)
		add_row(t, "refused", show_str(repo, "refused"));
	if (json_integer_value(json_object_get(repo, "bytes")) > 0)
		add_rowf(t, "size", "%.1f MB", (double)json_integer_value(
		    json_object_get(repo, "bytes")) / 1e6);
	if (json_is_true(json_object_get(repo, "lfs")))
		add_row(t, "Git LFS", "not fetched: such files are pointers");
	if (json_is_true(json_object_get(repo, "legacy")))
		add_row(t, "deprecated",
		    "NIXFLEET_NIXCFG; set NIXFLEET_REPO_URL instead");
}

void
show_repo(const json_t *status)
{
	struct table *t = table_new(2, NULL);

	add_repo(t, json_object_get(status, "repo"));
	show_follow_add(t, json_object_get(status, "follow"));
	table_print(t);
	table_free(&t);
}

static void
add_hub(struct table *t, const json_t *hub)
{
	const char *state = or_else(show_str(hub, "state"), "unknown");
	const char *reason = show_str(hub, "reason");

	if (show_str(hub, "url") == NULL) {
		add_row(t, "hub", "none");
		return;
	}
	add_rowf(t, "hub", "%s %s for %s%s%s", show_str(hub, "url"), state,
	    or_else(show_age(show_str(hub, "since")), "?"),
	    reason == NULL ? "" : ": ", or_else(reason, ""));
}

static void
show_compartments(const json_t *all)
{
	static const char *const names[] = { "agent", "git", "lock", "system",
		"tests" };
	struct table *t = table_new(3, NULL);
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *c = json_object_get(all, names[i]);

		if (c == NULL)
			continue;
		table_row(t, (const char *const[]){ names[i],
		    or_else(show_str(c, "status"), "unknown"),
		    or_else(show_str(c, "message"), "") });
		n++;
	}
	if (n > 0)
		putchar('\n');
	table_print(t);
	table_free(&t);
}

/* The sentence that says what is wrong, and what to do. */
static void
show_summary(const json_t *summary)
{
	const char *action = or_else(show_str(summary, "action"), "");
	const char *level = or_else(show_str(summary, "level"), "");

	if (show_str(summary, "text") == NULL)
		return;
	out_linef("%s%s%s%s%s", out_paint(level), show_str(summary, "text"),
	    out_plain(), *action == '\0' ? "" : " Now: ", action);
	putchar('\n');
}

static void
show_states(const json_t *states)
{
	static const char *const headings[] = { "STATE", "REVISION",
		"CLOSURE" };
	struct table *t = table_new(3, headings);
	const json_t *s;
	size_t i;

	if (json_array_size(states) > 0)
		putchar('\n');
	json_array_foreach(states, i, s)
		table_row(t, (const char *const[]){ show_str(s, "state"),
		    or_else(show_rev(show_str(s, "revision")), ""),
		    or_else(show_str(s, "path"), "") });
	if (json_array_size(states) > 0)
		table_print(t);
	table_free(&t);
}

void
show_generations(const json_t *list)
{
	static const char *const headings[] = { "", "NUMBER", "DATE",
		"REVISION", "SUBJECT", "CLOSURE" };
	struct table *t = table_new(6, headings);
	char number[24], marks[32];
	const json_t *g;
	size_t i;

	json_array_foreach(list, i, g) {
		snprintf(number, sizeof(number), "%lld", (long long)
		    json_integer_value(json_object_get(g, "number")));
		snprintf(marks, sizeof(marks), "%s%s%s",
		    json_is_true(json_object_get(g, "current")) ? "next " : "",
		    json_is_true(json_object_get(g, "running")) ? "runs " : "",
		    json_is_true(json_object_get(g, "booted")) ? "booted" :
		    "");
		table_row(t, (const char *const[]){ marks, number,
		    show_time(show_str(g, "date")),
		    or_else(show_rev(show_str(g, "revision")), ""),
		    or_else(show_str(g, "subject"), ""),
		    show_str(g, "path") });
	}
	if (json_array_size(list) == 0)
		out_linef("the profile has no generations yet");
	else
		table_print(t);
	table_free(&t);
}

static void
show_last(const json_t *list)
{
	static const char *const headings[] = { "OPERATION", "OUTCOME", "WHEN",
		"BY", "ID" };
	struct table *t = table_new(5, headings);
	const json_t *r;
	size_t i;

	if (json_array_size(list) > 0)
		putchar('\n');
	json_array_foreach(list, i, r)
		table_row(t, (const char *const[]){ show_str(r, "op"),
		    or_else(show_str(r, "outcome"), "running"),
		    show_age(or_else(show_str(r, "finished_at"),
		    show_str(r, "accepted_at"))),
		    show_str(r, "by"), show_str(r, "op_id") });
	if (json_array_size(list) > 0)
		table_print(t);
	table_free(&t);
}

void
show_status(const json_t *status)
{
	const json_t *op = json_object_get(status, "operation");
	struct table *t = table_new(2, NULL);

	show_summary(json_object_get(status, "summary"));
	add_row(t, "host", show_str(status, "host"));
	add_row(t, "agent", show_str(status, "agent_version"));
	add_hub(t, json_object_get(status, "hub"));
	add_repo(t, json_object_get(status, "repo"));
	show_follow_add(t, json_object_get(status, "follow"));
	if (json_is_object(op))
		add_rowf(t, "running", "%s for %s (%s)",
		    or_else(show_str(op, "op"), "?"),
		    or_else(show_age(show_str(op, "started_at")), "?"),
		    or_else(show_str(op, "op_id"), "?"));
	table_print(t);
	table_free(&t);
	show_states(json_object_get(status, "states"));
	show_compartments(json_object_get(status, "compartments"));
	show_last(json_object_get(status, "last"));
}

void
show_brief(const json_t *status)
{
	const json_t *op = json_object_get(status, "operation");
	const json_t *all = json_object_get(status, "compartments");
	const json_t *c;
	struct buf b = { 0 };
	const char *name;
	static char *last;

	buf_addf(&b, "%s: hub %s, revision %s",
	    or_else(show_str(status, "host"), "?"),
	    or_else(show_str(json_object_get(status, "hub"), "state"), "?"),
	    or_else(show_rev(show_str(json_object_get(status, "repo"),
	    "head")), "none"));
	json_object_foreach((json_t *)(uintptr_t)all, name, c)
		buf_addf(&b, ", %s %s", name,
		    or_else(show_str(c, "status"), "unknown"));
	if (json_is_object(op))
		buf_addf(&b, ", running %s", or_else(show_str(op, "op"), "?"));
	if (!str_eq(last, b.data))
		out_line("", b.data, b.len);
	free(last);
	last = buf_take(&b);
}

void
show_output(const char *prefix, const json_t *line)
{
	const json_t *text = json_object_get(line, "text");
	bool note = str_eq(show_str(line, "stream"), "note");
	char *start;

	if (!json_is_string(text))
		return;
	start = str_printf("%s%s", prefix, note ? "* " : "");
	out_line(start, json_string_value(text), json_string_length(text));
	free(start);
}

const char *
show_bar(int64_t done, int64_t expected, char bar[SHOW_BAR])
{
	const double share = done <= 0 ? 0 : done >= expected ? 1 :
	    (double)done / (double)expected;
	const size_t full = (size_t)(share * (SHOW_BAR - 1));

	memset(bar, '#', full);
	memset(bar + full, '.', SHOW_BAR - 1 - full);
	bar[SHOW_BAR - 1] = '\0';
	return (bar);
}

void
show_progress(const json_t *p)
{
	int64_t done = json_integer_value(json_object_get(p, "done"));
	int64_t expected = json_integer_value(json_object_get(p, "expected"));
	char text[256], bar[SHOW_BAR];

	if (expected > 0)
		snprintf(text, sizeof(text), "%-8s [%s] %lld/%lld %s",
		    or_else(show_str(p, "phase"), ""),
		    show_bar(done, expected, bar), (long long)done,
		    (long long)expected, or_else(show_str(p, "text"), ""));
	else
		snprintf(text, sizeof(text), "%s %s",
		    or_else(show_str(p, "phase"), ""),
		    or_else(show_str(p, "text"), ""));
	out_transient(text);
}

/* Milliseconds between two times of ${r}; -1 if one is missing. */
static int64_t
duration(const json_t *r)
{
	const char *from = show_str(r, "started_at");
	const char *to = show_str(r, "finished_at");
	int64_t a, b;

	if (from == NULL)
		from = show_str(r, "accepted_at");
	if (from == NULL || to == NULL || tick_parse(from, &a) == -1 ||
	    tick_parse(to, &b) == -1 || b < a)
		return (-1);
	return (b - a);
}

void
show_result(const char *prefix, const json_t *r)
{
	const char *outcome = or_else(show_str(r, "outcome"), "running");
	const char *message = show_str(r, "message");
	int64_t ms = duration(r);
	struct buf b = { 0 }, clean = { 0 };

	buf_addf(&b, "%s: %s", or_else(show_str(r, "op"), "operation"),
	    outcome);
	if (ms >= 0)
		buf_addf(&b, " in %lld.%lld s", (long long)ms / 1000,
		    (long long)ms % 1000 / 100);
	if (message != NULL && *message != '\0')
		buf_addf(&b, ": %s", message);
	out_clean(&clean, b.data, b.len, false);
	out_transient("");
	printf("%s%s%s%s\n", prefix, out_paint(outcome), clean.data,
	    out_plain());
	buf_free(&b);
	buf_free(&clean);
}

int
show_exit(const json_t *r)
{
	return (str_eq(show_str(r, "outcome"), "ok") ? VERB_OK : VERB_FAILED);
}
