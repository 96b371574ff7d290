#include "rig.h"

#include "fleet.h"
#include "present.h"
#include "str.h"

static struct rig rig;

static int
setup(void **unused)
{
	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig_up(&rig);
	return (0);
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_down(&rig);
	return (0);
}

static void
done(struct rig_agent *a)
{
	if (a->conn != NULL)
		rig_gone(a, true);
	rig_forget(a);
	free(a->token);
}

static const char *
shown(const char *host, const char *field)
{
	static char text[128];
	json_t *h = present_host(rig.hub, fleet_find(rig.hub->fleet, host));
	const char *s = json_string_value(json_object_get(h, field));

	snprintf(text, sizeof(text), "%s", s != NULL ? s : "null");
	json_decref(h);
	return (text);
}

/* A dialect 3 agent gets `registered` at once, as it reads it first. */
static void
test_dialect3(void **unused)
{
	struct rig_agent a = { .host = "old", .dialect = 0 };
	json_t *p;

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	assert_int_equal(a.n, 1);
	p = rig_got(&a, "registered");
	assert_string_equal(json_string_value(json_object_get(p, "host_id")),
	    "old");
	assert_int_equal(json_object_size(p), 1);
	assert_string_equal(shown("old", "status"), "online");
	assert_string_equal(shown("old", "identity"), "shared");
	rig_say(&a, "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"abcdef1\",\"nixpkgs_version\":\"24.05\",\"pending_command\":"
	    "null,\"command_pid\":null,\"metrics\":{\"cpu\":1.5,\"ram\":2,"
	    "\"swap\":0,\"load\":0.5},\"update_status\":{\"system\":{"
	    "\"status\":\"ok\",\"message\":\"fine\",\"checked_at\":"
	    "\"2026-01-19T13:43:00Z\"}}}}");
	assert_string_equal(shown("old", "generation"), "abcdef1");
	assert_string_equal(shown("old", "nixpkgs_version"), "24.05");
	rig_gone(&a, false);
	assert_string_equal(shown("old", "liveness"), "offline");
	done(&a);
}

/* Enrolment: the token comes after its hash is stored, works, and ends the
   shared one for that name; all of it survives a restart of the hub. */
static void
test_enrol(void **unused)
{
	struct rig_agent a = { .host = "h1", .agent_id = "A", .dialect = 4 };
	struct rig_agent thief = { .host = "h1", .agent_id = "B",
		.dialect = 4 };
	struct identity_claim claim;

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	assert_int_equal(a.n, 0);
	rig_await(&a, "registered", 1);
	assert_non_null(a.token);
	assert_string_equal(shown("h1", "identity"), "own");
	/* It got lost: the same machine gets another. */
	rig_gone(&a, false);
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_await(&a, "registered", 1);
	rig_gone(&a, false);
	assert_int_equal(rig_connect(&rig, &a, a.token, NULL), 0);
	rig_await(&a, "registered", 1);
	rig_gone(&a, true);
	assert_string_equal(shown("h1", "liveness"), "stopped");
	rig_restart(&rig);
	assert_string_equal(shown("h1", "liveness"), "stopped");
	assert_int_equal(rig_connect(&rig, &thief, NULL, NULL), -1);
	assert_string_equal(json_string_value(json_object_get(
	    rig_got(&thief, "refused"), "code")), "identity_conflict");
	assert_string_equal(shown("h1", "liveness"), "conflict");
	assert_int_equal(rig_connect(&rig, &a, a.token, NULL), 0);
	identity_check(rig.hub->fleet, "nonsense", &claim);
	assert_int_equal(claim.kind, IDENTITY_NOBODY);
	done(&a);
	done(&thief);
}

/* Revoked: cut off with the reason, refused, and back after an accept. */
static void
test_revoke(void **unused)
{
	struct rig_agent a = { .host = "h1", .agent_id = "A", .dialect = 4 };
	struct identity_claim claim;
	char *old;

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_await(&a, "registered", 1);
	fleet_token_revoke(rig.hub->fleet, fleet_find(rig.hub->fleet, "h1"));
	assert_int_equal(a.closed, 1008);
	assert_string_equal(json_string_value(json_object_get(
	    rig_got(&a, "refused"), "code")), "revoked");
	rig_gone(&a, false);
	identity_check(rig.hub->fleet, a.token, &claim);
	assert_int_equal(claim.kind, IDENTITY_REVOKED_TOKEN);
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), -1);
	assert_string_equal(shown("h1", "identity"), "revoked");
	fleet_accept(rig.hub->fleet, fleet_find(rig.hub->fleet, "h1"));
	old = str_dup(a.token);
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_await(&a, "registered", 1);
	identity_check(rig.hub->fleet, old, &claim);
	assert_int_equal(claim.kind, IDENTITY_NOBODY);
	free(old);
	done(&a);
}

