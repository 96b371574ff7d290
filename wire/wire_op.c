#include <stddef.h>
#include <string.h>

#include "str.h"
#include "wire_op.h"

static const char *const no_args[] = { NULL };
static const char *const switch_args[] = { "mode", NULL };
static const char *const rollback_args[] = { "generation", NULL };
static const char *const update_args[] = { "inputs", "dry", NULL };
static const char *const accept_args[] = { "revision", NULL };

enum {
	R = WIRE_OP_REPO,
	S = WIRE_OP_SYSTEM,
	D = WIRE_OP_DISRUPTIVE,
	T = WIRE_OP_TOTP,
	I = WIRE_OP_IMMEDIATE,
	O = WIRE_OP_ONLINE_ONLY,
	L = WIRE_OP_LOCAL,
};

/* clang-format off */
const struct wire_op wire_op_table[] = {
	{ "pull", R, 1800,
	    "fetch the branch and set the clone to it", 3, no_args },
	{ "switch", S, 7200,
	    "build this host's configuration and activate it", 3,
	    switch_args },
	{ "pull-switch", R | S, 7500,
	    "pull, then switch", 3, switch_args },
	{ "update", R, 1800,
	    "update the lock file, commit and push it", 3, update_args },
	{ "test", 0, 3600,
	    "run this host's tests from the configuration", 3, no_args },
	{ "rollback", S, 900,
	    "activate the previous or a named generation", 3, rollback_args },
	{ "refresh-lock", I, 60,
	    "look at the age of the lock file again", 3, no_args },
	{ "refresh-system", 0, 90,
	    "ask nix whether the running system is the configured one", 3,
	    no_args },
	{ "refresh-all", 0, 120,
	    "refresh the lock and the system compartment", 3, no_args },
	{ "refresh-git", I, 60,
	    "look at the tracked branch again", 3, no_args },
	{ "check-version", I, 60,
	    "compare the running agent with the installed one", 3, no_args },
	{ "force-update", R | S, 7500,
	    "update the nixfleet input, then switch", 3, no_args },
	{ "stop", I | O, 60,
	    "stop the running operation", 3, no_args },
	{ "restart", D | I | O, 120,
	    "restart the agent", 3, no_args },
	{ "reboot", D | T | I | O, 900,
	    "restart the machine", 3, no_args },
	{ "repo-verify", 0, 900,
	    "check the clone and its working tree", 4, no_args },
	{ "repo-reset", R, 1800,
	    "throw the clone away and make it anew", 4, no_args },
	{ "repo-accept", R | L, 1800,
	    "vouch for one revision that the trust settings refuse, and pull",
	    4, accept_args },
	{ "repo-maintain", L | I, 900,
	    "check the clone and pack it, as the agent does itself when idle",
	    4, no_args },
};
/* clang-format on */

const int wire_op_count = sizeof(wire_op_table) / sizeof(wire_op_table[0]);

const struct wire_op *
wire_op_find(const char *name)
{
	if (name == NULL)
		return (NULL);
	for (int i = 0; i < wire_op_count; i++)
		if (strcmp(wire_op_table[i].name, name) == 0)
			return (&wire_op_table[i]);
	return (NULL);
}

const struct wire_op *
wire_op_find_remote(const char *name)
{
	const struct wire_op *op = wire_op_find(name);

	return (op != NULL && (op->flags & WIRE_OP_LOCAL) != 0 ? NULL : op);
}

const char *
wire_op_nearest(const char *word)
{
	const char *names[sizeof(wire_op_table) / sizeof(wire_op_table[0])];

	for (int i = 0; i < wire_op_count; i++)
		names[i] = wire_op_table[i].name;
	return (str_nearest(word, names, (size_t)wire_op_count));
}

int
wire_op_has_arg(const struct wire_op *op, const char *arg)
{
	for (const char *const *a = op->args; *a != NULL; a++)
		if (strcmp(*a, arg) == 0)
			return (1);
	return (0);
}
