#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>

#include "names.h"

struct fleet_host;
struct fleet;

/*
 * Who may speak for a host.  Loop thread only; nothing here waits.
 *
 * SHARED   no token of its own: lives on the shared one (dialect 3)
 * OFFERED  a token was made and sent, but not used yet: the shared token is
 *          still good for the same agent_id, and gets a fresh token
 * OWN      only its own token is good
 * REVOKED  nothing is good until an operator accepts
 * ACCEPT   an operator accepted: the next machine with the shared token
 *          takes the name
 */
enum identity_state {
	IDENTITY_SHARED, IDENTITY_OFFERED, IDENTITY_OWN, IDENTITY_REVOKED,
	IDENTITY_ACCEPT
};

/* The word of the HTTP API: "shared", "own", "revoked". */
const char *identity_name(enum identity_state);

/* What a Bearer token is. */
enum identity_kind {
	IDENTITY_NOBODY,	/* unknown: 401 */
	IDENTITY_SHARED_TOKEN,	/* the fleet's shared token */
	IDENTITY_HOST_TOKEN,	/* some host's own token, host filled in */
	IDENTITY_REVOKED_TOKEN,	/* was good once: 403 and say so */
};

struct identity_claim {
	enum identity_kind kind;
	char host[64];		/* IDENTITY_HOST_TOKEN, _REVOKED_TOKEN */
	bool old;		/* a newer token was made and not used yet */
};

/**
 * identity_check(fleet, bearer, claim):
 * What is the token of a WebSocket upgrade good for?  Time does not depend on
 * how much of a token is right: tokens are looked up by hash.
 */
void	 identity_check(struct fleet *, const char *bearer,
	    struct identity_claim *);

/* What one who registers has to show; made of the claim and register. */
struct identity_offer {
	enum identity_kind kind;
	const char *token_host;	/* whose token it is, or NULL */
	bool old_token;		/* struct identity_claim's old */
	const char *hostname;
	const char *agent_id;	/* NULL: dialect 3 */
	bool dialect4;
	bool allow_shared;	/* SET_ALLOW_SHARED_TOKEN */
};

/* The host as it is known; all zeroes for a new one. */
struct identity_known {
	bool exists;
	bool connected;
	enum identity_state state;
	const char *agent_id;	/* NULL: never said */
	bool flapping;		/* replaced too often lately, see fleet */
};

enum identity_verdict {
	IDENTITY_WELCOME,	/* as it is */
	IDENTITY_ENROL,		/* welcome, and gets a (new) token */
	IDENTITY_CONFIRM,	/* welcome, first use of its offered token */
	IDENTITY_REFUSED,	/* no */
	IDENTITY_CONFLICT,	/* no; and the host is shown as in conflict */
};

struct identity_answer {
	enum identity_verdict verdict;
	enum refusal code;	/* REFUSED, CONFLICT */
	char reason[200];	/* for the agent and for people */
};

/* The rules, one pure function. */
void	 identity_judge(const struct identity_offer *,
	    const struct identity_known *, struct identity_answer *);

/* SHA-256 of a token, lower-case hex. */
void	 identity_hash(const char *token, char out[65]);

#endif
