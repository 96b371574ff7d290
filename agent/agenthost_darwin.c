#include <stddef.h>

#include "agenthost.h"
#include "proc.h"
#include "str.h"

const char agenthost_type[] = "macos";
/* launchd starts us again however we end. */
const int agenthost_exit_updated = 0;

const char *const agenthost_programs[] = {
	"%h/.nix-profile/bin/nixfleet-agent",
	"/run/current-system/sw/bin/nixfleet-agent",
	"/etc/profiles/per-user/%u/bin/nixfleet-agent",
	NULL
};

const char *
agenthost_state_dir(void)
{

	return (NULL);
}

char *
agenthost_name(void)
{
	static const char *const argv[] = { "/usr/sbin/scutil", "--get",
	    "LocalHostName", NULL };
	static const char *const env[] = { NULL };
	struct proc_spec spec = { .argv = argv, .env = env, .deadline = 5000,
	    .stop_fd = -1, .keep_out = 128 };
	struct proc_result res = { 0 };
	char *found = NULL;

	if (proc_run(&spec, &res, NULL) == 0 &&
	    proc_check(&spec, &res, NULL) == 0 && res.out.len > 0 &&
	    *str_trim(res.out.data) != '\0')
		found = str_dup(str_trim(res.out.data));
	proc_result_free(&res);
	return (found);
}
