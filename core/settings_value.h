#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include "settings.h"

/**
 * settings_value_check(def, value, number, e):
 * Is ${value} one that ${def} allows?  Stores the number of INT, SECONDS and
 * BOOL.  On failure ${e} says what is allowed, and the value unless secret.
 */
int	 settings_value_check(const struct setting_def *, const char *value,
	    int64_t *number, struct err *) __attribute__((warn_unused_result));

/* "90", "90s", "1h30m", "7d" as seconds: 0 or -1. */
int	 settings_value_seconds(const char *, int64_t *)
	    __attribute__((warn_unused_result));

#endif
