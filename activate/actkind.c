#include "actkind.h"

const struct actkind actkinds[] = {
	[DEPLOY_NIXOS] = { "bin/switch-to-configuration", { NULL },
	    "nixos-system-", true, { true, true, true, true, true },
	    true },
	[DEPLOY_DARWIN] = { "activate", { NULL }, "darwin-system-", false,
	    { [DEPLOY_SWITCH] = true }, true },
	[DEPLOY_HOME] = { "activate", { "--driver-version", "1" }, NULL, false,
	    { [DEPLOY_SWITCH] = true }, false },
	[DEPLOY_CUSTOM] = { "bin/activate", { NULL }, NULL, false,
	    { [DEPLOY_SWITCH] = true }, false },
};
