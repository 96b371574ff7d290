#ifndef UPKEEP_H
#define UPKEEP_H

/*
 * What the agent does for its clone unasked: the first one, and maintenance
 * when it is idle.  Part of the daemon; loop thread.
 */
struct daemon;

void	 upkeep_start(struct daemon *);

/* While there is no such clone, try (again) after a while. */
void	 upkeep_clone(struct daemon *);

#endif
