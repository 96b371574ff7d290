#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockage.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#include "ops.h"

#define COMMITS_SHOWN 20
#define SHORT 7

static json_t *
text_json(const char *s)
{
	struct buf clean = { 0 };
	json_t *v;

	if (s == NULL)
		return (json_null());
	utf8_clean(&clean, s, strlen(s));
	v = json_string(clean.data != NULL ? clean.data : "");
	buf_free(&clean);
	return (v);
}

/* Where the branch is, if this operation looked. */
static void
set_tip(const struct opctx *x, json_t *obj)
{
	json_t *tip = json_object_get(x->res.changes, "tip");

	if (tip == NULL)
		tip = json_object_get(x->res.changes, "to");
	if (tip != NULL)
		(void)json_object_set(obj, "tip", tip);
}

void
ops_repo_facts(struct opctx *x)
{
	struct repo_status st;
	json_t *obj;
	bool failed;

	if (repo_status(x->repo, &st, NULL) == -1)
		return;
	failed = st.fail != REPO_FAIL_NONE;
	obj = json_object();
	(void)json_object_set_new(obj, "url", text_json(st.url));
	(void)json_object_set_new(obj, "branch", text_json(st.branch));
	(void)json_object_set_new(obj, "dir", text_json(st.dir));
	(void)json_object_set_new(obj, "legacy", json_boolean(st.legacy));
	(void)json_object_set_new(obj, "present", json_boolean(st.present));
	(void)json_object_set_new(obj, "head",
	    text_json(st.head[0] != '\0' ? st.head : NULL));
	(void)json_object_set_new(obj, "last_success",
	    record_time(st.last_success));
	(void)json_object_set_new(obj, "last_failure",
	    record_time(st.last_failure));
	(void)json_object_set_new(obj, "failure",
	    text_json(failed ? repo_fail_name(st.fail) : NULL));
	(void)json_object_set_new(obj, "failure_text",
	    text_json(failed ? st.fail_text : NULL));
	(void)json_object_set_new(obj, "refused",
	    text_json(st.refused[0] != '\0' ? st.refused : NULL));
	(void)json_object_set_new(obj, "bytes", json_integer(st.bytes));
	if (st.lfs)
		(void)json_object_set_new(obj, "lfs", json_true());
	set_tip(x, obj);
	json_decref(x->res.repo);
	x->res.repo = obj;
	repo_status_free(&st);
}

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	struct opctx *x = cookie;

	joblog_note(x->log, "%.*s %s (%s)", SHORT, c->rev, c->subject,
	    c->author);
}

static void
check_lock(struct opctx *x)
{
	struct deploy_state st;

	deploy_lock_state(x->conf->flake_dir, lockage_committed(x->repo),
	    tick_wall(), &st);
	opctx_check(x, COMPARTMENT_LOCK, (enum check)names_check_parse(
	    deploy_status_name(st.status)), st.message);
	opctx_say(x, "%s", deploy_status_name(st.status));
	deploy_state_free(&st);
}