static void
on_rotated(void *cookie, const char *token, const struct err *failed)
{
	assert_null(failed);
	*(char **)cookie = str_dup(token);
}

static bool
has_text(void *cookie)
{
	return (*(char **)cookie != NULL);
}

/* Rotation: the new token is pushed; the old is good until it is used. */
static void
test_rotate(void **unused)
{
	struct rig_agent a = { .host = "h1", .agent_id = "A", .dialect = 4 };
	struct identity_claim claim;
	char *first, *token = NULL;

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_await(&a, "registered", 1);
	first = str_dup(a.token);
	rig_gone(&a, false);
	assert_int_equal(rig_connect(&rig, &a, first, NULL), 0);
	fleet_token_rotate(rig.hub->fleet, fleet_find(rig.hub->fleet, "h1"),
	    on_rotated, &token);
	assert_null(token);
	rig_wait(&rig, has_text, &token);
	assert_string_equal(a.token, token);
	identity_check(rig.hub->fleet, first, &claim);
	assert_int_equal(claim.kind, IDENTITY_HOST_TOKEN);
	assert_true(claim.old);
	rig_gone(&a, false);
	assert_int_equal(rig_connect(&rig, &a, token, NULL), 0);
	identity_check(rig.hub->fleet, first, &claim);
	assert_int_equal(claim.kind, IDENTITY_NOBODY);
	free(first);
	free(token);
	done(&a);
}

/* Two old agents of one name take turns a few times, then it is a conflict;
   the one that is there stays. */
static void
test_flapping(void **unused)
{
	struct rig_agent a[6];
	int i;

	(void)unused;
	for (i = 0; i < 6; i++) {
		a[i] = (struct rig_agent){ .host = "twin" };
		if (rig_connect(&rig, &a[i], NULL, NULL) == -1)
			break;
		if (i > 0) {
			assert_int_equal(a[i - 1].closed, 1008);
			rig_gone(&a[i - 1], false);
			assert_string_equal(shown("twin", "status"), "online");
		}
	}
	assert_int_equal(i, 5);
	assert_int_equal(a[4].closed, 0);
	assert_string_equal(shown("twin", "liveness"), "conflict");
	assert_null(a[5].conn);
	for (i = 0; i < 6; i++)
		done(&a[i]);
}

/* A host that leaves while its enrolment is being stored harms nothing. */
static void
test_leaves_early(void **unused)
{
	struct rig_agent a = { .host = "h1", .agent_id = "A", .dialect = 4 };

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL,
	    "{\"01ARZ3NDEKTSV4RRFFQ69G5FAV\":3}"), 0);
	rig_gone(&a, false);
	rig_settle(&rig);
	assert_int_equal(a.n, 0);
	done(&a);
}

static bool
is_late(void *cookie)
{
	(void)cookie;
	return (fleet_find(rig.hub->fleet, "h1")->liveness == LIVENESS_LATE);
}

/* A host that is connected and silent is called late, not healthy. */
static void
test_late(void **unused)
{
	struct rig_agent a = { .host = "h1" };

	(void)unused;
	rig.extra[0] = "NIXFLEET_HEARTBEAT_INTERVAL=1";
	rig_restart(&rig);
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_wait(&rig, is_late, NULL);
	assert_string_equal(shown("h1", "status"), "online");
	rig_say(&a, "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"\",\"nixpkgs_version\":\"\"}}");
	assert_string_equal(shown("h1", "liveness"), "connected");
	done(&a);
}

/* Hosts cannot be removed under a live link, and are gone afterwards. */
static void
test_remove(void **unused)
{
	struct rig_agent a = { .host = "h1" };
	struct fleet_host *h;
	struct err e;

	(void)unused;
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	h = fleet_find(rig.hub->fleet, "h1");
	assert_int_equal(fleet_remove(rig.hub->fleet, h, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	rig_gone(&a, true);
	rig_ask(&rig, "h1", "pull");
	assert_int_equal(fleet_remove(rig.hub->fleet, h, &e), 0);
	assert_null(fleet_find(rig.hub->fleet, "h1"));
	rig_restart(&rig);
	assert_null(fleet_find(rig.hub->fleet, "h1"));
	done(&a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dialect3), T(test_enrol), T(test_revoke),
		T(test_rotate), T(test_flapping), T(test_leaves_early),
		T(test_remove), T(test_late),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
