#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "actrecord.h"
#include "childenv.h"
#include "file.h"
#include "flock.h"
#include "logtrim.h"
#include "nixrun.h"
#include "nixstore.h"
#include "osinfo.h"
#include "profile.h"
#include "str.h"
#include "supervise.h"
#include "tick.h"
#include "ulid.h"
#include "verdict.h"

#define PROFILE_TIMEOUT 120000
#define LOCK_WAIT 1000		/* our own; others look at it for a moment */
#define LINK_OUTPUT 65536

/* How each kind is activated. */
static const struct kind {
	const char *program;
	const char *args[2];
	bool mode_arg;			/* the mode's word is its argument */
	bool modes[DEPLOY_DRY + 1];	/* that it knows */
	bool needs_root;
} kinds[] = {
	[DEPLOY_NIXOS] = { "bin/switch-to-configuration", { NULL }, true,
	    { true, true, true, true }, true },
	[DEPLOY_DARWIN] = { "activate", { NULL }, false,
	    { [DEPLOY_SWITCH] = true }, true },
	[DEPLOY_HOME] = { "activate", { "--driver-version", "1" }, false,
	    { [DEPLOY_SWITCH] = true }, false },
	[DEPLOY_CUSTOM] = { "bin/activate", { NULL }, false,
	    { [DEPLOY_SWITCH] = true }, false },
};

/* An activation while it is done. */
struct run {
	const struct activation *a;
	struct actrecord rec;
	char *program;
	off_t trimmed;		/* of the log */
};

static const char *
program_of(const struct activation *a)
{
	if (a->kind == DEPLOY_CUSTOM && a->program != NULL)
		return (a->program);
	return (kinds[a->kind].program);
}

/* A relative path that stays where it is. */
static bool
stays_inside(const char *path)
{
	return (path[0] != '/' && path[0] != '\0' && !str_eq(path, "..") &&
	    !str_prefix(path, "../") && strstr(path, "/../") == NULL &&
	    !str_suffix(path, "/.."));
}

static int
check_program(const struct activation *a, struct err *e)
{
	const char *rel = program_of(a);
	char *path;
	int r = 0;

	if (!stays_inside(rel))
		return (err_set(e, ERR_INPUT, "activation program \"%.200s\" "
		    "must be a relative path inside the closure", rel));
	path = file_join(a->path, rel);
	if (access(path, X_OK) == -1) {
		err_sys(e, "%s", path);
		r = err_wrap(e, "this closure cannot be activated as %s",
		    deploy_kind_name(a->kind));
	}
	free(path);
	return (r);
}

static int
check_root(const struct activation *a, struct err *e)
{
	if (a->command != NULL || !kinds[a->kind].needs_root ||
	    geteuid() == 0)
		return (0);
	return (err_set(e, ERR_REFUSED, "activating a %s system needs root, "
	    "and we are not root: set NIXFLEET_REBUILD_COMMAND, for example "
	    "to \"sudo nixos-rebuild\"", deploy_kind_name(a->kind)));
}

int
activation_check(const struct activation *a, struct err *e)
{
	if (!ulid_valid(a->op))
		return (err_set(e, ERR_INPUT, "operation \"%.80s\" is not a "
		    "ULID", a->op));
	if (a->profile[0] != '/' || strstr(a->profile, "/../") != NULL ||
	    str_suffix(a->profile, "/"))
		return (err_set(e, ERR_INPUT, "profile \"%.200s\" must be an "
		    "absolute path of a link", a->profile));
	if (nixstore_check(a->path, e) == -1)
		return (-1);
	if (a->command == NULL && !kinds[a->kind].modes[a->mode])
		return (err_set(e, ERR_REFUSED, "hosts of kind %s know no %s",
		    deploy_kind_name(a->kind), deploy_mode_name(a->mode)));
	if (check_root(a, e) == -1)
		return (-1);
	return (a->command == NULL ? check_program(a, e) : 0);
}

/* ---- the record ---- */

