#include "rig.h"

#include "eventlog.h"
#include "feed.h"
#include "fleet.h"
#include "present.h"
#include "store.h"
#include "str.h"

static struct rig rig;
static struct rig_agent agent;
static json_t *deltas[32];
static size_t ndeltas;
static int64_t last_seq;

static void
on_delta(void *cookie, json_t *payload)
{
	(void)cookie;
	assert_true(ndeltas < 32);
	deltas[ndeltas++] = json_incref(payload);
}

static void
on_output(void *cookie, const struct operation *op,
    const struct store_line *lines, size_t n)
{
	(void)cookie;
	(void)op;
	for (size_t i = 0; i < n; i++) {
		assert_true(lines[i].seq > last_seq);
		last_seq = lines[i].seq;
	}
}

static bool
has_delta(void *cookie)
{
	return (ndeltas >= *(size_t *)cookie);
}

static void
await(size_t n)
{
	rig_wait(&rig, has_delta, &n);
}

/* A change is told once, with only what changed; many changes of a moment
   are one delta; nobody there, nothing built. */
static void
test_deltas(void **unused)
{
	const struct feed_sink sink = { on_delta, on_output, NULL };
	const struct eventlog_entry en = { .category = "system",
	    .level = "info" };
	json_t *h;

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig_up(&rig);
	agent = (struct rig_agent){ .host = "h1" };
	feed_sink(rig.hub->feed, &sink);
	assert_int_equal(rig_connect(&rig, &agent, NULL, NULL), 0);
	rig_settle(&rig);
	assert_int_equal(ndeltas, 0);
	feed_on(rig.hub->feed, true);
	rig_say(&agent, "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"\",\"nixpkgs_version\":\"\",\"metrics\":{\"cpu\":41.8,\"ram\":1,"
	    "\"swap\":0,\"load\":0}}}");
	/* Of thousands, the newest hundred: no browser shows more at once. */
	for (int i = 0; i < 130; i++)
		eventlog_add(rig.hub->events, &en, "event %d", i);
	await(1);
	h = json_array_get(json_object_get(deltas[0], "hosts"), 0);
	assert_string_equal(json_string_value(json_object_get(h, "id")), "h1");
	assert_true(json_real_value(json_object_get(json_object_get(h,
	    "metrics"), "cpu")) == 41.8);
	assert_non_null(json_object_get(h, "last_seen"));
	assert_null(json_object_get(h, "location"));
	assert_null(json_object_get(h, "compartments"));
	assert_int_equal(json_array_size(json_object_get(deltas[0],
	    "events")), 100);
	h = json_array_get(json_object_get(deltas[0], "events"), 99);
	assert_string_equal(json_string_value(json_object_get(h, "message")),
	    "event 129");
	rig_ask(&rig, "h1", "pull");
	await(2);
	assert_int_equal(json_array_size(json_object_get(deltas[1],
	    "operations")), 1);
	rig_say(&agent, "{\"type\":\"output\",\"payload\":{\"line\":\"x\","
	    "\"stream\":\"stdout\",\"command\":\"pull\"}}");
	rig_settle(&rig);
	assert_int_equal(last_seq, 1);
	feed_on(rig.hub->feed, false);
	rig_say(&agent, "{\"type\":\"output\",\"payload\":{\"line\":\"x\","
	    "\"stream\":\"stdout\",\"command\":\"pull\"}}");
	rig_settle(&rig);
	assert_int_equal(last_seq, 1);
	rig_gone(&agent, true);
	while (ndeltas > 0)
		json_decref(deltas[--ndeltas]);
	rig_down(&rig);
}

/* The init payload has every part that the API promises. */
static void
test_init(void **unused)
{
	static const char *const parts[] = { "hosts", "operations", "events",
		"repository", "ops", "hub" };
	static const char *const fields[] = { "id", "hostname", "host_type",
		"kind", "dialect", "agent_version", "agent_outdated",
		"os_version", "nixpkgs_version", "generation", "status",
		"liveness", "since", "last_seen", "created_at", "comment",
		"theme_color", "location", "device_type", "repo_url",
		"repo_dir", "identity", "pending_command", "operation",
		"queued", "metrics", "compartments", "facts" };
	const struct fleet_new_host new = { .hostname = "h1" };
	struct fleet_host *h;
	struct err e;
	json_t *init, *host;

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig_up(&rig);
	assert_int_equal(fleet_add(rig.hub->fleet, &new, &h, &e), 0);
	rig_ask(&rig, "h1", "pull");
	init = present_init(rig.hub);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(json_object_get(init, parts[i]));
	host = json_array_get(json_object_get(init, "hosts"), 0);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_non_null(json_object_get(host, fields[i]));
	assert_int_equal(json_object_size(host),
	    sizeof(fields) / sizeof(fields[0]));
	assert_int_equal(json_array_size(json_object_get(init,
	    "operations")), 1);
	assert_int_equal(json_integer_value(json_object_get(host, "queued")),
	    1);
	assert_string_equal(json_string_value(json_object_get(host,
	    "liveness")), "never");
	json_decref(init);
	rig_down(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deltas), cmocka_unit_test(test_init),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
