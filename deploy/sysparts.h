#ifndef SYSPARTS_H
#define SYSPARTS_H

#include <stdbool.h>

/**
 * sysparts_specialisation(system, running):
 * The name of ${system}'s specialisation that is the closure ${running}, NULL
 * if none is.  The caller frees.
 */
char	*sysparts_specialisation(const char *system, const char *running);

/**
 * sysparts_inhibited(running, next):
 * Has ${next} other switch inhibitors than ${running}, so that it may only be
 * booted?  Systems without the list inhibit nothing.
 */
bool	 sysparts_inhibited(const char *running, const char *next);

#endif
