#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "record.h"
#include "since.h"
#include "str.h"
#include "tick.h"

#define FILE_MAX (64 * 1024)

static json_t *
load(const char *path)
{
	struct buf b = { 0 };
	json_t *obj = NULL;

	if (file_read(path, FILE_MAX, &b, NULL) == -1 || b.data == NULL ||
	    record_parse(b.data, b.len, &obj, NULL) == -1)
		obj = json_object();
	buf_free(&b);
	return (obj);
}

/* Where that fails, the time starts again with the next question. */
static void
save(const char *path, const json_t *obj)
{
	char *text = json_dumps(obj, JSON_COMPACT);
	struct err ignored;

	(void)!file_write(path, text, strlen(text), 0600, &ignored);
	free(text);
}

static const char *
member(const json_t *obj, const char *key)
{
	return (json_string_value(json_object_get(obj, key)));
}

char *
since_text(const char *state_dir, const char *name, const char *what)
{
	char *path = file_join(state_dir, "since.json"), at[TICK_TEXT];
	json_t *all = load(path), *entry = json_object_get(all, name);
	char *text = NULL;

	if (what != NULL &&
	    (!str_eq(member(entry, "what"), what) ||
		member(entry, "at") == NULL)) {
		json_object_set_new(all, name,
		    json_pack("{s:s, s:s}", "what", what, "at",
			tick_text_s(tick_wall(), at)));
		save(path, all);
	} else if (what == NULL && entry != NULL) {
		json_object_del(all, name);
		save(path, all);
	}
	if (what != NULL)
		text = str_dup(member(json_object_get(all, name), "at"));
	json_decref(all);
	free(path);
	return (text);
}
