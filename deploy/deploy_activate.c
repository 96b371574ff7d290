#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actclient.h"
#include "actcommand.h"
#include "actfollow.h"
#include "actrecord.h"
#include "actservice.h"
#include "childenv.h"
#include "deploy.h"
#include "file.h"
#include "nixstore.h"
#include "profile.h"
#include "running.h"
#include "str.h"
#include "sysparts.h"
#include "ulid.h"

#define RECORDS_KEPT 20

static char *
record_dir(const struct deploy_conf *c, const char *op_id)
{
	return (str_printf("%s/activation/%s", c->state_dir, op_id));
}

/* Takes what it needs out of ${rec}. */
static void
result_of(const struct actrecord *rec, struct deploy_result *res)
{
	const int outcome = deploy_outcome_parse(rec->outcome);

	memset(res, 0, sizeof(*res));
	res->outcome = outcome == -1 ? DEPLOY_INTERRUPTED :
	    (enum deploy_outcome)outcome;
	res->exit_code = (int)rec->exit_code;
	res->changed = res->outcome != DEPLOY_REFUSED;
	res->needs_reboot = rec->needs_reboot;
	res->previous = str_dup(rec->previous);
	res->path = str_dup(rec->path);
	res->text = str_printf("%s: %s", nixstore_name(rec->path),
	    rec->text != NULL ? rec->text : "");
	res->ms = rec->finished_at > rec->started_at ?
	    rec->finished_at - rec->started_at : 0;
}

void
deploy_result_free(struct deploy_result *res)
{
	free(res->previous);
	free(res->path);
	free(res->text);
	memset(res, 0, sizeof(*res));
}

/* Did the newest activation leave ${path} well activated, as far as known? */
static bool
ended_well(const struct deploy_conf *c, const char *path)
{
	char *profile = deploy_profile(c), *base = actclient_base(c);
	struct actrecord rec;
	bool well = true;

	if (actrecord_newest(base, profile, &rec)) {
		well = !str_eq(rec.path, path) || str_eq(rec.outcome,
		    deploy_outcome_name(DEPLOY_OK));
		actrecord_free(&rec);
	}
	free(base);
	free(profile);
	return (well);
}

static bool
nothing_to_do(const struct deploy_conf *c, const struct deploy_request *req)
{
	char *running = running_path(c), *profile = running_profile(c);
	char *special = sysparts_specialisation(req->path, running);
	const bool runs = str_eq(running, req->path) || special != NULL;
	const bool boots = str_eq(profile, req->path);
	bool done = false;

	switch (req->mode) {
	case DEPLOY_SWITCH:
	case DEPLOY_TRIAL:
		done = runs && boots;
		break;
	case DEPLOY_BOOT:
		done = boots;
		break;
	case DEPLOY_TEST:
		done = runs;
		break;
	case DEPLOY_DRY:
		break;
	}
	free(special);
	free(running);
	free(profile);
	return (done && ended_well(c, req->path));
}

/* The record's directory and log, which must be new; its descriptor. */
static int
make_log(const char *dir, const char *op_id, struct err *e)
{
	char *parent = file_dirname(dir), *log = file_join(dir, "log");
	int fd = -1;

	if (file_mkdirs(parent, 0700, e) == -1)
		goto out;
	if (mkdir(dir, 0700) == -1) {
		if (errno == EEXIST)
			err_set(e, ERR_REFUSED, "operation %s has started its "
			    "activation already", op_id);
		else
			err_sys(e, "make %s", dir);
		goto out;
	}
	if ((fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
	    0600)) == -1) {
		err_sys(e, "make %s", log);
		rmdir(dir);
	}
out:
	free(log);
	free(parent);
	return (fd);
}

static pid_t
start(const struct deploy_conf *c, const struct actcommand *cmd,
    const char *dir, const char *op_id, struct err *e)
{
	struct proc_env env = { 0 };
	pid_t pid = -1;
	int fd;

	if ((fd = make_log(dir, op_id, e)) == -1)
		return (-1);
	childenv_make(&env, c->state_dir);
	pid = proc_detach((const char *const *)cmd->argv, proc_env_get(&env),
	    "/", fd, e);
	close(fd);
	proc_env_free(&env);
	if (pid == -1 && file_rmtree(dir, NULL) == -1)
		err_wrap(e, "(%s could not be removed)", dir);
	return (pid);
}

