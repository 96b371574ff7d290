#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "childenv.h"
#include "str.h"

extern char **environ;

static const char *const private_prefixes[] = { "NIXFLEET_", "GIT_", "LISTEN_",
	"WATCHDOG_" };
static const char *const private_names[] = { "CREDENTIALS_DIRECTORY",
	"INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "NOTIFY_SOCKET",
	"SYSTEMD_EXEC_PID" };

static bool
is_private(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(private_prefixes) / sizeof(*private_prefixes);
	     i++)
		if (str_prefix(name, private_prefixes[i]))
			return (true);
	for (i = 0; i < sizeof(private_names) / sizeof(*private_names); i++)
		if (strcmp(name, private_names[i]) == 0)
			return (true);
	return (false);
}

void
childenv_make(struct proc_env *env, const char *home)
{
	const char *eq;
	char **v, *name;

	for (v = environ; *v != NULL; v++) {
		if ((eq = strchr(*v, '=')) == NULL)
			continue;
		name = str_ndup(*v, (size_t)(eq - *v));
		if (!is_private(name))
			proc_env_set(env, name, eq + 1);
		free(name);
	}
	if (getenv("HOME") == NULL && home != NULL)
		proc_env_set(env, "HOME", home);
	if (getenv("PATH") == NULL)
		proc_env_set(env, "PATH",
		    "/run/wrappers/bin:/nix/var/nix/profiles/default/bin:"
		    "/run/current-system/sw/bin:/usr/bin:/bin");
}
