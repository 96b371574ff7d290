#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "file.h"
#include "gitdir.h"
#include "last.h"
#include "platform.h"
#include "str.h"
#include "tick.h"

#define LAST_MAX (64 * 1024)

static void
succeeded(const char *failure, const char *success)
{
	int fd;

	(void)!unlink(failure);
	fd = open(success, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return;
	(void)!futimens(fd, NULL);
	close(fd);
}

static void
load_failure(const char *path, struct repo_status *out)
{
	struct buf b = { 0 };
	const char *refused;
	json_t *obj = NULL;

	if (file_read(path, LAST_MAX, &b, NULL) == 0 && b.len > 0 &&
	    (obj = json_loadb(b.data, b.len, 0, NULL)) != NULL) {
		out->last_failure = json_integer_value(
		    json_object_get(obj, "at"));
		out->fail = fail_parse(json_string_value(
		    json_object_get(obj, "fail")));
		if (out->fail == REPO_NFAIL)
			out->fail = REPO_FAIL_OTHER;
		out->fail_text = str_dup(json_string_value(
		    json_object_get(obj, "text")));
		refused = json_string_value(json_object_get(obj, "refused"));
		if (refused != NULL && strlen(refused) < REPO_REV)
			memcpy(out->refused, refused, strlen(refused) + 1);
	}
	json_decref(obj);
	buf_free(&b);
}

static void
failed(const struct repo *r, const char *failure, const struct err *e)
{
	struct repo_status before = { 0 };
	json_t *obj;
	struct err ignored;
	char *text;

	/* Other trouble does not make good what trust refused. */
	load_failure(failure, &before);
	obj = json_pack("{s:I, s:s, s:s?, s:s}", "at",
	    (json_int_t)tick_wall(), "fail", fail_name(r->fail), "text",
	    e->text, "refused", r->refused[0] != '\0' ? r->refused :
	    before.refused);
	text = obj == NULL ? NULL : json_dumps(obj, JSON_COMPACT);
	if (text != NULL)
		(void)!file_write(failure, text, strlen(text), 0600, &ignored);
	free(text);
	json_decref(obj);
	free(before.fail_text);
}

/* Nothing was fetched: only a failure about HEAD itself is over. */
static void
still_good(const struct repo *r, const char *failure)
{
	struct repo_status before = { 0 };
	char head[REPO_REV];

	load_failure(failure, &before);
	if (gitdir_ref(r->dir, "HEAD", head) == 0 &&
	    str_eq(head, before.refused))
		(void)!unlink(failure);
	free(before.fail_text);
}

void
last_record(const struct repo *r, const struct err *e)
{
	char *failure = file_join(r->home, "failure.json");
	char *success = file_join(r->home, "success");

	if (r->fail != REPO_FAIL_NONE) {
		if (file_is_dir(r->home))
			failed(r, failure, e);
	} else if (!r->unasked)
		succeeded(failure, success);
	else if (r->legacy_dir == NULL)
		still_good(r, failure);
	free(success);
	free(failure);
}

void
last_load(const struct repo *r, struct repo_status *out)
{
	char *failure = file_join(r->home, "failure.json");
	char *success = file_join(r->home, "success");
	struct stat st;
	struct timespec at;

	if (stat(success, &st) == 0) {
		at = platform_mtime(&st);
		out->last_success = at.tv_sec * 1000LL + at.tv_nsec / 1000000;
	}
	load_failure(failure, out);
	free(success);
	free(failure);
}
