#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "record.h"
#include "session.h"
#include "str.h"

#define FILE_MAX 65536
#define LOG_IN "log in with: nixfleet login URL"

static const struct record_field fields[] = {
	RECORD_ROW(session, hub, RECORD_STR, RECORD_REQ),
	RECORD_ROW(session, token, RECORD_STR, RECORD_REQ),
	RECORD_ROW(session, expires_at, RECORD_STR, RECORD_NULL),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static char *
file_of_user(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return (file_join(config, "nixfleet/session"));
	return (file_join(home != NULL ? home : "",
	    ".config/nixfleet/session"));
}

static int
parse(const struct buf *b, const char *path, struct session *s, struct err *e)
{
	json_t *v;
	int rc;

	if ((rc = record_parse(b->data == NULL ? "" : b->data, b->len, &v,
	    e)) == 0) {
		rc = record_decode(fields, NFIELDS, v, s, e);
		json_decref(v);
	}
	if (rc == -1)
		return (err_set(e, ERR_AUTH, "%s is damaged (%s); " LOG_IN,
		    path, e->text));
	return (0);
}

int
session_load(struct session *s, struct err *e)
{
	char *path = file_of_user();
	struct buf b = { 0 };
	struct stat st;
	int rc = -1;

	if (stat(path, &st) == -1 && errno == ENOENT)
		err_set(e, ERR_AUTH, "you are not logged in; " LOG_IN);
	else if (file_read(path, FILE_MAX, &b, e) == -1)
		err_wrap(e, "the login cannot be read");
	else if (st.st_mode & 077)
		err_set(e, ERR_AUTH, "%s can be read by others, so its token "
		    "is no secret any more; " LOG_IN, path);
	else
		rc = parse(&b, path, s, e);
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
	free(path);
	return (rc);
}

int
session_save(const struct session *s, struct err *e)
{
	char *path = file_of_user(), *dir = file_dirname(path);
	int rc;

	if ((rc = file_mkdirs(dir, 0700, e)) == 0)
		rc = record_write(path, 0600, fields, NFIELDS, s, e);
	free(dir);
	free(path);
	return (rc);
}

int
session_forget(struct err *e)
{
	char *path = file_of_user();
	int rc = file_rmtree(path, e);

	free(path);
	return (rc);
}

void
session_done(struct session *s)
{
	str_wipefree(&s->token);
	record_free(fields, NFIELDS, s);
}
