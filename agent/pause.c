#include <stdlib.h>

#include "file.h"
#include "record.h"
#include "str.h"
#include "tick.h"

#include "pause.h"

#define FILE_MAX 16384

#define ROW(m, t) RECORD_ROW(pause, m, t, 0)
static const struct record_field fields[] = {
	ROW(reason, RECORD_STR),
	ROW(by, RECORD_STR),
	ROW(since, RECORD_INT),
	ROW(until, RECORD_INT),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static char *
path_in(const char *dir)
{

	return (file_join(dir, "pause.json"));
}

bool
pause_load(const char *dir, int64_t now, struct pause *p)
{
	char *path = path_in(dir);
	struct err e = { 0 };
	int rc = record_read(path, FILE_MAX, fields, NFIELDS, p, &e);

	free(path);
	if (rc == -1 && e.code != ERR_NOTFOUND) {
		/* Somebody wanted one; better too long than not at all. */
		*p = (struct pause){ .reason = str_dup(e.text),
		    .by = str_dup("agent"), .since = now };
		return (true);
	}
	if (rc == 0 && (p->until == 0 || now < p->until))
		return (true);
	if (rc == 0)
		pause_free(p);
	return (false);
}

int
pause_save(const char *dir, const struct pause *p, struct err *e)
{
	char *path = path_in(dir);
	int rc = record_write(path, 0600, fields, NFIELDS, p, e);

	free(path);
	return (rc);
}

int
pause_remove(const char *dir, struct err *e)
{
	char *path = path_in(dir);
	int rc = file_rmtree(path, e);

	free(path);
	return (rc);
}

void
pause_free(struct pause *p)
{

	record_free(fields, NFIELDS, p);
}

json_t *
pause_json(const struct pause *p)
{
	char since[TICK_TEXT], until[TICK_TEXT];

	return (json_pack("{s:s, s:s?, s:s, s:s}",
	    "since", tick_text_s(p->since, since),
	    "until", p->until != 0 ? tick_text_s(p->until, until) : NULL,
	    "reason", p->reason != NULL ? p->reason : "",
	    "by", p->by != NULL ? p->by : ""));
}
