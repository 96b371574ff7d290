#include <stdlib.h>

#include "complete.h"
#include "fleetcmd.h"
#include "fleetrun.h"
#include "local.h"
#include "migrate.h"
#include "str.h"
#include "ulid.h"
#include "verb.h"
#include "wire_op.h"

#define WORDS_MAX 2

/* An operation's id, or nothing, means this machine; a name a host. */
static int
run_logs(const struct verb_call *call)
{
	if (call->nargs == 0 ||
	    (call->nargs == 1 && ulid_valid(call->args[0])))
		return (local_logs(call));
	return (fleetrun_logs(call));
}

enum {
	J = OPTION_JSON,
	N = OPTION_NO_FOLLOW | OPTION_FOLLOW,
	UPDATE = OPTION_DRY | OPTION_INPUTS,
};

/* Its help is that of the operation. */
#define OPERATION(name, op, options) \
	{ name, VERB_LOCAL, "", 0, 0, J | N | (options), op, NULL, \
	    local_operation }

/* clang-format off */
const struct verb verb_table[] = {
	{ "status", VERB_LOCAL, "", 0, 0, J, NULL,
	    "show the agent, its repository and what it did last",
	    local_status },
	OPERATION("pull", "pull", 0),
	OPERATION("switch", "switch", 0),
	OPERATION("pull-switch", "pull-switch", 0),
	{ "update", VERB_LOCAL, "[INPUT...]", 0, SIZE_MAX, J | N | UPDATE,
	    "update", NULL, local_update },
	OPERATION("test", "test", 0),
	{ "rollback", VERB_LOCAL, "[GENERATION | PATH]", 0, 1,
	    J | N | OPTION_GENERATION, "rollback", NULL, local_rollback },
	{ "generations", VERB_LOCAL, "", 0, 0, J, NULL,
	    "list the generations that can be rolled back to",
	    local_generations },
	{ "stop", VERB_LOCAL, "", 0, 0, J, NULL,
	    "stop the running operation and wait for its end", local_stop },
	{ "pause", VERB_LOCAL, "[DURATION]", 0, 1, J | OPTION_REASON, NULL,
	    "stop following the branch: for a time such as 90m or 2d, or until "
	    "resume", local_pause },
	{ "resume", VERB_LOCAL, "", 0, 0, J, NULL,
	    "follow the branch again", local_resume },
	{ "logs", VERB_LOCAL, "[OP_ID] | HOST [OP_ID]", 0, 2,
	    J | OPTION_FOLLOW, NULL,
	    "show an operation's log: of this machine, or of a host of the "
	    "fleet; the newest if none is named", run_logs },
	{ "watch", VERB_LOCAL, "", 0, 0, J, NULL,
	    "show what the agent does as it does it", local_watch },
	{ "repo status", VERB_LOCAL, "", 0, 0, J, NULL,
	    "show the state of the clone", local_repo_status },
	OPERATION("repo verify", "repo-verify", 0),
	OPERATION("repo reset", "repo-reset", 0),
	{ "repo accept", VERB_LOCAL, "REVISION", 1, 1, J | N, "repo-accept",
	    NULL, local_accept },
	OPERATION("repo maintain", "repo-maintain", 0),
	{ "login", VERB_FLEET, "[URL]", 0, 1,
	    OPTION_PASSWORD_FILE | OPTION_TOTP, NULL,
	    "log in to a hub", fleetcmd_login },
	{ "logout", VERB_FLEET, "", 0, 0, 0, NULL,
	    "end the login", fleetcmd_logout },
	{ "hosts", VERB_FLEET, "", 0, 0, J, NULL,
	    "show every host of the fleet", fleetcmd_hosts },
	{ "hosts remove", VERB_FLEET, "HOST...", 1, SIZE_MAX,
	    J | OPTION_FORCE, NULL,
	    "remove hosts that are not connected, with their history",
	    fleetcmd_remove },
	{ "hosts accept", VERB_FLEET, "HOST...", 1, SIZE_MAX, J, NULL,
	    "let the next machine take the name of a host that was revoked or "
	    "is claimed by two", fleetcmd_accept },
	{ "run", VERB_FLEET, "OP HOST...", 1, SIZE_MAX,
	    J | N | UPDATE | OPTION_GENERATION | OPTION_ALL | OPTION_FORCE |
	    OPTION_TOTP, NULL,
	    "run an operation on hosts and follow it to its end",
	    fleetrun_run },
	{ "events", VERB_FLEET, "", 0, 0, J | OPTION_LIMIT, NULL,
	    "show what happened in the fleet", fleetcmd_events },
	{ "migrate", VERB_OTHER, "[PATH [HOST]]", 0, 2, J | OPTION_ALL, NULL,
	    "print what an existing set-up becomes, and what will change",
	    migrate_run },
	{ "completion", VERB_OTHER, "bash|zsh|fish", 1, 1, 0, NULL,
	    "print the completion script for a shell", complete_print },
};
/* clang-format on */
const size_t verb_count = sizeof(verb_table) / sizeof(verb_table[0]);

/* ${n} words joined with blanks. */
static char *
joined(const char *const *args, size_t n)
{
	char *s = str_dup(n > 0 ? args[0] : ""), *longer;

	for (size_t i = 1; i < n; i++) {
		longer = str_printf("%s %s", s, args[i]);
		free(s);
		s = longer;
	}
	return (s);
}

const struct verb *
verb_find(const char *const *args, size_t n, size_t *words)
{
	for (size_t w = n < WORDS_MAX ? n : WORDS_MAX; w > 0; w--) {
		char *name = joined(args, w);

		for (size_t i = 0; i < verb_count; i++)
			if (str_eq(verb_table[i].name, name)) {
				free(name);
				*words = w;
				return (&verb_table[i]);
			}
		free(name);
	}
	return (NULL);
}

const char *
verb_help(const struct verb *v)
{
	return (v->op != NULL ? wire_op_find(v->op)->help : v->help);
}

const char *
verb_nearest(const char *const *args, size_t n)
{
	const char *names[sizeof(verb_table) / sizeof(verb_table[0])];
	const char *near = NULL;

	for (size_t i = 0; i < verb_count; i++)
		names[i] = verb_table[i].name;
	for (size_t w = n < WORDS_MAX ? n : WORDS_MAX; w > 0 && near == NULL;
	    w--) {
		char *name = joined(args, w);

		near = str_nearest(name, names, verb_count);
		free(name);
	}
	return (near);
}
