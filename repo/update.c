#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "flake.h"
#include "git.h"
#include "gitdir.h"
#include "pull.h"
#include "rnd.h"
#include "str.h"
#include "trust.h"
#include "update.h"

#define ROUNDS 5
#define LOCK_MAX (16 * 1024 * 1024)
#define PUSH_ANSWER_MAX (64 * 1024)
#define JITTER_MS 400		/* doubled each round */

void
update_free(struct repo_update *u)
{
	for (size_t i = 0; i < u->nmoved; i++) {
		free(u->moved[i].input);
		free(u->moved[i].from);
		free(u->moved[i].to);
	}
	free(u->moved);
	free(u->message);
	*u = (struct repo_update){ 0 };
}

static int
read_lock(const struct repo *r, const char *dir, struct buf *out, struct err *e)
{
	char *path = file_join(dir, r->lock_path);
	struct err why;
	int rc = file_read(path, LOCK_MAX, out, &why);

	if (rc == -1 && why.code == ERR_NOTFOUND)
		rc = 0;
	else if (rc == -1)
		*e = why;
	free(path);
	return (rc);
}

/* Update flake.lock in ${dir} and say what moved. */
static int
regenerate(struct repo *r, const char *dir, const char *const *inputs,
    struct repo_update *u, struct err *e)
{
	char *flake = r->subdir == NULL ? str_dup(dir) :
	    file_join(dir, r->subdir);
	struct buf before = { 0 }, after = { 0 };
	int rc = -1;

	if (read_lock(r, dir, &before, e) == 0 &&
	    flake_update(r, flake, inputs, e) == 0 &&
	    read_lock(r, dir, &after, e) == 0)
		rc = flake_diff(before.data, before.len, after.data, after.len,
		    u, e);
	u->changed = rc == 0 && u->nmoved > 0;
	buf_free(&before);
	buf_free(&after);
	free(flake);
	return (rc);
}

static int
commit(struct repo *r, const char *message, struct err *e)
{
	const char *const add[] = { "add", "--", r->lock_path, NULL };
	const char *const args[] = { "commit", "--quiet", "--no-verify", "-m",
		message, "--", r->lock_path, NULL };

	if (git_run(r, &(struct git_cmd){ .args = add, .where = GIT_CLONE },
	    NULL, e) == -1)
		return (-1);
	return (git_run(r, &(struct git_cmd){ .args = args,
	    .where = GIT_CLONE }, NULL, e));
}

static enum fail_push
push(struct repo *r, struct err *e)
{
	char *spec = str_printf("HEAD:refs/heads/%s", r->branch);
	const char *const args[] = { "push", "--porcelain", "--no-verify",
		"origin", spec, NULL };
	struct proc_result res;
	int rc = git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_CLONE, .keep = PUSH_ANSWER_MAX }, &res, e);
	enum fail_push how = res.out.len == 0 ? FAIL_PUSH_UNKNOWN :
	    fail_push(res.out.data, res.out.len);

	if (rc == 0)
		how = how == FAIL_PUSH_SAME ? how : FAIL_PUSH_OK;
	else {
		if (how <= FAIL_PUSH_SAME)
			how = FAIL_PUSH_UNKNOWN;
		/* We could read a moment ago, so it is the writing. */
		if (how == FAIL_PUSH_UNKNOWN && (r->fail == REPO_FAIL_AUTH ||
		    r->fail == REPO_FAIL_NO_PUSH ||
		    r->fail == REPO_FAIL_NOT_FOUND))
			how = FAIL_PUSH_DENIED;
	}
	proc_result_free(&res);
	free(spec);
	return (how);
}

/* Wait a random time, longer each round; 0, or -1 if asked to stop. */
static int
pause_round(struct repo *r, int round, struct err *e)
{
	struct pollfd p = { .fd = r->stop_fd, .events = POLLIN };
	int ms = (int)rnd_below((uint32_t)JITTER_MS << round) + 20;

	if (poll(&p, 1, ms) > 0)
		return (git_fail(r, REPO_FAIL_STOPPED, e, "update stopped"));
	return (0);
}

enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

