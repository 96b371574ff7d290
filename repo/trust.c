#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "fail.h"
#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "str.h"
#include "trust.h"

#define RECORD_MAX (64 * 1024)
#define IMPORT_MS (60 * 1000)
#define KEYS_MAX (16 * 1024 * 1024)
/* "HASH HASH": of both files of keys. */
#define KEYS_SIZE 132

/* What passed last, in STATE_DIR/git/trusted. */
struct passed {
	char *url, *branch, *revision, *keys;
};

/* Is there anything to check? */
static bool
wanted(const struct repo *r)
{
	return (r->signers != NULL || r->gpg_keys != NULL || r->ff_only);
}

static void
passed_done(struct passed *p)
{
	free(p->url);
	free(p->branch);
	free(p->revision);
	free(p->keys);
}

static char *
member(const json_t *obj, const char *name)
{
	return (str_dup(json_string_value(json_object_get(obj, name))));
}

static void
passed_load(const struct repo *r, struct passed *p)
{
	char *path = file_join(r->home, "trusted");
	struct buf b = { 0 };
	json_t *obj = NULL;

	if (file_read(path, RECORD_MAX, &b, NULL) == 0 && b.len > 0)
		obj = json_loadb(b.data, b.len, 0, NULL);
	*p = (struct passed){ .url = member(obj, "url"),
		.branch = member(obj, "branch"),
		.revision = member(obj, "revision"),
		.keys = member(obj, "keys") };
	json_decref(obj);
	buf_free(&b);
	free(path);
}

static int
passed_save(const struct repo *r, const char *tip, const char *keys,
    struct err *e)
{
	char *path = file_join(r->home, "trusted"), *text;
	json_t *obj = json_pack("{s:s, s:s, s:s, s:s}", "url", r->url,
	    "branch", r->branch, "revision", tip, "keys", keys);
	int rc;

	if (obj == NULL || (text = json_dumps(obj, JSON_COMPACT)) == NULL)
		rc = err_set(e, ERR_INPUT, "the URL is no UTF-8 text, which "
		    "the record of what is trusted needs");
	else {
		rc = file_write(path, text, strlen(text), 0600, e);
		free(text);
	}
	json_decref(obj);
	free(path);
	return (rc);
}

static int
add_keys(struct repo *r, const char *path, char *out, struct err *e)
{
	struct buf b = { 0 };
	struct err why;
	int rc = 0;

	if (path == NULL)
		memcpy(out, "-", 2);
	else if (file_read(path, KEYS_MAX, &b, &why) == -1)
		rc = git_fail(r, REPO_FAIL_CREDENTIALS, e, "trusted keys: %s",
		    why.text);
	else if (blob_name(b.data != NULL ? b.data : "", b.len, 64, out) == -1)
		rc = git_fail(r, REPO_FAIL_OTHER, e, "%s cannot be hashed",
		    path);
	buf_free(&b);
	return (rc);
}

/* Which keys are trusted now, as one word that changes with them. */
static int
keys_now(struct repo *r, char out[KEYS_SIZE], struct err *e)
{
	if (add_keys(r, r->signers, out, e) == -1)
		return (-1);
	strcat(out, " ");
	return (add_keys(r, r->gpg_keys, out + strlen(out), e));
}

static bool
accepted(const struct repo *r, const char *rev)
{
	char *path = file_join(r->home, "accepted");
	struct buf b = { 0 };
	bool yes;

	yes = file_read(path, RECORD_MAX, &b, NULL) == 0 && b.len > 0 &&
	    str_eq(str_trim(b.data), rev);
	buf_free(&b);
	free(path);
	return (yes);
}

int
trust_accept(struct repo *r, const char *rev, struct err *e)
{
	char *path, *text;
	int rc;

	if (!gitdir_is_rev(rev))
		return (git_fail(r, REPO_FAIL_CONFIG, e, "\"%s\" is no full "
		    "revision; \"nixfleet repo status\" shows the refused "
		    "one", rev));
	path = file_join(r->home, "accepted");
	text = str_printf("%s\n", rev);
	rc = file_write(path, text, strlen(text), 0600, e);
	free(text);
	free(path);
	return (rc);
}

/*
 * An import that brings something new looks for an agent, and fails where
 * the name of its socket would be too long: the second has nothing new, and
 * says whether the keys are good.
 */
