#ifndef ENROLMENT_H
#define ENROLMENT_H

#include <stdbool.h>

/* How many new hosts may come from one address. */
struct enrolment;
struct hub;

struct enrolment *enrolment_new(struct hub *);
void	 enrolment_free(struct enrolment **);

/**
 * enrolment_take(en, addr):
 * Count a new host from ${addr}.  False, with an event, when there were
 * NIXFLEET_ENROL_LIMIT within an hour.
 */
bool	 enrolment_take(struct enrolment *, const char *addr);

#endif
