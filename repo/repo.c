#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "askpass.h"
#include "clone.h"
#include "fail.h"
#include "file.h"
#include "flock.h"
#include "git.h"
#include "gitdir.h"
#include "handle.h"
#include "history.h"
#include "last.h"
#include "legacy.h"
#include "maintain.h"
#include "platform.h"
#include "pull.h"
#include "str.h"
#include "tree.h"
#include "trust.h"
#include "update.h"
#include "verify.h"

/* Another worker of ours may just be ending. */
#define LOCK_WAIT_MS 5000
#define UPKEEP_S (24 * 60 * 60)

static int
check_path(const char *what, const char *path, struct err *e)
{
	if (path == NULL || path[0] != '/' ||
	    path[strspn(path, "/")] == '\0')
		return (err_set(e, ERR_INPUT, "%s must be an absolute path "
		    "below /, not \"%s\"", what, path == NULL ? "" : path));
	for (; *path != '\0'; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return (err_set(e, ERR_INPUT, "%s holds a control "
			    "character", what));
	return (0);
}

/* Words with single slashes between them, none of them ".", ".." or .git. */
static bool
subdir_ok(const char *s)
{
	size_t n;

	for (;; s += n + 1) {
		n = strcspn(s, "/");
		if (n == 0 || s[0] == '-' || (n <= 2 && s[0] == '.' &&
		    s[n - 1] == '.') || (n == 4 && str_prefix(s, ".git")))
			return (false);
		if (s[n] == '\0' || s[n + 1] == '\0')
			return (true);
	}
}

static int
check_conf(const struct repo_conf *c, struct remote *remote, struct err *e)
{
	if (check_path("the state directory", c->state_dir, e) == -1)
		return (-1);
	if (c->legacy_dir != NULL)
		return (check_path("NIXFLEET_NIXCFG", c->legacy_dir, e));
	if (c->url == NULL || c->branch == NULL)
		return (err_set(e, ERR_INPUT, "no repository is configured "
		    "(NIXFLEET_REPO_URL, NIXFLEET_BRANCH)"));
	if (check_path("the clone's directory (NIXFLEET_REPO_DIR)", c->dir,
	    e) == -1 || remote_branch_check(c->branch, e) == -1)
		return (-1);
	if (c->subdir != NULL && !subdir_ok(c->subdir))
		return (err_set(e, ERR_INPUT, "\"%s\" (NIXFLEET_REPO_SUBDIR) "
		    "is no directory inside the repository", c->subdir));
	if (c->seed != NULL && check_path("the seed (NIXFLEET_REPO_SEED)",
	    c->seed, e) == -1)
		return (-1);
	if (c->depth < 0)
		return (err_set(e, ERR_INPUT, "the depth of the clone must "
		    "not be negative"));
	if (remote_parse(c->url, remote, e) == -1)
		return (-1);
	if (c->token_file != NULL && remote->proto == REMOTE_HTTP &&
	    !remote_loopback(remote)) {
		remote_done(remote);
		return (err_set(e, ERR_INPUT, "a token is not sent over plain "
		    "http; use https for the repository's URL"));
	}
	return (0);
}

/* A copy without slashes at the end, as siblings are named after it. */
static char *
copy_path(const char *path)
{
	size_t n = path == NULL ? 0 : strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return (path == NULL ? NULL : str_ndup(path, n));
}

int
repo_open(const struct repo_conf *c, struct repo **out, struct err *e)
{
	struct remote remote = { 0 };
	struct repo *r;

	if (check_conf(c, &remote, e) == -1)
		return (-1);
	r = str_alloc(sizeof(*r));
	*r = (struct repo){ .remote = remote, .url = str_dup(c->url),
		.branch = str_dup(c->branch), .dir = copy_path(c->dir),
		.state_dir = copy_path(c->state_dir),
		.ssh_key = str_dup(c->ssh_key),
		.known_hosts = str_dup(c->known_hosts),
		.token_file = str_dup(c->token_file),
		.legacy_dir = copy_path(c->legacy_dir), .depth = c->depth,
		.net_ms = c->fetch_timeout_ms > 0 ? c->fetch_timeout_ms :
		    HANDLE_FETCH_MS,
		.local_ms = HANDLE_LOCAL_MS,
		.upkeep_s = c->upkeep_s > 0 ? c->upkeep_s : UPKEEP_S,
		.upkeep_ms = c->upkeep_timeout_ms > 0 ?
		    c->upkeep_timeout_ms : HANDLE_LOCAL_MS,
		.stop_fd = c->stop_fd, .on_line = c->on_line,
		.on_note = c->on_note, .cookie = c->cookie };
	r->askpass = c->askpass != NULL ? str_dup(c->askpass) :
	    platform_executable();
	if (r->askpass == NULL)
		r->askpass = str_dup("false");
	r->commit_name = str_dup(c->commit_name != NULL ? c->commit_name :
	    "NixFleet");
	r->commit_email = str_dup(c->commit_email != NULL ?
	    c->commit_email : "nixfleet@localhost");
	r->subdir = copy_path(c->subdir);
	r->seed = str_dup(c->seed);
	r->lock_path = str_printf("%s%sflake.lock", r->subdir != NULL ?
	    r->subdir : "", r->subdir != NULL ? "/" : "");
	r->signing_key = str_dup(c->signing_key);
	r->signers = str_dup(c->allowed_signers);
	r->gpg_keys = str_dup(c->gpg_keys);
	r->ff_only = c->fast_forward;
	r->submodules = c->submodules;
	r->home = file_join(r->state_dir, "git");
	if (r->legacy_dir == NULL) {
		r->fresh = str_printf("%s.new", r->dir);
		r->old = str_printf("%s.old", r->dir);
		r->tracking = str_printf("refs/remotes/origin/%s", r->branch);
		r->refspec = str_printf("+refs/heads/%s:%s", r->branch,
		    r->tracking);
	}
	*out = r;
	return (0);
}

void
repo_free(struct repo **rp)
{
	struct repo *r = *rp;

	if (r == NULL)
		return;
	char *const all[] = { r->url, r->branch, r->dir, r->state_dir,
		r->ssh_key, r->known_hosts, r->token_file, r->askpass,
		r->legacy_dir, r->commit_name, r->commit_email, r->home,
		r->fresh, r->old, r->tracking, r->refspec, r->signing_key,
		r->signers, r->gpg_keys, r->subdir, r->seed, r->lock_path };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]);
	remote_done(&r->remote);
	free(r);
	*rp = NULL;
}

