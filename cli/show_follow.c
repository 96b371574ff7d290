#include <stdio.h>

#include "show.h"
#include "show_follow.h"
#include "str.h"

#define TEXT_MAX 2048

static void
add(struct table *t, const char *name, const char *text)
{
	if (text != NULL)
		table_row(t, (const char *const[]){ name, text });
}

static void
add_time(struct table *t, const char *name, const char *at)
{
	add(t, name, show_time(at));
}

static void
add_pause(struct table *t, const json_t *pause)
{
	const char *until = show_str(pause, "until");
	const char *reason = show_str(pause, "reason");
	bool why = reason != NULL && *reason != '\0';
	char text[TEXT_MAX];

	if (!json_is_object(pause))
		return;
	snprintf(text, sizeof(text), "%s%s, by %s since %s%s%s",
	    until != NULL ? "until " : "until resume",
	    until != NULL ? show_time(until) : "", show_str(pause, "by"),
	    show_time(show_str(pause, "since")), why ? ": " : "",
	    why ? reason : "");
	add(t, "paused", text);
}

static void
add_held(struct table *t, const json_t *held)
{
	const char *retry = show_str(held, "retry_at");
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s (%s): %s; %s%s",
	    show_rev(show_str(held, "revision")), show_str(held, "kind"),
	    show_str(held, "text"),
	    retry != NULL ? "tried again after " :
	    "not tried again until the branch moves or somebody switches to it",
	    retry != NULL ? show_time(retry) : "");
	add(t, "held back", text);
}

void
show_follow_add(struct table *t, const json_t *follow)
{
	const json_t *list = json_object_get(follow, "held_back"), *held;
	size_t i;

	if (!json_is_object(follow))
		return;
	add(t, "following", show_str(follow, "mode"));
	add(t, "window", show_str(follow, "window"));
	add(t, "reboot window", show_str(follow, "reboot_window"));
	add_pause(t, json_object_get(follow, "paused"));
	add_time(t, "last poll", show_str(follow, "last_poll"));
	add(t, "poll failing", show_str(follow, "failure_text"));
	add_time(t, "next poll", show_str(follow, "next_poll"));
	if (!str_eq(show_str(follow, "mode"), "off"))
		json_array_foreach(list, i, held)
			add_held(t, held);
}

void
show_follow_print(const json_t *follow)
{
	struct table *t = table_new(2, NULL);

	show_follow_add(t, follow);
	table_print(t);
	table_free(&t);
}