static void
say_progress(const struct deploy_conf *c, const char *path)
{
	char text[DEPLOY_SENTENCE];
	const struct deploy_progress p = { .phase = "activate", .text = text };

	snprintf(text, sizeof(text), "activating %s", nixstore_name(path));
	if (c->on_progress != NULL)
		c->on_progress(c->cookie, &p);
}

/* By nixfleet-activate, started by us in a session of its own. */
static int
run_detached(const struct deploy_conf *c, const struct deploy_request *req,
    bool rollback, struct actrecord *rec, struct err *e)
{
	char *dir = record_dir(c, req->op_id), *base = file_dirname(dir);
	struct actfollow f = { .conf = c, .dir = dir };
	struct actcommand cmd = { 0 };
	int r = -1;

	actrecord_prune(base, RECORDS_KEPT);
	if (actcommand_make(c, req, dir, rollback, &cmd, e) == -1)
		goto out;
	if ((f.pid = start(c, &cmd, dir, req->op_id, e)) != -1)
		r = actfollow_run(&f, rec, e);
out:
	actcommand_free(&cmd);
	free(base);
	free(dir);
	return (r);
}

static int
run(const struct deploy_conf *c, const struct deploy_request *ask,
    bool rollback, struct deploy_result *res, struct err *e)
{
	struct deploy_request req = *ask;
	struct actrecord rec;
	int r;

	if (c->commit_late && req.mode == DEPLOY_SWITCH)
		req.mode = DEPLOY_TRIAL;
	say_progress(c, req.path);
	if (actclient_wanted(c))
		r = actservice_run(c, &req, rollback, &rec, e);
	else
		r = run_detached(c, &req, rollback, &rec, e);
	if (r == 0) {
		result_of(&rec, res);
		actrecord_free(&rec);
	}
	return (r);
}

static int
check(const struct deploy_conf *c, const struct deploy_request *req,
    struct err *e)
{
	if (!ulid_valid(req->op_id))
		return (err_set(e, ERR_INPUT, "operation \"%.80s\" is not a "
		    "ULID", req->op_id));
	return (deploy_check(c, e));
}

/* Inhibitors turn a switch into one for the next boot. */
static bool
inhibited(const struct deploy_conf *c, const struct deploy_request *req)
{
	static const char note[] = "the new system's switch inhibitors are "
	    "others than those of the running one: it takes effect at the "
	    "next boot";
	char *running;
	bool yes;

	if (c->kind != DEPLOY_NIXOS || req->mode != DEPLOY_SWITCH ||
	    actcommand_rebuilds(c))
		return (false);
	running = running_path(c);
	yes = sysparts_inhibited(running, req->path);
	free(running);
	if (yes && c->on_line != NULL)
		c->on_line(c->cookie, DEPLOY_NOTE, note, sizeof(note) - 1);
	return (yes);
}

/* What ${res} says of it. */
static void
say_inhibited(struct deploy_result *res)
{
	char *text;

	if (res->outcome != DEPLOY_OK)
		return;
	text = str_printf("%s; switching was inhibited, so it takes effect at "
	    "the next boot", res->text);
	free(res->text);
	res->text = text;
	res->needs_reboot = true;
}

static int
activate(const struct deploy_conf *c, const struct deploy_request *req,
    struct deploy_result *res, struct err *e)
{
	if (!nothing_to_do(c, req))
		return (run(c, req, false, res, e));
	memset(res, 0, sizeof(*res));
	res->outcome = DEPLOY_OK;
	res->exit_code = -1;
	res->previous = str_dup(req->path);
	res->path = str_dup(req->path);
	res->text = str_printf("%s %s already; nothing was activated",
	    nixstore_name(req->path), req->mode == DEPLOY_BOOT ?
	    "is what the next boot takes" : "runs");
	return (0);
}

int
deploy_activate(const struct deploy_conf *c, const struct deploy_request *ask,
    struct deploy_result *res, struct err *e)
{
	struct deploy_request req = *ask;
	int r;

	if (check(c, &req, e) == -1 || nixstore_check(req.path, e) == -1)
		return (-1);
	if (!inhibited(c, &req))
		return (activate(c, &req, res, e));
	req.mode = DEPLOY_BOOT;
	if ((r = activate(c, &req, res, e)) == 0)
		say_inhibited(res);
	return (r);
}