/* flake.lock has moved in the tree: bring it to the server. */
static enum step
publish(struct repo *r, struct repo_update *u, struct err *e)
{
	char head[REPO_REV];

	u->message = flake_message(u);
	if (commit(r, u->message, e) == -1)
		return (STEP_FAILED);
	/* What the others would refuse is not pushed. */
	if (gitdir_ref(r->dir, "HEAD", head) == -1 ||
	    trust_signed(r, r->dir, head, e) == -1)
		return (err_wrap(e, "the update was not pushed"),
		    STEP_FAILED);
	u->rounds++;
	switch (push(r, e)) {
	case FAIL_PUSH_OK:
		u->pushed = true;
		return (STEP_DONE);
	case FAIL_PUSH_SAME:
		git_note(r, "another host pushed the same update");
		return (STEP_DONE);
	case FAIL_PUSH_RACE:
		git_note(r, "somebody else pushed first");
		return (STEP_AGAIN);
	case FAIL_PUSH_DENIED:
		git_note(r, "no push access, flake.lock stays as the branch "
		    "has it: %s", e->text);
		u->no_push = true;
		return (STEP_DONE);
	case FAIL_PUSH_UNKNOWN:
		break;
	}
	return (STEP_FAILED);
}

static void
forget_moves(struct repo_update *u)
{
	struct repo_update clean = { .rounds = u->rounds,
		.change = u->change };

	u->rounds = 0;
	update_free(u);
	*u = clean;
}

static enum step
one_round(struct repo *r, const char *const *inputs, bool dry,
    struct repo_update *u, struct err *e)
{
	enum step step = STEP_FAILED;
	char head[REPO_REV];
	struct err ignored;

	if (gitdir_ref(r->dir, "HEAD", head) == -1)
		return (git_fail(r, REPO_FAIL_OTHER, e, "no HEAD"), step);
	if (regenerate(r, r->dir, inputs, u, e) == 0)
		step = u->changed && !dry ? publish(r, u, e) : STEP_DONE;
	/* The server has our commit: stay on it. */
	if (step == STEP_DONE && u->message != NULL && !u->no_push &&
	    gitdir_ref(r->dir, "HEAD", head) == -1)
		return (git_fail(r, REPO_FAIL_OTHER, e, "no HEAD"),
		    STEP_FAILED);
	if (pull_settle(r, head, step == STEP_FAILED ? &ignored : e) == -1)
		return (STEP_FAILED);
	memcpy(u->change.to, head, sizeof(head));
	return (step);
}

/* In a person's directory: only flake.lock, no commit, no push. */
static int
update_legacy(struct repo *r, const char *const *inputs,
    struct repo_update *u, struct err *e)
{
	(void)!gitdir_ref(r->legacy_dir, "HEAD", u->change.from);
	memcpy(u->change.to, u->change.from, sizeof(u->change.to));
	return (regenerate(r, r->legacy_dir, inputs, u, e));
}

static int
update_rounds(struct repo *r, const char *const *inputs, bool dry,
    struct repo_update *u, struct err *e)
{
	struct repo_change ch;

	for (int round = 0; round < ROUNDS; round++) {
		if (round > 0) {
			forget_moves(u);
			if (pause_round(r, round - 1, e) == -1)
				return (-1);
		}
		if (pull_run(r, &ch, e) == -1)
			return (-1);
		if (round == 0)
			u->change = ch;
		switch (one_round(r, inputs, dry, u, e)) {
		case STEP_DONE:
			if (round > 0 && !u->changed)
				git_note(r, "another host pushed the same "
				    "update");
			u->change.changed = !str_eq(u->change.from,
			    u->change.to);
			return (0);
		case STEP_FAILED:
			return (-1);
		case STEP_AGAIN:
			break;
		}
	}
	return (git_fail(r, REPO_FAIL_CONFLICT, e, "flake.lock was updated "
	    "but %d pushes were too late", ROUNDS));
}

int
update_run(struct repo *r, const char *const *inputs, bool dry,
    struct repo_update *res, struct err *e)
{
	struct repo_update u = { 0 };
	int rc = r->legacy_dir != NULL ? update_legacy(r, inputs, &u, e) :
	    update_rounds(r, inputs, dry, &u, e);

	if (rc == -1)
		update_free(&u);
	else
		*res = u;
	return (rc);
}
