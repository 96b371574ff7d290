#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "agenthost.h"
#include "file.h"

#define STATE_DIR "/var/lib/nixfleet-agent"

const char agenthost_type[] = "nixos";
const int agenthost_exit_updated = 101;

const char *const agenthost_programs[] = {
	"/run/current-system/sw/bin/nixfleet-agent",
	"/etc/profiles/per-user/%u/bin/nixfleet-agent",
	"%h/.nix-profile/bin/nixfleet-agent",
	NULL
};

static bool
writable_dir(const char *path)
{

	return (file_is_dir(path) && access(path, W_OK | X_OK) == 0);
}

const char *
agenthost_state_dir(void)
{

	return (writable_dir(STATE_DIR) ||
	    (!file_exists(STATE_DIR) && writable_dir("/var/lib")) ?
	    STATE_DIR : NULL);
}

char *
agenthost_name(void)
{

	return (NULL);
}