/* ---- rollback ---- */

/* A generation with ${path}, the newest; NULL: none. */
static const struct profile_generation *
holding(const struct profile_generation *gens, size_t n, const char *path)
{
	while (n-- > 0)
		if (str_eq(gens[n].path, path))
			return (&gens[n]);
	return (NULL);
}

/* What the activation of what is there now recorded as previous, or NULL. */
static char *
recorded_previous(const struct deploy_conf *c, const char *profile)
{
	char *now = nixstore_resolve(profile), *previous = NULL;
	char *base = actclient_base(c);
	struct actrecord rec;

	if (actrecord_newest(base, profile, &rec)) {
		/* After a rollback, previous is what was rolled back from. */
		if (!rec.rollback && str_eq(rec.path, now) &&
		    !str_eq(rec.previous, now))
			previous = str_dup(rec.previous);
		actrecord_free(&rec);
	}
	free(base);
	free(now);
	return (previous);
}

static int
find_named(const struct profile_generation *gens, size_t n,
    struct deploy_request *req, char **path, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (gens[i].number == req->generation) {
			*path = str_dup(gens[i].path);
			return (0);
		}
	return (err_set(e, ERR_NOTFOUND, "there is no generation %lld, or its "
	    "closure was deleted; there are %zu", (long long)req->generation,
	    n));
}

/* Fill *${path} (owned) and req->generation. */
static int
find_target(const struct deploy_conf *c, const char *profile,
    struct deploy_request *req, char **path, struct err *e)
{
	struct profile_generation *gens;
	const struct profile_generation *g;
	size_t n;
	int r = 0;

	if (profile_generations(profile, &gens, &n, e) == -1)
		return (-1);
	if (req->generation != 0) {
		r = find_named(gens, n, req, path, e);
		goto out;
	}
	*path = recorded_previous(c, profile);
	if (*path == NULL && (g = profile_before(gens, n)) != NULL)
		*path = str_dup(g->path);
	if (*path == NULL)
		r = err_set(e, ERR_REFUSED, "there is nothing to roll back to: "
		    "the profile %s has no earlier generation", profile);
	else if ((g = holding(gens, n, *path)) != NULL &&
	    !actcommand_rebuilds(c))
		req->generation = g->number;
out:
	profile_generations_free(&gens, n);
	return (r);
}

int
deploy_rollback(const struct deploy_conf *c, const struct deploy_request *ask,
    struct deploy_result *res, struct err *e)
{
	struct deploy_request req = *ask;
	char *profile, *path = NULL;
	int r = -1;

	if (check(c, &req, e) == -1)
		return (-1);
	profile = deploy_profile(c);
	if (find_target(c, profile, &req, &path, e) == 0) {
		req.path = path;
		r = run(c, &req, true, res, e);
	}
	free(path);
	free(profile);
	return (r);
}

/* Who did it?  Records of both ways may be there, of one operation only one. */
static int
follow_again(const struct deploy_conf *c, const char *op_id, int64_t skip,
    struct actrecord *rec, struct err *e)
{
	char *dir = record_dir(c, op_id), *service = NULL;
	const struct actfollow f = { .conf = c, .dir = dir, .skip = skip };
	int r;

	if (c->service_dir != NULL)
		service = file_join(c->service_dir, op_id);
	if (file_is_dir(dir))
		r = actfollow_run(&f, rec, e);
	else if (service != NULL &&
	    (actclient_wanted(c) || file_is_dir(service)))
		r = actservice_follow(c, op_id, skip, rec, e);
	else
		r = err_set(e, ERR_NOTFOUND, "operation %s has started no "
		    "activation", op_id);
	free(service);
	free(dir);
	return (r);
}

int
deploy_reattach(const struct deploy_conf *c, const char *op_id, int64_t skip,
    struct deploy_result *res, struct err *e)
{
	struct actrecord rec;

	if (!ulid_valid(op_id))
		return (err_set(e, ERR_INPUT, "operation \"%.80s\" is not a "
		    "ULID", op_id));
	if (follow_again(c, op_id, skip, &rec, e) == -1)
		return (-1);
	result_of(&rec, res);
	actrecord_free(&rec);
	return (0);
}
