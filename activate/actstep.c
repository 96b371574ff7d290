#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actkind.h"
#include "actstep.h"
#include "childenv.h"
#include "file.h"
#include "logtrim.h"
#include "generations.h"
#include "nixrun.h"
#include "nixstore.h"
#include "osinfo.h"
#include "profile.h"
#include "str.h"
#include "supervise.h"
#include "sysparts.h"
#include "tick.h"
#include "units.h"

#define PROFILE_TIMEOUT 120000
#define LINK_OUTPUT 65536
#define FAILED_MAX 32768	/* of a record that may be twice as long */
#define RUNNING "/run/current-system"

/* ---- the record ---- */

static void
set_text(char **field, const char *text)
{
	free(*field);
	*field = str_dup(text);
}

void
actstep_make(struct actstep *s)
{
	struct actrecord *rec = &s->rec;
	const struct activation *a = s->a;

	rec->op_id = str_dup(a->op);
	rec->kind = str_dup(deploy_kind_name(a->kind));
	rec->mode = str_dup(deploy_mode_name(a->mode));
	rec->profile = str_dup(a->profile);
	rec->previous = nixstore_resolve(a->profile);
	if (actkinds[a->kind].system != NULL)
		rec->running = nixstore_resolve(RUNNING);
	rec->specialisation = sysparts_specialisation(rec->previous,
	    rec->running);
	rec->path = str_dup(a->path);
	rec->program = str_dup(a->program);
	rec->boot_id = osinfo_boot_id();
	rec->generation = profile_number(a->profile);
	rec->wanted = a->generation;
	rec->keep = a->keep;
	rec->rollback = a->rollback;
	rec->pid = getpid();
	rec->exit_code = -1;
	rec->started_at = tick_wall();
	rec->timeout = a->timeout;
	rec->deadline = tick_mono() + a->timeout;
	rec->confirm = a->confirm;
}

void
actstep_free(struct actstep *s)
{
	actrecord_free(&s->rec);
}

int
actstep_enter(struct actstep *s, enum actrecord_phase phase, struct err *e)
{
	set_text(&s->rec.phase, actrecord_phase_name(phase));
	return (actrecord_write(s->a->dir, &s->rec, e));
}

/* What ended well may forget the oldest; that it cannot is no failure. */
static void
forget_old(const struct actstep *s)
{
	const struct generations_keep keep = { .profile = s->a->profile,
		.dir = s->a->dir, .keep = s->rec.keep,
		.path = { s->rec.previous, s->rec.running } };
	struct err e;
	int n;

	if (s->rec.keep <= 0)
		return;
	if ((n = generations_prune(&keep, &e)) == -1)
		dprintf(STDOUT_FILENO, "old generations are still there: "
		    "%s\n", e.text);
	else if (n > 0)
		dprintf(STDOUT_FILENO, "removed %d old generation%s\n", n,
		    n == 1 ? "" : "s");
}

int
actstep_finish(struct actstep *s, enum deploy_outcome outcome, struct err *e)
{
	if (outcome == DEPLOY_OK)
		forget_old(s);
	set_text(&s->rec.outcome, deploy_outcome_name(outcome));
	if (outcome != DEPLOY_OK)
		set_text(&s->rec.text, e->text);
	s->rec.finished_at = tick_wall();
	return (actstep_enter(s, ACTRECORD_DONE, e));
}

/* ---- steps ---- */

bool
actstep_sets_profile(const struct activation *a)
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

int
actstep_profile(const struct activation *a, struct err *e)
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
	struct actstep *s = cookie;
	struct err e;

	s->rec.child = pid;
	/* The phase is on disk already; without the pid we can still finish. */
	if (actrecord_write(s->a->dir, &s->rec, &e) == -1)
		return;
}

