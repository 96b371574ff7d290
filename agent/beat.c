#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agenthost.h"
#include "digest.h"
#include "file.h"
#include "metrics.h"
#include "ops.h"
#include "record.h"
#include "standing.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#include "beat.h"

/* Look at the system again, also when nothing of ours happened. */
#define LOOK_EVERY 30000
/* A dialect 3 hub must not hear "working" for five minutes (it dead-locks). */
#define WORKING_MAX 240000
#define SHORT_REV 7

struct beat {
	const struct agentconf *conf;
	const struct agentstate *state;
	struct deploy_conf deploy;
	struct repo *repo;
	struct metrics_state metrics;
	struct deploy_facts facts;
	bool have_facts;
	int64_t looked;		/* monotonic, 0: look now */
	char head[REPO_REV];
	char *store_path;	/* our own program */
	char binary_hash[65];
	char lock_hash[65];
	struct stat lock_stat;
	json_t *lock_inputs;
	json_t *follow;		/* NULL: not followed */
	char *sent;		/* the last whole heartbeat, without what
				   always changes */
};

static void
own_binary(struct beat *b)
{
	char path[4096];
	size_t n = sizeof(path);

	if (uv_exepath(path, &n) != 0)
		return;
	b->store_path = str_dup(path);
	if (digest_file(path, b->binary_hash, NULL) == -1)
		b->binary_hash[0] = '\0';
}

int
beat_new(const struct agentconf *conf, const struct agentstate *state,
    struct beat **out, struct err *e)
{
	struct beat *b = str_alloc(sizeof(*b));
	struct repo_conf rc;

	agentconf_repo(conf, &rc);
	if (repo_open(&rc, &b->repo, e) == -1) {
		free(b);
		return (-1);
	}
	b->conf = conf;
	b->state = state;
	agentconf_deploy(conf, &b->deploy);
	own_binary(b);
	*out = b;
	return (0);
}

void
beat_free(struct beat **bp)
{
	struct beat *b = *bp;

	if (b == NULL)
		return;
	if (b->have_facts)
		deploy_facts_free(&b->facts);
	repo_free(&b->repo);
	json_decref(b->lock_inputs);
	json_decref(b->follow);
	free(b->store_path);
	free(b->sent);
	free(b);
	*bp = NULL;
}

bool
beat_head(const struct beat *b, char head[REPO_REV])
{

	if (repo_head(b->repo, head) == 0)
		return (true);
	head[0] = '\0';
	return (false);
}

bool
beat_cloned(const struct beat *b)
{
	const json_t *was = b->state->verified;
	const struct settings *s = b->conf->set;
	char head[REPO_REV];

	return (beat_head(b, head) && (was == NULL ||
	    (str_eq(json_string_value(json_object_get(was, "url")),
	    settings_str(s, SET_REPO_URL)) &&
	    str_eq(json_string_value(json_object_get(was, "branch")),
	    settings_str(s, SET_BRANCH)))));
}

void
beat_follow(struct beat *b, json_t *follow)
{

	/* jansson calls NULL equal to nothing. */
	if (follow == b->follow || json_equal(follow, b->follow))
		return;
	json_decref(b->follow);
	b->follow = json_incref(follow);
	beat_touch(b);
}

void
beat_touch(struct beat *b)
{

	b->looked = 0;
}

