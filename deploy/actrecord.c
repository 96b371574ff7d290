#include <dirent.h>
#include <stdlib.h>

#include "actrecord.h"
#include "deploy.h"
#include "file.h"
#include "flock.h"
#include "record.h"
#include "str.h"
#include "ulid.h"

#define RECORD_MAX (64 * 1024)

static const char *const phases[] = {
	[ACTRECORD_PREPARED] = "prepared", [ACTRECORD_PROFILE] = "profile",
	[ACTRECORD_ACTIVATING] = "activating",
	[ACTRECORD_CONFIRMING] = "confirming",
	[ACTRECORD_COMMITTING] = "committing",
	[ACTRECORD_REVERTING] = "reverting", [ACTRECORD_DONE] = "done", NULL,
};

#define ROW(m, t, f) RECORD_ROW(actrecord, m, t, f)
static const struct record_field fields[] = {
	ROW(op_id, RECORD_STR, RECORD_REQ),
	ROW(kind, RECORD_STR, RECORD_REQ),
	ROW(mode, RECORD_STR, RECORD_REQ),
	ROW(profile, RECORD_STR, RECORD_REQ),
	ROW(previous, RECORD_STR, RECORD_NULL),
	ROW(running, RECORD_STR, RECORD_NULL),
	ROW(specialisation, RECORD_STR, RECORD_NULL),
	ROW(path, RECORD_STR, RECORD_REQ),
	ROW(program, RECORD_STR, RECORD_NULL),
	{ "phase", RECORD_STR, RECORD_REQ, offsetof(struct actrecord, phase),
	    phases },
	ROW(outcome, RECORD_STR, RECORD_NULL),
	ROW(text, RECORD_STR, RECORD_NULL),
	ROW(failed, RECORD_STR, RECORD_NULL),
	ROW(reason, RECORD_STR, RECORD_NULL),
	ROW(boot_id, RECORD_STR, RECORD_NULL),
	ROW(generation, RECORD_INT, 0),
	ROW(wanted, RECORD_INT, 0),
	ROW(keep, RECORD_INT, 0),
	ROW(rollback, RECORD_BOOL, 0),
	ROW(pid, RECORD_INT, 0),
	ROW(child, RECORD_INT, 0),
	ROW(exit_code, RECORD_INT, 0),
	ROW(needs_reboot, RECORD_BOOL, 0),
	ROW(started_at, RECORD_INT, 0),
	ROW(finished_at, RECORD_INT, 0),
	ROW(timeout, RECORD_INT, 0),
	ROW(deadline, RECORD_INT, 0),
	ROW(confirm, RECORD_INT, 0),
	ROW(confirm_by, RECORD_INT, 0),
};
#define NFIELDS (sizeof(fields) / sizeof(*fields))

int
actrecord_read(const char *dir, struct actrecord *rec, struct err *e)
{
	char *path = file_join(dir, "record.json");
	int r = record_read(path, RECORD_MAX, fields, NFIELDS, rec, e);

	free(path);
	return (r);
}

int
actrecord_write(const char *dir, const struct actrecord *rec, struct err *e)
{
	char *path = file_join(dir, "record.json");
	int r = record_write(path, 0644, fields, NFIELDS, rec, e);

	free(path);
	return (r);
}

void
actrecord_free(struct actrecord *rec)
{
	record_free(fields, NFIELDS, rec);
}

const char *
actrecord_phase_name(enum actrecord_phase p)
{
	return (phases[p]);
}

enum actrecord_phase
actrecord_phase(const struct actrecord *rec)
{
	size_t i = 0;

	/* Reading has let none but these pass. */
	while (i < ACTRECORD_DONE && !str_eq(phases[i], rec->phase))
		i++;
	return ((enum actrecord_phase)i);
}

bool
actrecord_done(const struct actrecord *rec)
{
	return (str_eq(rec->phase, phases[ACTRECORD_DONE]));
}

static int
only_ulids(const struct dirent *de)
{
	return (ulid_valid(de->d_name));
}

/* Did it get as far as changing ${profile}, or mean to? */
static bool
touched(const struct actrecord *rec, const char *profile)
{
	const int mode = deploy_mode_parse(rec->mode);

	return (str_eq(rec->profile, profile) && mode != DEPLOY_DRY &&
	    !str_eq(rec->phase, phases[ACTRECORD_PREPARED]) &&
	    !(str_eq(rec->outcome, deploy_outcome_name(DEPLOY_REFUSED)) &&
	    rec->exit_code == -1));
}

bool
actrecord_newest(const char *base, const char *profile,
    struct actrecord *rec)
{
	struct dirent **names;
	char *dir;
	struct err e;
	bool found = false;
	int n;

	if ((n = scandir(base, &names, only_ulids, alphasort)) < 0)
		n = 0, names = NULL;
	while (n-- > 0) {
		dir = file_join(base, names[n]->d_name);
		if (!found && actrecord_read(dir, rec, &e) == 0) {
			found = touched(rec, profile);
			if (!found)
				actrecord_free(rec);
		}
		free(dir);
		free(names[n]);
	}
	free(names);
	return (found);
}

void
actrecord_prune(const char *base, size_t keep)
{
	char *dir, *lock;
	struct dirent **names;
	int n, i;

	if ((n = scandir(base, &names, only_ulids, alphasort)) < 0)
		n = 0, names = NULL;
	for (i = 0; i < n; i++) {
		dir = file_join(base, names[i]->d_name);
		lock = file_join(dir, "lock");
		if ((size_t)(n - i) > keep && flock_held(lock) != 1 &&
		    file_rmtree(dir, NULL) == -1)
			keep = SIZE_MAX;	/* the next run tries again */
		free(lock);
		free(dir);
		free(names[i]);
	}
	free(names);
}
