#ifndef INSTALLED_H
#define INSTALLED_H

#include <stdbool.h>

/**
 * installed_agent():
 * Where this machine keeps the agent that it is configured to run: the first
 * of the well-known places that exists, else by PATH; NULL if there is none.
 * The caller frees.
 */
char	*installed_agent(void);

/**
 * installed_changed(running, candidate):
 * Is ${candidate} (links followed) another store path than ${running}, our
 * own program?  False when either is not in the store.
 */
bool	 installed_changed(const char *running, const char *candidate);

#endif