/* flake.lock is read again only when its inode says that it changed. */
static void
look_at_lock(struct beat *b)
{
	char *path = file_join(b->conf->flake_dir, "flake.lock");
	struct stat st;

	if (stat(path, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (st.st_ino != b->lock_stat.st_ino ||
	    st.st_size != b->lock_stat.st_size ||
	    st.st_mtim.tv_sec != b->lock_stat.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != b->lock_stat.st_mtim.tv_nsec) {
		b->lock_stat = st;
		b->lock_hash[0] = '\0';
		json_decref(b->lock_inputs);
		b->lock_inputs = NULL;
		if (st.st_ino != 0 &&
		    digest_file(path, b->lock_hash, NULL) == 0)
			b->lock_inputs = deploy_lock_inputs(
			    b->conf->flake_dir, NULL);
	}
	free(path);
}

static void
look(struct beat *b)
{
	int64_t now = tick_mono();

	if (b->looked != 0 && now - b->looked < LOOK_EVERY)
		return;
	b->looked = now;
	(void)beat_head(b, b->head);
	look_at_lock(b);
	if (b->have_facts)
		deploy_facts_free(&b->facts);
	deploy_facts_get(&b->deploy, &b->facts);
	b->have_facts = true;
}

static char *
setting(const struct beat *b, enum setting which)
{
	const char *v = settings_str(b->conf->set, which);

	return (str_dup(v != NULL ? v : ""));
}

static char *
nixpkgs_version(const struct beat *b)
{
	const char *v = settings_str(b->conf->set, SET_NIXPKGS_VERSION);

	if (v == NULL)
		v = b->facts.nixpkgs_version;
	return (str_dup(v != NULL ? v : ""));
}

/* Dialect 3 shows seven digits. */
static char *
generation(const struct beat *b, int dialect)
{

	return (dialect < 4 ? str_ndup(b->head, strnlen(b->head, SHORT_REV)) :
	    str_dup(b->head));
}

char *
beat_register(struct beat *b, json_t *resume)
{
	struct wire_msg msg = { .type = WIRE_REGISTER };
	struct wire_register *r = &msg.u.reg;
	const char *os;
	char *text;

	beat_touch(b);
	look(b);
	os = b->facts.os_version;
	r->hostname = str_dup(b->conf->hostname);
	r->host_type = str_dup(agenthost_type);
	r->agent_version = str_dup(b->conf->version);
	r->os_version = str_dup(os != NULL ? os : "unknown");
	r->nixpkgs_version = nixpkgs_version(b);
	r->generation = generation(b, 3);
	r->theme_color = setting(b, SET_THEME_COLOR);
	r->heartbeat_interval = b->conf->interval;
	r->location = setting(b, SET_LOCATION);
	r->device_type = setting(b, SET_DEVICE_TYPE);
	r->repo_url = setting(b, SET_REPO_URL);
	r->repo_dir = str_dup(b->conf->repo_dir);
	r->store_path = str_dup(b->store_path);
	r->binary_hash = str_dup(b->binary_hash);
	r->dialect = WIRE_DIALECT;
	r->agent_id = str_dup(b->state->agent_id);
	r->kind = str_dup(deploy_kind_name(b->conf->kind));
	r->resume = json_incref(resume);
	/* Dialect 4's fields ride along: a dialect 3 hub ignores them. */
	text = wire_encode(&msg, WIRE_DIALECT);
	wire_free(&msg);
	return (text);
}

static const char *
repo_text(const struct beat *b, const char *key)
{

	return (json_string_value(json_object_get(b->state->repo, key)));
}

/* Why the branch could not be looked at last; empty if it could. */
static const char *
follow_text(const struct beat *b, const char *key)
{

	return (json_string_value(json_object_get(b->follow, key)));
}

static void
set_one(struct beat *b, json_t *all, enum compartment which, int dialect,
    const struct jobs_info *job)
{
	struct wire_check c = { "", "", "" };
	char at[TICK_TEXT];

	agentstate_get(b->state, which, &c);
	if (which == COMPARTMENT_GIT && b->conf->legacy_dir != NULL) {
		c.message = "NIXFLEET_NIXCFG is deprecated: set "
		    "NIXFLEET_REPO_URL";
	}
	if (which == COMPARTMENT_GIT && repo_text(b, "failure") != NULL) {
		c.status = names_check(CHECK_ERROR);
		c.message = repo_text(b, "failure_text");
		c.checked_at = repo_text(b, "last_failure");
	}
	if (which == COMPARTMENT_GIT && follow_text(b, "failure") != NULL) {
		c.status = names_check(CHECK_ERROR);
		c.message = follow_text(b, "failure_text");
		c.checked_at = follow_text(b, "failed_at");
	}
	if (job != NULL && ops_touches(job->op, which)) {
		c.status = names_check(CHECK_WORKING);
		c.message = job->op;
		c.checked_at = tick_text_s(job->started, at);
		if (dialect < 4 &&
		    tick_wall() - job->started > WORKING_MAX) {
			c.status = names_check(CHECK_UNKNOWN);
			c.message = "still at work";
		}
	}
	wire_check_set(all, which, &c);
}

json_t *
beat_compartments(struct beat *b, int dialect, const struct jobs_info *job)
{
	json_t *all = json_object();

	set_one(b, all, COMPARTMENT_GIT, dialect, job);
	set_one(b, all, COMPARTMENT_LOCK, dialect, job);
	set_one(b, all, COMPARTMENT_SYSTEM, dialect, job);
	set_one(b, all, COMPARTMENT_TESTS, dialect, job);
	return (all);
}

/* Rounded; not by round(): a whole library for one number. */
static double
rounded(double v, int parts)
{

	return ((double)(int64_t)(v * parts + 0.5) / parts);
}

static json_t *
metrics_now(struct beat *b)
{
	struct wire_metrics w;
	struct metrics m;

	if (!metrics_read(&b->metrics, &m))
		return (NULL);
	w.cpu = rounded(m.cpu, 10);
	w.ram = rounded(m.ram, 10);
	w.swap = rounded(m.swap, 10);
	w.load = rounded(m.load, 100);
	return (wire_metrics_json(&w));
}

json_t *
beat_repo(const struct beat *b)
{
	static const struct { const char *key; enum setting set; } words[] = {
		{ "url", SET_REPO_URL }, { "branch", SET_BRANCH },
	};
	json_t *obj = json_object(), *member;
	const char *key, *v;
	size_t i;

	/* What there is not, such as a failure, is left out. */
	json_object_foreach(b->state->repo, key, member)
		if (!json_is_null(member))
			(void)json_object_set(obj, key, member);
	for (i = 0; i < 2 && b->conf->legacy_dir == NULL; i++)
		if ((v = settings_str(b->conf->set, words[i].set)) != NULL)
			(void)json_object_set_new(obj, words[i].key,
			    json_string(v));
	return (obj);
}

json_t *
beat_standing(struct beat *b, const struct jobs_info *job)
{
	struct wire_check system = { "", "", "" };
	struct standing s = { .desired = repo_text(b, "tip"),
	    .facts = &b->facts };

	look(b);
	agentstate_get(b->state, COMPARTMENT_SYSTEM, &system);
	if (job != NULL)
		s.working = job->op;
	if (b->head[0] != '\0')
		s.fetched = b->head;
	if (repo_text(b, "failure") != NULL)
		s.fetch_error = repo_text(b, "failure_text");
	if (str_eq(system.status, names_check(CHECK_ERROR)))
		s.system_error = system.message;
	return (json_pack("{s:o, s:o}", "summary", standing_summary(&s),
	    "states", standing_states(&s)));
}

static json_t *
facts(struct beat *b)
{
	json_t *obj = deploy_facts_json(&b->facts);
	json_t *standing = beat_standing(b, NULL);

	(void)json_object_update(obj, standing);
	json_decref(standing);
	if (b->state->repo != NULL)
		(void)json_object_set_new(obj, "repo", beat_repo(b));
	if (b->follow != NULL)
		(void)json_object_set(obj, "follow", b->follow);
	if (b->lock_inputs != NULL)
		(void)json_object_set(obj, "lock_inputs", b->lock_inputs);
	if (b->conf->legacy_dir != NULL)
		(void)json_object_set_new(obj, "deprecated",
		    json_string("NIXFLEET_NIXCFG"));
	return (obj);
}

/* All but metrics, command and facts. */
static void
fill_whole(struct beat *b, struct wire_heartbeat *h, int dialect,
    const struct jobs_info *job)
{

	h->generation = generation(b, dialect);
	h->nixpkgs_version = nixpkgs_version(b);
	h->update_status = beat_compartments(b, dialect, job);
	h->store_path = str_dup(b->store_path);
	h->binary_hash = str_dup(b->binary_hash);
	h->lock_hash = str_dup(b->lock_hash);
}

/* Facts that change by themselves are no news. */
static char *
fingerprint(const struct wire_msg *msg)
{
	static const char *const noise[] = { "uptime_s", "store_free",
	    "boot_free", "state_free" };
	struct wire_msg calm = *msg;
	json_t *f = json_copy(msg->u.heartbeat.facts);
	char *text;
	size_t i;

	for (i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		(void)json_object_del(f, noise[i]);
	calm.u.heartbeat.facts = f;
	text = wire_encode(&calm, WIRE_DIALECT);
	json_decref(f);
	return (text);
}

char *
beat_heartbeat(struct beat *b, int dialect, const struct jobs_info *job,
    bool whole)
{
	struct wire_msg msg = { .type = WIRE_HEARTBEAT };
	struct wire_heartbeat *h = &msg.u.heartbeat;
	bool due = whole || b->looked == 0 ||
	    tick_mono() - b->looked >= LOOK_EVERY;
	char *text, *print;

	h->command_pid = RECORD_NONE;
	if (due)
		look(b);
	if (dialect < 4 || due)
		fill_whole(b, h, dialect, job);
	if (dialect >= 4 && due) {
		h->facts = facts(b);
		print = fingerprint(&msg);
		if (!whole && str_eq(print, b->sent)) {
			free(print);
			wire_free(&msg);
			memset(&msg, 0, sizeof(msg));
			msg.type = WIRE_HEARTBEAT;
			h->command_pid = RECORD_NONE;
		} else {
			free(b->sent);
			b->sent = print;
		}
	}
	h->metrics = metrics_now(b);
	if (job != NULL) {
		h->pending_command = str_dup(job->op);
		h->command_pid = job->pid;
	}
	text = wire_encode(&msg, dialect);
	wire_free(&msg);
	return (text);
}
