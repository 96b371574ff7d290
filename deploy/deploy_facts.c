#include <sys/statvfs.h>

#include <stdlib.h>
#include <string.h>

#include "deploy.h"
#include "deployed.h"
#include "file.h"
#include "nixstore.h"
#include "osinfo.h"
#include "profile.h"
#include "reboot.h"
#include "record.h"
#include "running.h"
#include "since.h"
#include "str.h"
#include "sysparts.h"

#define VERSION_MAX 4096

#define ROW(m, t, f) RECORD_ROW(deploy_facts, m, t, f)
static const struct record_field fields[] = {
	ROW(os_version, RECORD_STR, RECORD_OMIT),
	ROW(nixpkgs_version, RECORD_STR, RECORD_OMIT),
	ROW(running, RECORD_STR, RECORD_OMIT),
	ROW(booted, RECORD_STR, RECORD_OMIT),
	ROW(profile, RECORD_STR, RECORD_OMIT),
	ROW(built, RECORD_STR, RECORD_OMIT),
	ROW(generation, RECORD_INT, RECORD_OMIT),
	ROW(generations, RECORD_INT, RECORD_OMIT),
	ROW(built_revision, RECORD_STR, RECORD_OMIT),
	ROW(profile_revision, RECORD_STR, RECORD_OMIT),
	ROW(running_revision, RECORD_STR, RECORD_OMIT),
	ROW(booted_revision, RECORD_STR, RECORD_OMIT),
	ROW(next_runs, RECORD_BOOL, 0),
	ROW(drift, RECORD_STR, RECORD_OMIT),
	ROW(drift_where, RECORD_STR, RECORD_OMIT),
	ROW(drift_since, RECORD_STR, RECORD_OMIT),
	ROW(reboot_needed, RECORD_BOOL, 0),
	ROW(reboot_reason, RECORD_STR, RECORD_OMIT),
	ROW(reboot_since, RECORD_STR, RECORD_OMIT),
	ROW(boot_id, RECORD_STR, RECORD_OMIT),
	ROW(uptime_s, RECORD_INT, RECORD_OMIT),
	ROW(store_free, RECORD_INT, RECORD_OMIT),
	ROW(boot_free, RECORD_INT, RECORD_OMIT),
	ROW(state_free, RECORD_INT, RECORD_OMIT),
};
#define NFIELDS (sizeof(fields) / sizeof(*fields))

static int64_t
free_bytes(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) == -1)
		return (RECORD_NONE);
	return ((int64_t)fs.f_bavail * (int64_t)fs.f_frsize);
}

static char *
nixos_version(const struct deploy_facts *f)
{
	struct buf b = { 0 };
	char *path, *version = NULL;

	if (f->running == NULL)
		return (NULL);
	path = file_join(f->running, "nixos-version");
	if (file_read(path, VERSION_MAX, &b, NULL) == 0 && b.data != NULL)
		version = str_dup(str_trim(b.data));
	buf_free(&b);
	free(path);
	return (version);
}

static void
look_at_profile(const struct deploy_conf *c, struct deploy_facts *f)
{
	char *profile = deploy_profile(c);

	f->profile = running_profile(c);
	f->generation = profile_number(profile);
	f->generations = profile_count(profile);
	free(profile);
}

/* Is ${path} there, and did nobody deploy it here? */
static bool
foreign(const json_t *all, const char *path)
{
	return (path != NULL && !deployed_here(all, path));
}

static void
look_for_drift(const json_t *all, struct deploy_facts *f)
{
	/* Who never deployed anything cannot drift away from it. */
	if (json_array_size(all) == 0)
		return;
	if (foreign(all, f->running)) {
		f->drift = str_dup(f->running);
		f->drift_where = str_dup("running");
	} else if (foreign(all, f->profile)) {
		f->drift = str_dup(f->profile);
		f->drift_where = str_dup("profile");
	}
}

/* How what was found relates to what was deployed. */
static void
compare(const struct deploy_conf *c, struct deploy_facts *f)
{
	json_t *all = deployed_load(c->state_dir);
	char *special = sysparts_specialisation(f->profile, f->running);

	f->next_runs = f->running != NULL &&
	    (special != NULL || str_eq(f->running, f->profile));
	f->built_revision = str_dup(deployed_revision(all, f->built));
	f->profile_revision = str_dup(deployed_revision(all, f->profile));
	f->running_revision = str_dup(special != NULL ? f->profile_revision :
	    deployed_revision(all, f->running));
	f->booted_revision = str_dup(deployed_revision(all, f->booted));
	look_for_drift(all, f);
	f->drift_since = since_text(c->state_dir, "drift", f->drift);
	if (f->booted != NULL && f->profile != NULL)
		f->reboot_reason = reboot_reason(f->booted, f->profile);
	f->reboot_needed = f->reboot_reason != NULL;
	f->reboot_since = since_text(c->state_dir, "reboot",
	    f->reboot_needed ? "needed" : NULL);
	free(special);
	json_decref(all);
}

void
deploy_facts_get(const struct deploy_conf *c, struct deploy_facts *f)
{
	char *built = file_join(c->state_dir, "roots/built");

	memset(f, 0, sizeof(*f));
	f->os_version = osinfo_version();
	f->boot_id = osinfo_boot_id();
	f->uptime_s = osinfo_uptime();
	f->running = running_path(c);
	f->booted = running_booted(c);
	f->nixpkgs_version = nixos_version(f);
	f->built = nixstore_resolve(built);
	look_at_profile(c, f);
	compare(c, f);
	f->store_free = free_bytes(nixstore_dir());
	f->boot_free = c->kind == DEPLOY_NIXOS ? free_bytes("/boot") :
	    RECORD_NONE;
	f->state_free = free_bytes(c->state_dir);
	free(built);
}

void
deploy_facts_free(struct deploy_facts *f)
{
	record_free(fields, NFIELDS, f);
}

json_t *
deploy_facts_json(const struct deploy_facts *f)
{
	return (record_encode(fields, NFIELDS, f));
}
