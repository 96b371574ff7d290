#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deployed.h"
#include "file.h"
#include "record.h"
#include "str.h"
#include "sysparts.h"
#include "tick.h"

#define ENTRIES_MAX 200
#define FILE_MAX    (1024 * 1024)

static char *
file_of(const char *state_dir)
{
	return (file_join(state_dir, "deployed.json"));
}

json_t *
deployed_load(const char *state_dir)
{
	char *path = file_of(state_dir);
	json_t *obj = NULL, *list = NULL;
	struct buf b = { 0 };

	if (file_read(path, FILE_MAX, &b, NULL) == 0 && b.data != NULL &&
	    record_parse(b.data, b.len, &obj, NULL) == 0)
		list = json_incref(json_object_get(obj, "closures"));
	json_decref(obj);
	buf_free(&b);
	free(path);
	if (json_is_array(list))
		return (list);
	json_decref(list);
	return (json_array());
}

static const char *
path_of(const json_t *entry)
{
	return (json_string_value(json_object_get(entry, "path")));
}

const json_t *
deployed_find(const json_t *all, const char *path)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (all, i, entry)
		if (path != NULL && str_eq(path_of(entry), path))
			return (entry);
	return (NULL);
}

const char *
deployed_revision(const json_t *all, const char *path)
{
	return (json_string_value(
	    json_object_get(deployed_find(all, path), "revision")));
}

bool
deployed_here(const json_t *all, const char *path)
{
	const json_t *entry;
	char *special;
	size_t i;

	if (deployed_find(all, path) != NULL)
		return (true);
	json_array_foreach (all, i, entry) {
		special = sysparts_specialisation(path_of(entry), path);
		free(special);
		if (special != NULL)
			return (true);
	}
	return (false);
}

/* The entry for ${what}, which moves to the end. */
static void
put(json_t *all, const struct deployed *what)
{
	json_t *entry = (json_t *)(uintptr_t)deployed_find(all, what->path);
	char at[TICK_TEXT];
	size_t i;

	if (entry != NULL)
		json_incref(entry);
	else
		entry = json_pack("{s:s}", "path", what->path);
	for (i = json_array_size(all); i > 0; i--)
		if (json_array_get(all, i - 1) == entry)
			json_array_remove(all, i - 1);
	if (what->revision != NULL)
		json_object_set_new(
		    entry, "revision", json_string(what->revision));
	if (what->subject != NULL)
		json_object_set_new(
		    entry, "subject", json_string(what->subject));
	json_object_set_new(
	    entry, "at", json_string(tick_text_s(tick_wall(), at)));
	json_array_append_new(all, entry);
	while (json_array_size(all) > ENTRIES_MAX)
		json_array_remove(all, 0);
}

int
deployed_note(const char *state_dir, const struct deployed *what, struct err *e)
{
	json_t *all = deployed_load(state_dir), *obj;
	char *path = file_of(state_dir), *text;
	int r;

	put(all, what);
	obj = json_pack("{s:o}", "closures", all);
	text = json_dumps(obj, JSON_COMPACT);
	r = file_write(path, text, strlen(text), 0600, e);
	free(text);
	json_decref(obj);
	free(path);
	return (r);
}