const char *
repo_lock_path(const struct repo *r)
{
	return (r->lock_path);
}

/* One operation under the lock; the descriptor, or -1. */
static int
begin(struct repo *r, struct err *e)
{
	char *path = file_join(r->home, "lock");
	int fd = -1;

	r->fail = REPO_FAIL_NONE;
	r->unasked = false;
	r->refused[0] = '\0';
	if (file_mkdirs(r->state_dir, 0700, e) == 0 &&
	    file_mkdirs(r->home, 0700, e) == 0)
		fd = flock_take(path, LOCK_WAIT_MS, e);
	if (fd == -1)
		r->fail = fail_from_err(e);
	free(path);
	return (fd);
}

/* Settle the word for what happened; passes ${rc} on and fills ${out}. */
static int
end(struct repo *r, int fd, int rc, const struct err *why, bool record,
    struct err *out)
{
	if (rc == 0)
		r->fail = REPO_FAIL_NONE;
	else if (r->fail == REPO_FAIL_NONE)
		r->fail = fail_from_err(why);
	/* Neither says anything about the repository. */
	if (record && r->fail != REPO_FAIL_BUSY &&
	    r->fail != REPO_FAIL_STOPPED)
		last_record(r, why);
	if (fd != -1)
		close(fd);
	if (rc == -1 && out != NULL)
		*out = *why;
	return (rc);
}

typedef int	 change_fn(struct repo *, struct repo_change *, struct err *);

static int
change(struct repo *r, change_fn *fn, struct repo_change *res, struct err *e)
{
	struct repo_change ch = { 0 };
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1)
		rc = fn(r, &ch, &why);
	if (rc == 0 && res != NULL)
		*res = ch;
	return (end(r, fd, rc, &why, true, e));
}

int
repo_ensure(struct repo *r, struct repo_change *ch, struct err *e)
{
	return (change(r, r->legacy_dir != NULL ? legacy_ensure : pull_ensure,
	    ch, e));
}

int
repo_pull(struct repo *r, struct repo_change *ch, struct err *e)
{
	return (change(r, r->legacy_dir != NULL ? legacy_pull : pull_run, ch,
	    e));
}

int
repo_reset(struct repo *r, struct repo_change *ch, struct err *e)
{
	return (change(r, r->legacy_dir != NULL ? legacy_refuse : pull_anew,
	    ch, e));
}

