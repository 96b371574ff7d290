#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "actkind.h"
#include "actstep.h"
#include "file.h"
#include "flock.h"
#include "nixrun.h"
#include "nixstore.h"
#include "str.h"
#include "ulid.h"

#define VALID_TIMEOUT 30000
#define VALID_OUTPUT 65536
#define LOCK_WAIT 1000		/* our own; others look at it for a moment */

const char *
activation_program(const struct activation *a)
{
	if (a->kind == DEPLOY_CUSTOM && a->program != NULL)
		return (a->program);
	return (actkinds[a->kind].program);
}

/* A relative path that stays where it is. */
static bool
stays_inside(const char *path)
{
	return (path[0] != '/' && path[0] != '\0' && !str_eq(path, "..") &&
	    !str_prefix(path, "../") && strstr(path, "/../") == NULL &&
	    !str_suffix(path, "/.."));
}

int
activation_check_place(const struct activation *a, struct err *e)
{
	const char *program = activation_program(a);

	if (a->profile[0] != '/' || strstr(a->profile, "/../") != NULL ||
	    str_suffix(a->profile, "/"))
		return (err_set(e, ERR_INPUT, "profile \"%.200s\" must be an "
		    "absolute path of a link", a->profile));
	if (a->command == NULL && !stays_inside(program))
		return (err_set(e, ERR_INPUT, "activation program \"%.200s\" "
		    "must be a relative path inside the closure", program));
	return (0);
}

static int
check_program(const struct activation *a, struct err *e)
{
	char *path = file_join(a->path, activation_program(a));
	int r = 0;

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
	if (a->command != NULL || !actkinds[a->kind].needs_root ||
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
	if (activation_check_place(a, e) == -1 ||
	    nixstore_check(a->path, e) == -1)
		return (-1);
	if (a->command == NULL && !actkinds[a->kind].modes[a->mode])
		return (err_set(e, ERR_REFUSED, "hosts of kind %s know no %s",
		    deploy_kind_name(a->kind), deploy_mode_name(a->mode)));
	if (check_root(a, e) == -1)
		return (-1);
	return (a->command == NULL ? check_program(a, e) : 0);
}

int
activation_check_system(const struct activation *a, struct err *e)
{
	const char *system = actkinds[a->kind].system;
	const struct deploy_conf conf = { .state_dir = a->dir, .stop_fd = -1 };
	const char *const argv[] = { "nix-store", "--check-validity", a->path,
		NULL };
	const struct nixrun run = { .conf = &conf, .argv = argv,
		.deadline = VALID_TIMEOUT, .max = VALID_OUTPUT };
	struct buf out = { 0 };
	int r;

	if (activation_check(a, e) == -1)
		return (-1);
	if (system != NULL && !str_prefix(nixstore_name(a->path), system))
		return (err_set(e, ERR_REFUSED, "%s is not a system of kind "
		    "%s (named %s…)", a->path, deploy_kind_name(a->kind),
		    system));
	if ((r = nixrun(&run, &out, e)) == -1)
		err_wrap(e, "%s is not registered in the store", a->path);
	buf_free(&out);
	return (r);
}

int
activation_turn(const char *dir, int64_t wait, struct err *e)
{
	char *parent = file_dirname(dir), *path = file_join(parent, "lock");
	int turn;

	if ((turn = flock_take(path, wait, e)) == -1)
		err_wrap(e, "another activation is running");
	free(path);
	free(parent);
	return (turn);
}

/* With our own lock held: everything from here on is recorded. */
static enum deploy_outcome
checked(struct actstep *s, struct err *e)
{
	enum deploy_outcome outcome = DEPLOY_REFUSED;
	int turn;

	if ((turn = activation_turn(s->a->dir, 0, e)) == -1)
		return (outcome);
	if (activation_check(s->a, e) == 0) {
		/* On disk before anything changes, or nothing is changed. */
		outcome = DEPLOY_FAILED;
		if (actstep_enter(s, ACTRECORD_PREPARED, e) == 0)
			outcome = actstep_activate(s, e);
	}
	close(turn);
	return (outcome);
}

int
activation_run(const struct activation *a, enum deploy_outcome *outcome,
    struct err *e)
{
	struct actstep s = { .a = a };
	char *lock = file_join(a->dir, "lock");
	int fd, ret = -1;

	if ((fd = flock_take(lock, LOCK_WAIT, e)) != -1) {
		actstep_make(&s);
		*outcome = checked(&s, e);
		ret = actstep_finish(&s, *outcome, e);
		close(fd);
	}
	free(lock);
	actstep_free(&s);
	return (ret);
}
