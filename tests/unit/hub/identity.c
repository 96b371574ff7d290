#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"

#define W IDENTITY_WELCOME
#define N IDENTITY_ENROL
#define C IDENTITY_CONFIRM
#define R IDENTITY_REFUSED
#define X IDENTITY_CONFLICT

static const struct row {
	const char *what;
	struct identity_offer offer;
	struct identity_known known;
	enum identity_verdict want;
	enum refusal code;
} rows[] = {
	{ "a new host enrols",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { .exists = false }, N, 0 },
	{ "also when the shared token is good for enrolling only",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, false },
	    { .exists = false }, N, 0 },
	{ "a new dialect 3 host lives on the shared token",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { .exists = false }, W, 0 },
	{ "unless the operator forbids it",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, false },
	    { .exists = false }, R, REFUSAL_TOKEN },
	{ "a known dialect 3 host comes back",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, false, IDENTITY_SHARED, "", false }, W, 0 },
	{ "or replaces its half-open link",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, true, IDENTITY_SHARED, "", false }, W, 0 },
	{ "but two that replace each other are a conflict",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, true, IDENTITY_SHARED, "", true }, X, REFUSAL_CONFLICT },
	{ "a dialect 3 host that was updated enrols",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { true, false, IDENTITY_SHARED, "", false }, N, 0 },
	{ "not while the old agent is connected: it may be another machine",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { true, true, IDENTITY_SHARED, "", false }, R, REFUSAL_CONFLICT },
	{ "the offered token got lost on the way: another",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { true, false, IDENTITY_OFFERED, "A", false }, N, 0 },
	{ "not for another machine",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "B", true, true },
	    { true, false, IDENTITY_OFFERED, "A", false }, X,
	    REFUSAL_CONFLICT },
	{ "not for a dialect 3 one",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, false, IDENTITY_OFFERED, "A", false }, X,
	    REFUSAL_CONFLICT },
	{ "first use of the offered token",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h1", "A", true, true },
	    { true, false, IDENTITY_OFFERED, "A", false }, C, 0 },
	{ "the old one is good until then",
	    { IDENTITY_HOST_TOKEN, "h1", true, "h1", "A", true, true },
	    { true, false, IDENTITY_OFFERED, "A", false }, W, 0 },
	{ "a host with its own token",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h1", "A", true, true },
	    { true, false, IDENTITY_OWN, "A", false }, W, 0 },
	{ "which lost its state, not its token",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h1", "B", true, true },
	    { true, false, IDENTITY_OWN, "A", false }, W, 0 },
	{ "a copied disk: two machines with one token",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h1", "B", true, true },
	    { true, true, IDENTITY_OWN, "A", false }, X, REFUSAL_CONFLICT },
	{ "a name with a token of its own is not for the shared one",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { true, false, IDENTITY_OWN, "A", false }, X, REFUSAL_CONFLICT },
	{ "nor for a dialect 3 agent",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, false, IDENTITY_OWN, "A", false }, X, REFUSAL_CONFLICT },
	{ "a token says whose it is",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h2", "A", true, true },
	    { .exists = false }, R, REFUSAL_TOKEN },
	{ "revoked: not with the token",
	    { IDENTITY_REVOKED_TOKEN, "h1", false, "h1", "A", true, true },
	    { true, false, IDENTITY_REVOKED, "A", false }, R,
	    REFUSAL_REVOKED },
	{ "revoked: not with the shared one",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "A", true, true },
	    { true, false, IDENTITY_REVOKED, "A", false }, R,
	    REFUSAL_REVOKED },
	{ "accepted: the next machine gets the name",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", "B", true, true },
	    { true, true, IDENTITY_ACCEPT, "A", false }, N, 0 },
	{ "accepted: the one that had it may be the next",
	    { IDENTITY_HOST_TOKEN, "h1", false, "h1", "A", true, true },
	    { true, false, IDENTITY_ACCEPT, "A", false }, C, 0 },
	{ "accepted: a dialect 3 machine takes it on the shared token",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "h1", NULL, false, true },
	    { true, false, IDENTITY_ACCEPT, "A", false }, W, 0 },
	{ "no token at all",
	    { IDENTITY_NOBODY, NULL, false, "h1", "A", true, true },
	    { .exists = false }, R, REFUSAL_TOKEN },
	{ "a path is no hostname",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "../x", "A", true, true },
	    { .exists = false }, R, REFUSAL_HOSTNAME },
	{ "nor is nothing",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "", "A", true, true },
	    { .exists = false }, R, REFUSAL_HOSTNAME },
	{ "nor markup",
	    { IDENTITY_SHARED_TOKEN, NULL, false, "<b>", NULL, false, true },
	    { .exists = false }, R, REFUSAL_HOSTNAME },
};

/* Who may take which name, row by row. */
static void
test_rules(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct identity_answer a;

		identity_judge(&rows[i].offer, &rows[i].known, &a);
		if (a.verdict != rows[i].want ||
		    (a.verdict >= R && a.code != rows[i].code))
			fail_msg("%s: verdict %d, code %d (%s)", rows[i].what,
			    a.verdict, a.code, a.reason);
		assert_int_equal(a.verdict >= R, a.reason[0] != '\0');
	}
}

/* What is kept of a token is its SHA-256. */
static void
test_hash(void **unused)
{
	char hex[65];

	(void)unused;
	identity_hash("abc", hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_hash),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