int
repo_accept(struct repo *r, const char *rev, struct repo_change *res,
    struct err *e)
{
	struct repo_change ch = { 0 };
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1 && r->legacy_dir != NULL)
		rc = legacy_refuse(r, NULL, &why);
	else if (fd != -1 && (rc = trust_accept(r, rev, &why)) == 0)
		rc = pull_run(r, &ch, &why);
	if (rc == 0 && res != NULL)
		*res = ch;
	return (end(r, fd, rc, &why, true, e));
}

int
repo_update(struct repo *r, const char *const *inputs, bool dry,
    struct repo_update *out, struct err *e)
{
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1)
		rc = update_run(r, inputs, dry, out, &why);
	return (end(r, fd, rc, &why, true, e));
}

void
repo_update_free(struct repo_update *u)
{
	update_free(u);
}

int
repo_export(struct repo *r, const char *rev, const char *dir, struct err *e)
{
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1)
		rc = r->legacy_dir != NULL ? legacy_refuse(r, NULL, &why) :
		    tree_export(r, rev, dir, &why);
	return (end(r, fd, rc, &why, false, e));
}

int
repo_verify(struct repo *r, struct repo_verify *out, struct err *e)
{
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1)
		rc = r->legacy_dir != NULL ? legacy_refuse(r, NULL, &why) :
		    verify_run(r, out, &why);
	return (end(r, fd, rc, &why, false, e));
}

int
repo_maintain(struct repo *r, struct repo_maintain *out, struct err *e)
{
	struct err why = { 0 };
	int fd = begin(r, &why), rc = -1;

	if (fd != -1)
		rc = r->legacy_dir != NULL ? legacy_refuse(r, NULL, &why) :
		    maintain_run(r, out, &why);
	return (end(r, fd, rc, &why, r->fail == REPO_FAIL_DAMAGED, e));
}

void
repo_verify_free(struct repo_verify *v)
{
	verify_free(v);
}

int
repo_check(struct repo *r, char tip[REPO_REV], struct err *e)
{
	struct err why = { 0 };
	int rc;

	r->fail = REPO_FAIL_NONE;
	if (r->legacy_dir != NULL)
		rc = legacy_check(r, tip, &why);
	else if ((rc = git_setup(r, &why)) == 0)
		rc = clone_tip(r, tip, &why);
	return (end(r, -1, rc, &why, false, e));
}

int
repo_head(const struct repo *r, char rev[REPO_REV])
{
	return (gitdir_ref(r->legacy_dir != NULL ? r->legacy_dir : r->dir,
	    "HEAD", rev));
}

enum repo_fail
repo_last_fail(const struct repo *r)
{
	return (r->fail);
}

const char *
repo_fail_name(enum repo_fail f)
{
	return (fail_name(f));
}

int
repo_status(const struct repo *r, struct repo_status *out, struct err *e)
{
	const char *dir = r->legacy_dir != NULL ? r->legacy_dir : r->dir;
	struct repo_status st = { .url = str_dup(r->url),
		.branch = str_dup(r->branch), .dir = str_dup(dir),
		.legacy = r->legacy_dir != NULL,
		.present = gitdir_present(dir) };

	(void)e;
	if (repo_head(r, st.head) == -1)
		st.head[0] = '\0';
	last_load(r, &st);
	st.bytes = tree_bytes(dir);
	st.lfs = tree_lfs(dir);
	*out = st;
	return (0);
}

void
repo_status_free(struct repo_status *s)
{
	free(s->url);
	free(s->branch);
	free(s->dir);
	free(s->fail_text);
	*s = (struct repo_status){ 0 };
}

int
repo_log(struct repo *r, const char *from, const char *to, int max,
    void (*cb)(void *, const struct repo_commit *), void *cookie,
    struct err *e)
{
	struct err why = { 0 };
	int rc = history_log(r, from, to, max, cb, cookie, &why);

	if (rc == -1 && e != NULL)
		*e = why;
	return (rc);
}

int64_t
repo_count(struct repo *r, const char *from, const char *to, struct err *e)
{
	struct err why = { 0 };
	int64_t n = history_count(r, from, to, &why);

	if (n == -1 && e != NULL)
		*e = why;
	return (n);
}

int
repo_show(struct repo *r, const char *rev, const char *path, size_t max,
    struct buf *out, struct err *e)
{
	struct err why = { 0 };
	int rc = history_show(r, rev, path, max, out, &why);

	if (rc == -1 && e != NULL)
		*e = why;
	return (rc);
}

bool
repo_askpass_wanted(void)
{
	return (askpass_wanted());
}

int
repo_askpass_main(int argc, char **argv)
{
	return (askpass_main(argc, argv));
}