/* What a change of the clone means for the result. */
static void
report_change(struct opctx *x, const struct repo_change *ch)
{
	int64_t n = -1;

	free(x->res.verified);
	x->res.verified = str_dup(ch->to);
	if (ch->from[0] != '\0' && ch->changed) {
		n = repo_count(x->repo, ch->from, ch->to, NULL);
		if (repo_log(x->repo, ch->from, ch->to, COMMITS_SHOWN,
		    on_commit, x, NULL) == 0 && n > COMMITS_SHOWN)
			joblog_note(x->log, "and %" PRId64 " more",
			    n - COMMITS_SHOWN);
	}
	opctx_change(x, "from", text_json(ch->from[0] != '\0' ? ch->from :
	    NULL));
	opctx_change(x, "to", text_json(ch->to));
	if (n >= 0)
		opctx_change(x, "commits", json_integer(n));
	if (ch->forced)
		opctx_change(x, "forced", json_true());
	if (ch->changed || ch->cloned)
		check_lock(x);
	if (ch->changed && ch->from[0] != '\0')
		opctx_check(x, COMPARTMENT_SYSTEM, CHECK_OUTDATED,
		    "the configuration changed: switch to apply it");
	if (ch->cloned)
		opctx_say(x, "cloned at %.*s", SHORT, ch->to);
	else if (!ch->changed)
		opctx_say(x, "already at %.*s%s", SHORT, ch->to,
		    ch->repaired ? "; the tree was repaired" : "");
	else if (n >= 0)
		opctx_say(x, "%.*s to %.*s, %" PRId64 " commit%s%s", SHORT,
		    ch->from, SHORT, ch->to, n, n == 1 ? "" : "s",
		    ch->forced ? "; the branch was rewritten" : "");
	else
		opctx_say(x, "now at %.*s", SHORT, ch->to);
}

int
ops_repo_head(struct opctx *x, char head[REPO_REV], struct err *e)
{
	if (repo_head(x->repo, head) == -1)
		return (err_set(e, ERR_NOTFOUND, "there is no clone of the "
		    "configuration yet: pull first"));
	if (repo_ensure(x->repo, NULL, e) == -1)
		return (-1);
	if (repo_head(x->repo, head) == -1)
		return (err_set(e, ERR_DAMAGED, "the clone has no HEAD"));
	return (x->conf->build_dir == NULL ? 0 : repo_export(x->repo, head,
	    x->conf->build_dir, e));
}

enum outcome
ops_pull(struct opctx *x)
{
	struct repo_change ch;
	struct err e = { 0 };

	opctx_phase(x, "fetch");
	if (repo_pull(x->repo, &ch, &e) == -1)
		return (opctx_fail(x, &e));
	report_change(x, &ch);
	return (OUTCOME_OK);
}

enum outcome
ops_repo_reset(struct opctx *x)
{
	struct repo_change ch;
	struct err e = { 0 };

	opctx_phase(x, "clone");
	if (repo_reset(x->repo, &ch, &e) == -1)
		return (opctx_fail(x, &e));
	report_change(x, &ch);
	return (OUTCOME_OK);
}

enum outcome
ops_repo_accept(struct opctx *x)
{
	const char *rev = json_string_value(json_object_get(x->req.args,
	    "revision"));
	struct repo_change ch;
	struct err e = { 0 };

	opctx_phase(x, "fetch");
	if (repo_accept(x->repo, rev != NULL ? rev : "", &ch, &e) == -1)
		return (opctx_fail(x, &e));
	report_change(x, &ch);
	return (OUTCOME_OK);
}

enum outcome
ops_repo_maintain(struct opctx *x)
{
	struct repo_maintain m;
	struct err e = { 0 };

	opctx_phase(x, "maintain");
	if (repo_maintain(x->repo, &m, &e) == -1)
		return (opctx_fail(x, &e));
	opctx_say(x, "%s%s", m.skipped ? "nothing done: pull first" :
	    m.checked ? "checked" : "checked within a day",
	    m.repacked ? ", packed" : "");
	opctx_change(x, "bytes_before", json_integer(m.before));
	opctx_change(x, "bytes", json_integer(m.after));
	return (OUTCOME_OK);
}

enum outcome
ops_repo_verify(struct opctx *x)
{
	struct repo_verify v;
	struct err e = { 0 };
	bool sound;

	opctx_phase(x, "verify");
	if (repo_verify(x->repo, &v, &e) == -1)
		return (opctx_fail(x, &e));
	sound = v.sound;
	if (sound)
		opctx_say(x, "sound: %zu files compared", v.files);
	else
		opctx_say(x, "%zu problems; see the log, then pull or "
		    "repo-reset", v.nproblems);
	for (char *line = v.text.data, *nl; line != NULL && *line != '\0';
	    line = nl) {
		nl = line + strcspn(line, "\n");
		joblog_add(x->log, STREAM_STDERR, line, (size_t)(nl - line));
		nl += *nl == '\n';
	}
	opctx_change(x, "sound", json_boolean(sound));
	opctx_change(x, "problems", json_integer((json_int_t)v.nproblems));
	repo_verify_free(&v);
	return (sound ? OUTCOME_OK : OUTCOME_FAILED);
}

