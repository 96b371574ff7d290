#include <stddef.h>

#include "str.h"

#include "ops.h"

#define BIT(c) (1u << COMPARTMENT_##c)

static const struct {
	const char *name;
	ops_function *run;
	unsigned touches;	/* compartments that are "working" meanwhile */
} ops[] = {
	{ "pull", ops_pull, 0 },
	{ "switch", ops_switch, BIT(SYSTEM) },
	{ "pull-switch", ops_pull_switch, BIT(SYSTEM) },
	{ "update", ops_update, BIT(LOCK) },
	{ "test", ops_test, BIT(TESTS) },
	{ "rollback", ops_rollback, BIT(SYSTEM) },
	{ "refresh-lock", ops_refresh_lock, BIT(LOCK) },
	{ "refresh-system", ops_refresh_system, BIT(SYSTEM) },
	{ "refresh-all", ops_refresh_all, BIT(LOCK) | BIT(SYSTEM) },
	{ "refresh-git", ops_refresh_git, 0 },
	{ "check-version", ops_check_version, 0 },
	{ "force-update", ops_force_update, BIT(LOCK) | BIT(SYSTEM) },
	{ "reboot", ops_reboot, 0 },
	{ "repo-verify", ops_repo_verify, 0 },
	{ "repo-reset", ops_repo_reset, 0 },
	{ "repo-accept", ops_repo_accept, 0 },
	{ "repo-maintain", ops_repo_maintain, 0 },
};

#define NOPS (sizeof(ops) / sizeof(ops[0]))

ops_function *
ops_find(const char *name)
{
	size_t i;

	for (i = 0; i < NOPS; i++)
		if (str_eq(ops[i].name, name))
			return (ops[i].run);
	return (NULL);
}

bool
ops_touches(const char *name, enum compartment which)
{
	size_t i;

	for (i = 0; i < NOPS; i++)
		if (str_eq(ops[i].name, name))
			return ((ops[i].touches & (1u << which)) != 0);
	return (false);
}
