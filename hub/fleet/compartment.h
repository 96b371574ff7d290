#ifndef COMPARTMENT_H
#define COMPARTMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"

/*
 * The five dots of a host, computed in ONE place from facts, whatever message
 * came last (dialect 3 had five different answers).
 */

/* What the host itself said of a compartment; the message may be NULL or "". */
struct compartment_report {
	const char *message;
	int64_t checked_at;		/* ms since 1970, 0: never */
	uint8_t status;			/* enum check */
};

/* All that decides.  Strings may be NULL or "" for not known. */
struct compartment_facts {
	const char *hub_version, *agent_version;
	/* what is desired: the hub's mirror, else version.json */
	bool desired_configured;
	const char *desired_head, *desired_lock, *desired_error;
	int64_t desired_at;		/* checked, ms since 1970 */
	/* the host */
	const char *generation, *lock_hash, *tests_generation;
	int64_t behind;			/* commits; -1: not known */
	int64_t last_seen;
	struct compartment_report said[COMPARTMENT_COUNT];
	const char *running_op;		/* NULL: none */
	bool running_system;		/* it changes the system */
	bool running_tests;		/* it runs the tests */
};

#define COMPARTMENT_TEXT 200

/* What is shown. */
struct compartment_view {
	enum check status;
	char message[COMPARTMENT_TEXT];	/* one sentence */
	int64_t checked_at;		/* ms since 1970, 0: never */
	int64_t behind;			/* git only; -1: not known */
};

/* Fill all five. */
void	 compartment_compute(const struct compartment_facts *,
	    struct compartment_view out[COMPARTMENT_COUNT]);

/* Are the two the same revision (one may be a prefix of 7 or more)? */
bool	 compartment_same_revision(const char *, const char *);

#endif
