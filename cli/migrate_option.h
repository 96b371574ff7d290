#ifndef MIGRATE_OPTION_H
#define MIGRATE_OPTION_H

#include <jansson.h>

#include "buf.h"
#include "settings.h"

/* Settings that are options of the Nix modules, in the order of writing. */
struct migrate_option {
	const char *name;
	enum setting setting;
};
extern const struct migrate_option migrate_options[];
extern const size_t migrate_option_count;

const struct migrate_option *migrate_option_find(const char *name);

/* Append a string, or any value, as Nix writes it. */
void migrate_option_quote(struct buf *, const char *);
void migrate_option_value(struct buf *, const json_t *);

#endif
