#ifndef COMPARTMENT_H
#define COMPARTMENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The five dots of a host, computed in ONE place from facts, whatever message
 * came last (dialect 3, F, had five different answers).
 */
enum compartment_id {
	COMPARTMENT_AGENT, COMPARTMENT_GIT, COMPARTMENT_LOCK,
	COMPARTMENT_SYSTEM, COMPARTMENT_TESTS, COMPARTMENT_N
};

enum compartment_status {
	COMPARTMENT_UNKNOWN, COMPARTMENT_OK, COMPARTMENT_OUTDATED,
	COMPARTMENT_ERROR, COMPARTMENT_WORKING
};

/* "agent", "git", … and "ok", "outdated", …; NULL if out of range. */
const char *compartment_name(enum compartment_id);
const char *compartment_status_name(enum compartment_status);
/* UNKNOWN for "", NULL and words that are none of them. */
enum compartment_status compartment_status_find(const char *);

/* What the host itself said of a compartment; strings may be NULL or "". */
struct compartment_report {
	uint8_t status;			/* enum compartment_status */
	const char *message;
	int64_t checked_at;		/* ms since 1970, 0: never */
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
	struct compartment_report said[COMPARTMENT_N];
	const char *running_op;		/* NULL: none */
	bool running_system;		/* it changes the system */
	bool running_tests;		/* it runs the tests */
};

#define COMPARTMENT_TEXT 200

struct compartment {
	enum compartment_status status;
	char message[COMPARTMENT_TEXT];	/* one sentence */
	int64_t checked_at;		/* ms since 1970, 0: never */
	int64_t behind;			/* git only; -1: not known */
};

/* Fill all five. */
void	 compartment_compute(const struct compartment_facts *,
	    struct compartment out[COMPARTMENT_N]);

/* Are the two the same revision (one may be a prefix of ≥ 7)? */
bool	 compartment_same_revision(const char *, const char *);

#endif