static void
set_text(char **field, const char *text)
{
	free(*field);
	*field = str_dup(text);
}

static void
record_make(struct run *r)
{
	struct actrecord *rec = &r->rec;
	const struct activation *a = r->a;

	rec->op_id = str_dup(a->op);
	rec->kind = str_dup(deploy_kind_name(a->kind));
	rec->mode = str_dup(deploy_mode_name(a->mode));
	rec->profile = str_dup(a->profile);
	rec->previous = nixstore_resolve(a->profile);
	rec->path = str_dup(a->path);
	rec->boot_id = osinfo_boot_id();
	rec->generation = profile_number(a->profile);
	rec->rollback = a->rollback;
	rec->pid = getpid();
	rec->exit_code = -1;
	rec->started_at = tick_wall();
	rec->deadline = tick_mono() + a->timeout;
}

static int
enter(struct run *r, enum actrecord_phase phase, struct err *e)
{
	set_text(&r->rec.phase, actrecord_phase_name(phase));
	return (actrecord_write(r->a->dir, &r->rec, e));
}

static int
finish(struct run *r, enum deploy_outcome outcome, struct err *e)
{
	set_text(&r->rec.outcome, deploy_outcome_name(outcome));
	if (outcome != DEPLOY_OK)
		set_text(&r->rec.text, e->text);
	r->rec.finished_at = tick_wall();
	return (enter(r, ACTRECORD_DONE, e));
}

/* ---- steps ---- */

static bool
sets_profile(const struct activation *a)
{
	return (a->command == NULL &&
	    (a->mode == DEPLOY_SWITCH || a->mode == DEPLOY_BOOT));
}

/* Is a->path what generation a->generation holds? */
static bool
generation_fits(const struct activation *a)
{
	char *link, *path;
	bool fits;

	if (a->generation <= 0)
		return (false);
	link = str_printf("%s-%lld-link", a->profile,
	    (long long)a->generation);
	path = nixstore_resolve(link);
	fits = str_eq(path, a->path);
	free(path);
	free(link);
	return (fits);
}

static int
run_nix_env(const struct activation *a, struct err *e)
{
	const struct deploy_conf conf = { .state_dir = a->dir, .stop_fd = -1 };
	const char *argv[] = { "nix-env", "--profile", a->profile, "--set",
		a->path, NULL };
	const struct nixrun run = { .conf = &conf, .argv = argv,
		.deadline = PROFILE_TIMEOUT, .max = LINK_OUTPUT };
	char number[24];
	struct buf out = { 0 };
	int r;

	if (generation_fits(a)) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)a->generation);
		argv[3] = "--switch-generation";
		argv[4] = number;
	}
	r = nixrun(&run, &out, e);
	buf_free(&out);
	return (r);
}

static int
set_profile(const struct activation *a, struct err *e)
{
	char *dir = file_dirname(a->profile), *now;
	int r = -1;

	if (file_mkdirs(dir, 0755, e) == -1 || run_nix_env(a, e) == -1)
		goto out;
	now = nixstore_resolve(a->profile);
	if (str_eq(now, a->path))
		r = 0;
	else
		err_set(e, ERR_CHILD, "it leads to %s and not to %s",
		    now != NULL ? now : "nothing", a->path);
	free(now);
out:
	if (r == -1)
		err_wrap(e, "the profile %s could not be set", a->profile);
	free(dir);
	return (r);
}

static void
on_start(void *cookie, pid_t pid)
{
	struct run *r = cookie;
	struct err e;

	r->rec.child = pid;
	/* The phase is on disk already; without the pid we can still finish. */
	if (actrecord_write(r->a->dir, &r->rec, &e) == -1)
		return;
}

static void
on_tick(void *cookie)
{
	struct run *r = cookie;

	logtrim(STDOUT_FILENO, &r->trimmed);
}

static void
environment(const struct activation *a, struct proc_env *env)
{
	childenv_make(env, a->dir);
	if (a->kind == DEPLOY_NIXOS)
		proc_env_set(env, "NIXOS_INSTALL_BOOTLOADER", "0");
	if (a->kind == DEPLOY_HOME && a->backup_extension != NULL)
		proc_env_set(env, "HOME_MANAGER_BACKUP_EXT",
		    a->backup_extension);
}