static json_t *
moved_json(const struct repo_update *u)
{
	json_t *list = json_array(), *one;
	size_t i;

	for (i = 0; i < u->nmoved; i++) {
		one = json_object();
		(void)json_object_set_new(one, "input",
		    text_json(u->moved[i].input));
		(void)json_object_set_new(one, "from",
		    text_json(u->moved[i].from));
		(void)json_object_set_new(one, "to",
		    text_json(u->moved[i].to));
		(void)json_array_append_new(list, one);
	}
	return (list);
}

/* The names in args.inputs, NULL-terminated; borrowed names. */
static const char **
inputs_of(const struct opctx *x)
{
	const json_t *list = json_object_get(x->req.args, "inputs");
	const char **names;
	size_t i, n = json_array_size(list);

	names = str_alloc((n + 1) * sizeof(*names));
	for (i = 0; i < n; i++)
		names[i] = json_string_value(json_array_get(list, i));
	return (names);
}

enum outcome
ops_update(struct opctx *x)
{
	bool dry = json_is_true(json_object_get(x->req.args, "dry"));
	const char **inputs = inputs_of(x);
	struct repo_update u = { 0 };
	struct err e = { 0 };
	bool no_push;
	int rc;

	opctx_phase(x, "update");
	rc = repo_update(x->repo, inputs, dry, &u, &e);
	free(inputs);
	if (rc == -1) {
		repo_update_free(&u);
		return (opctx_fail(x, &e));
	}
	report_change(x, &u.change);
	opctx_change(x, "inputs", moved_json(&u));
	opctx_change(x, "pushed", json_boolean(u.pushed));
	no_push = u.no_push && !dry;
	if (!u.changed)
		opctx_say(x, "every input is up to date");
	else if (dry)
		opctx_say(x, "%zu input%s would move", u.nmoved,
		    u.nmoved == 1 ? "" : "s");
	else if (u.pushed)
		opctx_say(x, "%zu input%s moved and pushed", u.nmoved,
		    u.nmoved == 1 ? "" : "s");
	else if (!no_push)
		opctx_say(x, "somebody else pushed the same update first");
	repo_update_free(&u);
	if (!no_push)
		return (OUTCOME_OK);
	/* Who may not push goes on with what the branch has. */
	joblog_note(x->log, "the repository may be read but not written: "
	    "switching to what the branch has instead");
	return (ops_switch(x));
}

enum outcome
ops_refresh_git(struct opctx *x)
{
	char tip[REPO_REV], head[REPO_REV];
	struct err e = { 0 };

	if (x->conf->legacy_dir != NULL) {
		opctx_say(x, "NIXFLEET_NIXCFG: somebody else's checkout is "
		    "not looked at");
		return (OUTCOME_OK);
	}
	opctx_phase(x, "fetch");
	if (repo_check(x->repo, tip, &e) == -1)
		return (opctx_fail(x, &e));
	if (repo_head(x->repo, head) == -1)
		opctx_say(x, "the branch is at %.*s; there is no clone yet",
		    SHORT, tip);
	else if (strcmp(head, tip) == 0)
		opctx_say(x, "up to date at %.*s", SHORT, tip);
	else
		opctx_say(x, "the branch is at %.*s, this host at %.*s",
		    SHORT, tip, SHORT, head);
	opctx_change(x, "tip", json_string(tip));
	return (OUTCOME_OK);
}

enum outcome
ops_refresh_lock(struct opctx *x)
{

	check_lock(x);
	return (OUTCOME_OK);
}
