#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "childenv.h"
#include "str.h"

extern char **environ;

bool
childenv_service(const char *name)
{
	static const char *const names[] = { "CREDENTIALS_DIRECTORY",
	    "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "NOTIFY_SOCKET",
	    "SYSTEMD_EXEC_PID" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(name, names[i]))
			return (true);
	return (str_prefix(name, "LISTEN_") || str_prefix(name, "WATCHDOG_"));
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
		if (!childenv_service(name) && !str_prefix(name, "GIT_") &&
		    !str_prefix(name, "NIXFLEET_"))
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