static int
run_import(const struct proc_spec *ps, struct err *why)
{
	int rc = -1;

	for (int i = 0; i < 2 && rc == -1; i++) {
		struct proc_result res = { 0 };

		if (proc_run(ps, &res, why) == 0)
			rc = proc_check(ps, &res, why);
		proc_result_free(&res);
	}
	return (rc);
}

/* gpg reads ~/.gnupg, and HOME is ours: made anew with these keys alone. */
static int
import_gpg(struct repo *r, struct err *e)
{
	char *dir = file_join(r->home, ".gnupg");
	const char *const argv[] = { "gpg", "--batch", "--quiet",
		"--no-autostart", "--homedir", dir, "--import", r->gpg_keys,
		NULL };
	struct proc_env env = { 0 };
	struct proc_spec ps = { .argv = argv, .deadline = IMPORT_MS,
		.stop_fd = r->stop_fd, .keep_err = 4096 };
	struct err why;
	int rc = -1;

	proc_env_keep(&env, "PATH");
	proc_env_set(&env, "HOME", r->home);
	proc_env_set(&env, "LC_ALL", "C");
	ps.env = proc_env_get(&env);
	if (file_rmtree(dir, e) == 0 && file_mkdirs(dir, 0700, e) == 0) {
		if (run_import(&ps, &why) == -1)
			git_fail(r, REPO_FAIL_CREDENTIALS, e, "the keys in "
			    "%s: %s", r->gpg_keys, why.text);
		else
			rc = 0;
	}
	proc_env_free(&env);
	free(dir);
	return (rc);
}

static int
refuse(struct repo *r, const char *tip, enum repo_fail f, struct err *e,
    const char *why)
{
	memcpy(r->refused, tip, strlen(tip) + 1);
	return (git_fail(r, f, e, "revision %s is refused: %s", tip, why));
}

int
trust_signed(struct repo *r, const char *dir, const char *tip,
    struct err *e)
{
	const char *const args[] = { "verify-commit", tip, NULL };
	struct proc_result res;
	struct buf why = { 0 };
	int rc;

	if (r->signers == NULL && r->gpg_keys == NULL)
		return (0);
	if (r->gpg_keys != NULL && import_gpg(r, e) == -1)
		return (-1);
	rc = git_run(r, &(struct git_cmd){ .args = args, .where = GIT_CLONE,
	    .dir = dir }, &res, e);
	if (rc == -1 && res.end == PROC_EXITED && res.code != 0) {
		buf_adds(&why, "no trusted key has signed it");
		if (res.err.len > 0) {
			buf_adds(&why, ": ");
			fail_reason(res.err.data, res.err.len, &why);
		}
		rc = refuse(r, tip, REPO_FAIL_UNTRUSTED, e, why.data);
	}
	proc_result_free(&res);
	buf_free(&why);
	return (rc);
}

bool
trust_is_ancestor(struct repo *r, const char *dir, const char *old,
    const char *new)
{
	const char *const args[] = { "merge-base", "--is-ancestor", old, new,
		NULL };
	enum repo_fail was = r->fail;
	struct err ignored;
	bool yes = git_run(r, &(struct git_cmd){ .args = args, .quiet = true,
	    .where = GIT_CLONE, .dir = dir }, NULL, &ignored) == 0;

	r->fail = was;
	return (yes);
}

static int
check_history(struct repo *r, const char *dir, const char *base,
    const char *tip, struct err *e)
{
	if (!r->ff_only || base == NULL || base[0] == '\0' ||
	    str_eq(base, tip) || trust_is_ancestor(r, dir, base, tip))
		return (0);
	return (refuse(r, tip, REPO_FAIL_REWRITTEN, e, "the branch was "
	    "rewritten and does not contain the last trusted revision"));
}

int
trust_check(struct repo *r, const char *dir, const char *from,
    const char *tip, struct err *e)
{
	char keys[KEYS_SIZE];
	struct passed p;
	bool same, done;
	int rc = 0;

	if (!wanted(r))
		return (0);
	if (keys_now(r, keys, e) == -1)
		return (-1);
	passed_load(r, &p);
	same = str_eq(p.url, r->url) && str_eq(p.branch, r->branch);
	done = same && str_eq(p.revision, tip) && str_eq(p.keys, keys);
	if (!done && accepted(r, tip))
		git_note(r, "an operator accepted revision %s", tip);
	else if (!done && (check_history(r, dir, same ? p.revision : from,
	    tip, e) == -1 || trust_signed(r, dir, tip, e) == -1))
		rc = -1;
	if (rc == 0 && !done)
		rc = passed_save(r, tip, keys, e);
	passed_done(&p);
	return (rc);
}
