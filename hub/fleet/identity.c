#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fleet.h"
#include "identity.h"
#include "str.h"

const char *
identity_name(enum identity_state s)
{
	switch (s) {
	case IDENTITY_OFFERED:
	case IDENTITY_OWN:
		return ("own");
	case IDENTITY_REVOKED:
		return ("revoked");
	default:
		return ("shared");
	}
}

void
identity_check(struct fleet *f, const char *bearer, struct identity_claim *c)
{
	const char *shared = fleet_shared_token(f);
	const struct fleet_host *h;
	char hash[65];

	memset(c, 0, sizeof(*c));
	if (shared != NULL && str_secret_eq(shared, bearer)) {
		c->kind = IDENTITY_SHARED_TOKEN;
		return;
	}
	identity_hash(bearer, hash);
	if ((h = fleet_by_token(f, hash)) == NULL)
		return;
	snprintf(c->host, sizeof(c->host), "%s", h->id);
	c->old = str_eq(h->old_token_hash, hash);
	c->kind = h->token_state == IDENTITY_REVOKED ||
	    (c->old && h->token_state != IDENTITY_OFFERED) ?
	    IDENTITY_REVOKED_TOKEN : IDENTITY_HOST_TOKEN;
}

static void answer(struct identity_answer *, enum identity_verdict,
    enum refusal, const char *, ...) __attribute__((format(printf, 4, 5)));

static void
answer(struct identity_answer *a, enum identity_verdict verdict,
    enum refusal code, const char *fmt, ...)
{
	va_list ap;

	a->verdict = verdict;
	a->code = code;
	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
}

/* Dialect 3 agents cannot keep a token of their own. */
static void
judge_lodger(const struct identity_offer *o, struct identity_answer *a)
{
	if (!o->allow_shared)
		answer(a, IDENTITY_REFUSED, REFUSAL_TOKEN, "this agent cannot "
		    "keep a token of its own, and the shared one is not "
		    "allowed for that here: update the agent");
}

static void
judge_shared(const struct identity_offer *o, const struct identity_known *k,
    struct identity_answer *a)
{
	bool keeps = o->dialect4 && o->agent_id != NULL && *o->agent_id != '\0';
	enum identity_state state = k->exists ? k->state : IDENTITY_SHARED;

	if (state == IDENTITY_REVOKED) {
		answer(a, IDENTITY_REFUSED, REFUSAL_REVOKED, "the token of %s "
		    "was revoked: an operator must accept it again",
		    o->hostname);
	} else if (state == IDENTITY_OWN || (state == IDENTITY_OFFERED &&
	    (!keeps || !str_eq(o->agent_id, k->agent_id)))) {
		answer(a, IDENTITY_CONFLICT, REFUSAL_CONFLICT, "%s has a token "
		    "of its own and another machine shows the shared one: an "
		    "operator must accept the newcomer", o->hostname);
	} else if (state == IDENTITY_SHARED && k->connected && keeps) {
		answer(a, IDENTITY_REFUSED, REFUSAL_CONFLICT, "%s is connected "
		    "with an older agent: it can enrol when that is gone",
		    o->hostname);
	} else if (keeps) {
		a->verdict = IDENTITY_ENROL;
	} else {
		judge_lodger(o, a);
	}
}

static void
judge_own(const struct identity_offer *o, const struct identity_known *k,
    struct identity_answer *a)
{
	if (!str_eq(o->token_host, o->hostname))
		answer(a, IDENTITY_REFUSED, REFUSAL_TOKEN, "this token is the "
		    "one of %s, not of %s", o->token_host, o->hostname);
	else if (k->connected && k->agent_id != NULL && *k->agent_id != '\0' &&
	    o->agent_id != NULL && !str_eq(o->agent_id, k->agent_id))
		answer(a, IDENTITY_CONFLICT, REFUSAL_CONFLICT, "two machines "
		    "use the token of %s: an operator must decide",
		    o->hostname);
	else if (k->state != IDENTITY_OWN && !o->old_token)
		a->verdict = IDENTITY_CONFIRM;
}

void
identity_judge(const struct identity_offer *o, const struct identity_known *k,
    struct identity_answer *a)
{
	struct err e;

	memset(a, 0, sizeof(*a));
	a->verdict = IDENTITY_WELCOME;
	if (names_hostname_check(o->hostname, &e) == -1) {
		answer(a, IDENTITY_REFUSED, REFUSAL_HOSTNAME, "%s", e.text);
		return;
	}
	switch (o->kind) {
	case IDENTITY_SHARED_TOKEN:
		judge_shared(o, k, a);
		break;
	case IDENTITY_HOST_TOKEN:
		judge_own(o, k, a);
		break;
	case IDENTITY_REVOKED_TOKEN:
		answer(a, IDENTITY_REFUSED, REFUSAL_REVOKED, "the token of %s "
		    "was revoked: an operator must accept it again",
		    o->hostname);
		break;
	case IDENTITY_NOBODY:
		answer(a, IDENTITY_REFUSED, REFUSAL_TOKEN, "unknown token");
		break;
	}
	if (a->verdict < IDENTITY_REFUSED && k->connected && k->flapping)
		answer(a, IDENTITY_CONFLICT, REFUSAL_CONFLICT, "several "
		    "machines take the name %s from each other", o->hostname);
}

void
identity_hash(const char *token, char out[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	EVP_Digest(token, strlen(token), md, &n, EVP_sha256(), NULL);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}
