#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#include "settle.h"

#define LAST_MAX 5

static void
remember(struct daemon *d, const struct journal_result *res)
{

	if (d->last == NULL)
		d->last = json_array();
	(void)json_array_insert_new(d->last, 0, journal_result_json(res));
	while (json_array_size(d->last) > LAST_MAX)
		(void)json_array_remove(d->last, LAST_MAX);
}

static void
verify(struct daemon *d, const struct journal_result *res)
{
	const char *url = settings_str(d->conf->set, SET_REPO_URL);

	if (res->verified == NULL || url == NULL)
		return;
	json_decref(d->state.verified);
	d->state.verified = json_pack("{s:s, s:s, s:s, s:s?}", "url", url,
	    "branch", settings_str(d->conf->set, SET_BRANCH),
	    "revision", res->verified, "at", res->finished_at);
}

/* The branch is where it was last seen if nobody looked again. */
static void
keep_tip(const struct daemon *d, json_t *repo)
{
	json_t *tip = json_object_get(d->state.repo, "tip");

	if (tip != NULL && json_object_get(repo, "tip") == NULL)
		(void)json_object_set(repo, "tip", tip);
}

static void
apply(struct daemon *d, const struct journal_result *res)
{

	follower_ended(d->follower, res->op_id);

	agentstate_apply(&d->state, res->compartments);
	verify(d, res);
	if (json_is_object(res->repo)) {
		keep_tip(d, res->repo);
		json_decref(d->state.repo);
		d->state.repo = json_incref(res->repo);
	}
	if (d->state.last_op == NULL ||
	    strcmp(d->state.last_op, res->op_id) < 0) {
		free(d->state.last_op);
		d->state.last_op = str_dup(res->op_id);
	}
}

static void
save(struct daemon *d)
{
	struct err e = { 0 };

	if (agentstate_save(d->conf->state_dir, &d->state, &e) == -1)
		log_error("cannot save the state", "error", e.text);
}

void
settle_result(struct daemon *d, const char *op_id)
{
	struct journal_result res;
	struct err e = { 0 };

	if (journal_result(d->journal, op_id, &res, &e) == -1) {
		log_error("no result", "op_id", op_id, "error", e.text);
		return;
	}
	log_write(str_eq(res.outcome, names_outcome(OUTCOME_OK)) ? LOG_INFO :
	    LOG_WARN, "operation over", "op", res.op, "op_id", op_id,
	    "outcome", res.outcome, "message", res.message, NULL);
	remember(d, &res);
	apply(d, &res);
	save(d);
	journal_result_free(&res);
}

void
settle_recover(struct daemon *d)
{
	struct journal_result res;
	struct err e = { 0 };
	bool changed = false;
	char **ids;
	size_t n, i;

	if (journal_list(d->journal, &ids, &n, &e) == -1) {
		log_error("cannot read the journal", "error", e.text);
		return;
	}
	for (i = 0; i < n; i++) {
		if (journal_result(d->journal, ids[i], &res, NULL) == -1)
			continue;
		remember(d, &res);
		if (d->state.last_op == NULL ||
		    strcmp(ids[i], d->state.last_op) > 0) {
			apply(d, &res);
			changed = true;
		}
		journal_result_free(&res);
	}
	journal_list_free(ids, n);
	if (!str_eq(d->state.hostname, d->conf->hostname)) {
		free(d->state.hostname);
		d->state.hostname = str_dup(d->conf->hostname);
		changed = true;
	}
	if (changed)
		save(d);
}

static json_t *
hub_status(const struct daemon *d)
{
	static const char *const words[] = {
		[HUBLINK_WAITING] = "disconnected",
		[HUBLINK_CONNECTING] = "connecting",
		[HUBLINK_OPEN] = "connected",
		[HUBLINK_CLOSED] = "closed",
	};
	char at[TICK_TEXT];
	const char *reason;

	if (d->link == NULL)
		return (json_pack("{s:n, s:s, s:n, s:n, s:n}", "url", "state",
		    "none", "since", "reason", "dialect"));
	reason = hublink_reason(d->link);
	return (json_pack("{s:s, s:s, s:s, s:s?, s:o}",
	    "url", d->conf->url_text,
	    "state", words[hublink_state(d->link)],
	    "since", tick_text(hublink_since(d->link), at),
	    "reason", reason[0] != '\0' ? reason : NULL,
	    "dialect", d->dialect > 0 ? json_integer(d->dialect) :
	    json_null()));
}

static json_t *
clone_json(const struct daemon *d)
{

	if (d->state.repo != NULL)
		return (beat_repo(d->beat));
	return (json_pack("{s:s?, s:s?, s:s, s:b}", "url",
	    settings_str(d->conf->set, SET_REPO_URL), "branch",
	    settings_str(d->conf->set, SET_BRANCH), "dir", d->conf->repo_dir,
	    "legacy", d->conf->legacy_dir != NULL));
}

/* The clone, and when the branch was and will be looked at. */
static json_t *
repo_json(const struct daemon *d, const json_t *follow)
{
	static const char *const times[] = { "last_poll", "next_poll" };
	json_t *obj = clone_json(d), *v;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if ((v = json_object_get(follow, times[i])) != NULL)
			(void)json_object_set(obj, times[i], v);
	(void)json_object_set(obj, "held_back", json_object_get(follow,
	    "held_back"));
	return (obj);
}

static json_t *
running_json(const struct daemon *d)
{
	struct journal_progress p;
	struct jobs_info info;
	char at[TICK_TEXT];
	json_t *obj;

	if (daemon_job(d, &info) == NULL)
		return (json_null());
	obj = json_pack("{s:s, s:s, s:s, s:i}", "op_id", info.op_id, "op",
	    info.op, "started_at", tick_text(info.started, at), "pid",
	    (int)info.pid);
	if (journal_progress(d->journal, info.op_id, &p)) {
		(void)json_object_set_new(obj, "progress", json_pack(
		    "{s:s, s:I, s:I, s:s}", "phase", p.phase, "done",
		    (json_int_t)p.done, "expected", (json_int_t)p.expected,
		    "text", p.text != NULL ? p.text : ""));
		journal_progress_free(&p);
	}
	return (obj);
}

json_t *
settle_status(struct daemon *d)
{
	struct jobs_info info;
	const struct jobs_info *job = daemon_job(d, &info);
	json_t *obj = json_object(), *standing = beat_standing(d->beat, job);
	json_t *follow = follower_status(d->follower);

	(void)json_object_set_new(obj, "host", json_string(d->conf->hostname));
	(void)json_object_set_new(obj, "agent_version",
	    json_string(d->conf->version));
	(void)json_object_set_new(obj, "kind",
	    json_string(deploy_kind_name(d->conf->kind)));
	(void)json_object_set_new(obj, "hub", hub_status(d));
	(void)json_object_set_new(obj, "repo", repo_json(d, follow));
	(void)json_object_set_new(obj, "follow", follow);
	(void)json_object_update(obj, standing);
	json_decref(standing);
	(void)json_object_set_new(obj, "compartments",
	    beat_compartments(d->beat, WIRE_DIALECT, job));
	(void)json_object_set_new(obj, "operation", running_json(d));
	(void)json_object_set_new(obj, "last", d->last != NULL ?
	    json_deep_copy(d->last) : json_array());
	return (obj);
}