static int
run_program(struct run *r, struct verdict *v, struct err *e)
{
	const struct kind *k = &kinds[r->a->kind];
	const char *own[] = { r->program, k->args[0], k->args[1], NULL };
	struct supervise s = { .deadline = r->rec.deadline,
		.on_start = on_start, .on_tick = on_tick, .cookie = r };
	struct proc_env env = { 0 };
	struct supervise_end end;
	int ret;

	if (k->mode_arg)
		own[1] = deploy_mode_name(r->a->mode);
	s.argv = r->a->command != NULL ? r->a->command : own;
	environment(r->a, &env);
	s.env = proc_env_get(&env);
	if ((ret = supervise_run(&s, &end, e)) == 0)
		verdict_of(r->a->kind, &end, v);
	proc_env_free(&env);
	return (ret);
}

/* A rebuild command may have built something else than we did. */
static void
check_rebuilt(struct run *r, struct verdict *v)
{
	char *now;

	if (r->a->command == NULL || v->outcome != DEPLOY_OK ||
	    (r->a->mode != DEPLOY_SWITCH && r->a->mode != DEPLOY_BOOT))
		return;
	if ((now = nixstore_resolve(r->a->profile)) == NULL)
		return;
	if (!str_eq(now, r->rec.path)) {
		set_text(&r->rec.path, now);
		snprintf(v->text, sizeof(v->text), "activated, but %s made "
		    "another closure than we built", r->a->command[0]);
	}
	free(now);
}

static enum deploy_outcome
activate(struct run *r, struct err *e)
{
	struct verdict v;

	if (sets_profile(r->a)) {
		if (enter(r, ACTRECORD_PROFILE, e) == -1)
			return (DEPLOY_FAILED);
		if (set_profile(r->a, e) == -1)
			return (deploy_outcome_of(e));
	}
	if (enter(r, ACTRECORD_ACTIVATING, e) == -1 ||
	    run_program(r, &v, e) == -1)
		return (DEPLOY_FAILED);
	check_rebuilt(r, &v);
	r->rec.exit_code = v.exit_code;
	r->rec.needs_reboot = v.needs_reboot;
	set_text(&r->rec.text, v.text);
	if (v.outcome != DEPLOY_OK)
		err_set(e, v.outcome == DEPLOY_TIMED_OUT ? ERR_TIMEOUT :
		    ERR_CHILD, "%s", v.text);
	return (v.outcome);
}

/* With our own lock held: everything from here on is recorded. */
static enum deploy_outcome
checked(struct run *r, struct err *e)
{
	char *parent = file_dirname(r->a->dir), *path;
	enum deploy_outcome outcome = DEPLOY_REFUSED;
	int turn;

	path = file_join(parent, "lock");
	if ((turn = flock_take(path, 0, e)) == -1)
		err_wrap(e, "another activation is running");
	else if (activation_check(r->a, e) == 0) {
		/* On disk before anything changes, or nothing is changed. */
		outcome = DEPLOY_FAILED;
		if (enter(r, ACTRECORD_PREPARED, e) == 0)
			outcome = activate(r, e);
	}
	if (turn != -1)
		close(turn);
	free(path);
	free(parent);
	return (outcome);
}

int
activation_run(const struct activation *a, enum deploy_outcome *outcome,
    struct err *e)
{
	struct run r = { .a = a };
	char *lock = file_join(a->dir, "lock");
	int fd, ret = -1;

	if ((fd = flock_take(lock, LOCK_WAIT, e)) == -1)
		goto out;
	record_make(&r);
	r.program = file_join(a->path, program_of(a));
	*outcome = checked(&r, e);
	ret = finish(&r, *outcome, e);
	close(fd);
out:
	free(lock);
	free(r.program);
	actrecord_free(&r.rec);
	return (ret);
}