static void
on_tick(void *cookie)
{
	struct actstep *s = cookie;

	logtrim(STDOUT_FILENO, &s->trimmed);
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

/* The program, of the specialisation that ran if the new one has it too. */
static char *
program_of(const struct actstep *s, const struct activation *a)
{
	const char *name = s->rec.specialisation;
	char *path;

	if (name != NULL && a->kind == DEPLOY_NIXOS) {
		path = str_printf("%s/specialisation/%s/%s", a->path, name,
		    activation_program(a));
		if (access(path, X_OK) == 0)
			return (path);
		free(path);
		dprintf(STDOUT_FILENO, "the system has no specialisation %s "
		    "any more\n", name);
	}
	return (file_join(a->path, activation_program(a)));
}

int
actstep_program(struct actstep *s, const struct activation *a,
    struct verdict *v, struct err *e)
{
	const struct actkind *k = &actkinds[a->kind];
	char *program = program_of(s, a);
	const char *own[] = { program, k->args[0], k->args[1], NULL };
	struct supervise run = { .deadline = tick_mono() + a->timeout,
		.on_start = on_start, .on_tick = on_tick, .cookie = s };
	struct proc_env env = { 0 };
	struct supervise_end end;
	int ret;

	if (k->mode_arg)
		own[1] = deploy_mode_name(a->mode == DEPLOY_TRIAL ?
		    DEPLOY_TEST : a->mode);
	run.argv = a->command != NULL ? a->command : own;
	environment(a, &env);
	run.env = proc_env_get(&env);
	if ((ret = supervise_run(&run, &end, e)) == 0)
		verdict_of(a->kind, &end, v);
	proc_env_free(&env);
	free(program);
	return (ret);
}

/* A rebuild command may have built something else than we did. */
static void
check_rebuilt(struct actstep *s, struct verdict *v)
{
	char *now;

	if (s->a->command == NULL || v->outcome != DEPLOY_OK ||
	    (s->a->mode != DEPLOY_SWITCH && s->a->mode != DEPLOY_BOOT))
		return;
	if ((now = nixstore_resolve(s->a->profile)) == NULL)
		return;
	if (!str_eq(now, s->rec.path)) {
		set_text(&s->rec.path, now);
		snprintf(v->text, sizeof(v->text), "activated, but %s made "
		    "another closure than we built", s->a->command[0]);
	}
	free(now);
}

/* A custom closure may have nothing to do with units; but who has to confirm it
   wants to know of those that fail. */
static bool
counts_units(const struct activation *a)
{
	return (a->kind == DEPLOY_NIXOS ||
	    (a->kind == DEPLOY_CUSTOM && a->confirm > 0));
}

static void
note_units(struct actstep *s)
{
	struct buf b = { 0 };

	if (counts_units(s->a) && units_failed(&b, NULL) == 0 &&
	    b.len < FAILED_MAX)
		set_text(&s->rec.failed, b.len > 0 ? b.data : "");
	buf_free(&b);
}

char *
actstep_new_failures(const struct actstep *s)
{
	struct buf after = { 0 };
	char *names = NULL;

	if (s->rec.failed != NULL && units_failed(&after, NULL) == 0)
		names = units_new(s->rec.failed, after.len > 0 ? after.data :
		    "");
	buf_free(&after);
	return (names);
}

/* Units that had failed before do not count. */
static void
check_units(const struct actstep *s, struct verdict *v)
{
	char *failed;

	if (!v->units_failed ||
	    (failed = actstep_new_failures(s)) == NULL)
		return;
	if (failed[0] == '\0') {
		v->outcome = DEPLOY_OK;
		snprintf(v->text, sizeof(v->text), "activated; units that "
		    "had failed before it still do");
	} else
		snprintf(v->text, sizeof(v->text), "switched, but these units "
		    "failed: %.180s", failed);
	free(failed);
}

enum deploy_outcome
actstep_activate(struct actstep *s, struct err *e)
{
	struct verdict v;

	note_units(s);
	if (actstep_sets_profile(s->a)) {
		if (actstep_enter(s, ACTRECORD_PROFILE, e) == -1)
			return (DEPLOY_FAILED);
		if (actstep_profile(s->a, e) == -1)
			return (deploy_outcome_of(e));
	}
	s->rec.deadline = tick_mono() + s->a->timeout;
	if (actstep_enter(s, ACTRECORD_ACTIVATING, e) == -1)
		return (DEPLOY_FAILED);
	if (actstep_program(s, s->a, &v, e) == -1)
		return (DEPLOY_FAILED);
	check_units(s, &v);
	check_rebuilt(s, &v);
	s->rec.exit_code = v.exit_code;
	s->rec.needs_reboot = v.needs_reboot;
	set_text(&s->rec.text, v.text);
	if (v.outcome != DEPLOY_OK)
		err_set(e, v.outcome == DEPLOY_TIMED_OUT ? ERR_TIMEOUT :
		    ERR_CHILD, "%s", v.text);
	return (v.outcome);
}
