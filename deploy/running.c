#include <stdlib.h>

#include "actclient.h"
#include "actrecord.h"
#include "nixstore.h"
#include "running.h"
#include "str.h"

char *
running_profile(const struct deploy_conf *c)
{
	char *profile = deploy_profile(c), *path = nixstore_resolve(profile);

	free(profile);
	return (path);
}

char *
running_path(const struct deploy_conf *c)
{
	struct actrecord rec;
	char *profile, *path, *base;

	if (c->kind == DEPLOY_NIXOS || c->kind == DEPLOY_DARWIN)
		return (nixstore_resolve("/run/current-system"));
	path = running_profile(c);
	profile = deploy_profile(c);
	base = actclient_base(c);
	if (path != NULL && actrecord_newest(base, profile, &rec)) {
		if (str_eq(rec.path, path) && !str_eq(rec.outcome,
		    deploy_outcome_name(DEPLOY_OK))) {
			free(path);
			path = NULL;
		}
		actrecord_free(&rec);
	}
	free(base);
	free(profile);
	return (path);
}

char *
running_booted(const struct deploy_conf *c)
{
	if (c->kind != DEPLOY_NIXOS)
		return (NULL);
	return (nixstore_resolve("/run/booted-system"));
}
