#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "standing.h"
#include "str.h"

#define SHORT_REV 7

static bool
is_working(const struct standing *s)
{
	return (s->working != NULL);
}

static bool
fetch_fails(const struct standing *s)
{
	return (s->fetch_error != NULL);
}

static bool
no_clone(const struct standing *s)
{
	return (s->fetched == NULL);
}

static bool
drift_runs(const struct standing *s)
{
	return (str_eq(s->facts->drift_where, "running"));
}

static bool
drift_boots(const struct standing *s)
{
	return (str_eq(s->facts->drift_where, "profile"));
}

static bool
system_failed(const struct standing *s)
{
	return (s->system_error != NULL);
}

static bool
is_behind(const struct standing *s)
{
	return (s->desired != NULL && !str_eq(s->desired, s->fetched));
}

static bool
never_built(const struct standing *s)
{
	return (s->facts->built_revision == NULL);
}

static bool
not_built(const struct standing *s)
{
	return (!str_eq(s->facts->built_revision, s->fetched));
}

static bool
not_activated(const struct standing *s)
{
	return (!str_eq(s->facts->built, s->facts->profile));
}

static bool
not_running(const struct standing *s)
{
	return (!s->facts->next_runs);
}

static bool
needs_reboot(const struct standing *s)
{
	return (s->facts->reboot_needed);
}

static bool
always(const struct standing *s)
{
	(void)s;
	return (true);
}

/* clang-format off */
const struct standing_rule standing_rules[] = {
	{ "working", "busy", is_working,
	    "{working} is at work.", "" },
	{ "fetch-fails", "bad", fetch_fails,
	    "The configuration cannot be fetched: {fetch_error}",
	    "nixfleet repo status" },
	{ "no-clone", "warn", no_clone,
	    "There is no clone of the configuration yet.", "nixfleet pull" },
	{ "drift-running", "bad", drift_runs,
	    "A closure that was not deployed here runs, seen since "
	    "{drift_since}: {drift}", "nixfleet switch" },
	{ "drift-profile", "bad", drift_boots,
	    "The next boot takes a closure that was not deployed here, seen "
	    "since {drift_since}: {drift}", "nixfleet switch" },
	{ "system-failed", "bad", system_failed,
	    "The last change of the system failed: {system_error}",
	    "nixfleet logs" },
	{ "behind", "warn", is_behind,
	    "The branch is at {desired}, this host at {fetched}.",
	    "nixfleet pull-switch" },
	{ "never-built", "warn", never_built,
	    "Nothing has been built and activated here yet.",
	    "nixfleet switch" },
	{ "not-built", "warn", not_built,
	    "{fetched} is fetched, but {built} is the last that was built.",
	    "nixfleet switch" },
	{ "not-activated", "warn", not_activated,
	    "What was built last, {built}, is not what the next boot takes.",
	    "nixfleet switch" },
	{ "not-running", "warn", not_running,
	    "{profile} takes effect at the next boot.", "reboot" },
	{ "reboot", "warn", needs_reboot,
	    "A reboot is needed since {reboot_since}: {reboot} changed.",
	    "reboot" },
	{ "ok", "ok", always, "{fetched} runs, the tip of the branch as last "
	    "seen.", "" },
};
/* clang-format on */
const size_t standing_count =
    sizeof(standing_rules) / sizeof(standing_rules[0]);

static void
add_revision(struct buf *b, const char *rev)
{
	buf_addf(b, "%.*s", SHORT_REV, rev != NULL ? rev : "nothing");
}

/* "2026-01-19 13:43 UTC" of "2026-01-19T13:43:00Z" */
static void
add_time(struct buf *b, const char *text)
{
	if (text != NULL && strlen(text) >= 16)
		buf_addf(b, "%.10s %.5s UTC", text, text + 11);
}

/* The first line says it. */
static void
add_text(struct buf *b, const char *text)
{
	text = text != NULL ? text : "?";
	buf_add(b, text, strcspn(text, "\n"));
}

static void
add_value(struct buf *b, const struct standing *s, const char *name, size_t n)
{
	const struct deploy_facts *f = s->facts;
	const struct {
		const char *name;
		void (*add)(struct buf *, const char *);
		const char *value;
	} values[] = {
		{ "working", add_text, s->working },
		{ "fetch_error", add_text, s->fetch_error },
		{ "system_error", add_text, s->system_error },
		{ "desired", add_revision, s->desired },
		{ "fetched", add_revision, s->fetched },
		{ "built", add_revision, f->built_revision },
		{ "profile", add_revision, f->profile_revision },
		{ "drift", add_text, f->drift },
		{ "drift_since", add_time, f->drift_since },
		{ "reboot", add_text, f->reboot_reason },
		{ "reboot_since", add_time, f->reboot_since },
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strlen(values[i].name) == n &&
		    memcmp(values[i].name, name, n) == 0)
			values[i].add(b, values[i].value);
}

static char *
expand(const struct standing *s, const char *text)
{
	struct buf b = { 0 };
	size_t n;

	for (; *text != '\0'; text += n) {
		n = strcspn(text, "{");
		buf_add(&b, text, n);
		if (text[n] == '{') {
			text += n + 1;
			n = strcspn(text, "}");
			add_value(&b, s, text, n);
			n++;
		}
	}
	return (buf_take(&b));
}

json_t *
standing_summary(const struct standing *s)
{
	const struct standing_rule *rule = standing_rules;
	json_t *obj;
	char *text;

	while (!rule->applies(s))
		rule++;
	text = expand(s, rule->text);
	obj = json_pack("{s:s, s:s, s:s, s:s}", "rule", rule->name, "level",
	    rule->level, "text", text, "action", rule->action);
	free(text);
	return (obj);
}

json_t *
standing_states(const struct standing *s)
{
	const struct deploy_facts *f = s->facts;
	const struct {
		const char *name, *revision, *path;
	} states[] = {
		{ "desired", s->desired, NULL },
		{ "fetched", s->fetched, NULL },
		{ "built", f->built_revision, f->built },
		{ "profile", f->profile_revision, f->profile },
		{ "running", f->running_revision, f->running },
		{ "booted", f->booted_revision, f->booted },
	};
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (states[i].revision != NULL || states[i].path != NULL)
			json_array_append_new(list,
			    json_pack("{s:s, s:s?, s:s?}", "state",
				states[i].name, "revision", states[i].revision,
				"path", states[i].path));
	return (list);
}
