#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "str.h"
#include "wire.h"

/* GOLDEN is the directory of the golden vectors. */

static json_t *
load(const char *name)
{
	char *path = str_printf("%s/%s", GOLDEN, name);
	json_t *rows = json_load_file(path, 0, NULL);

	assert_true(json_array_size(rows) > 0);
	free(path);
	return (rows);
}

static const char *
str_of(const json_t *row, const char *key)
{
	return (json_string_value(json_object_get(row, key)));
}

static enum wire_dir
from_of(const json_t *row)
{
	return (strcmp(str_of(row, "from"), "hub") == 0 ? WIRE_FROM_HUB :
	    WIRE_FROM_AGENT);
}

/* Decode and encode every row; it must become "encoded", else itself. */
static void
replay(const char *file)
{
	json_t *rows = load(file), *row;
	const char *text, *want;
	struct wire_msg msg;
	struct err e;
	char *got;
	size_t i;

	json_array_foreach (rows, i, row) {
		text = str_of(row, "text");
		want = str_of(row, "encoded") ? str_of(row, "encoded") : text;
		if (wire_decode(text, strlen(text), from_of(row), &msg, &e) ==
		    -1)
			fail_msg("%s: %s", str_of(row, "name"), e.text);
		got = wire_encode(&msg, (int)json_integer_value(
		    json_object_get(row, "dialect")));
		assert_string_equal(got, want);
		free(got);
		wire_free(&msg);
	}
	json_decref(rows);
}

/* Agents and hubs of NixFleet v3 must get the very bytes they know. */
static void
test_dialect3(void **unused)
{
	(void)unused;
	replay("dialect3.json");
}

/* What dialect 4 says must survive a round trip unchanged. */
static void
test_dialect4(void **unused)
{
	(void)unused;
	replay("dialect4.json");
}

/* A peer that says more, or says it otherwise, must be understood. */
static void
test_tolerated(void **unused)
{
	(void)unused;
	replay("tolerated.json");
}

/* A wrong message must be refused with the field's name. */
static void
test_rejected(void **unused)
{
	json_t *rows = load("rejected.json"), *row;
	struct wire_msg msg;
	const char *text;
	struct err e;
	size_t i;

	(void)unused;
	json_array_foreach (rows, i, row) {
		text = str_of(row, "text");
		if (wire_decode(text, strlen(text), from_of(row), &msg, &e) !=
		    -1)
			fail_msg("%s: was accepted", str_of(row, "name"));
		assert_string_equal(err_name(e.code), str_of(row, "code"));
		if (strstr(e.text, str_of(row, "says")) == NULL)
			fail_msg("%s: %s", str_of(row, "name"), e.text);
	}
	json_decref(rows);
}

/* Every message of the table must have a golden vector. */
static void
test_golden_is_complete(void **unused)
{
	json_t *three = load("dialect3.json"), *four = load("dialect4.json");
	bool seen[WIRE_TYPE_COUNT] = { 0 };
	struct wire_msg msg;
	const char *text;
	struct err e;
	json_t *row;
	size_t i;

	(void)unused;
	json_array_extend(three, four);
	json_array_foreach (three, i, row) {
		text = str_of(row, "text");
		assert_int_equal(0, wire_decode(text, strlen(text),
		    from_of(row), &msg, &e));
		seen[msg.type] = true;
		wire_free(&msg);
	}
	for (int t = 0; t < WIRE_TYPE_COUNT; t++)
		if (!seen[t])
			fail_msg("no vector for %s", wire_name(t));
	json_decref(three);
	json_decref(four);
}

/* Bytes that are not UTF-8 must be refused when they come in. */
static void
test_decode_binary(void **unused)
{
	static const char text[] = "{\"type\":\"output\",\"payload\":"
	    "{\"line\":\"caf\xe9\"}}";
	struct wire_msg msg;
	struct err e;

	(void)unused;
	assert_int_equal(-1, wire_decode(text, sizeof(text) - 1,
	    WIRE_FROM_AGENT, &msg, &e));
	assert_int_equal(ERR_INPUT, e.code);
	assert_non_null(strstr(e.text, "0xe9"));
}

/* A child's binary output must not end the link, so it leaves as UTF-8. */
static void
test_encode_binary(void **unused)
{
	char line[] = "caf\xe9 \xff", stream[] = "stdout";
	struct wire_msg msg = { .type = WIRE_OUTPUT,
		.u.output = { .line = line, .stream = stream } };
	char *text = wire_encode(&msg, 3);

	(void)unused;
	assert_string_equal(text, "{\"type\":\"output\",\"payload\":{\"line\":"
	    "\"caf\xef\xbf\xbd \xef\xbf\xbd\",\"stream\":\"stdout\","
	    "\"command\":\"\",\"is_error\":false}}");
	free(text);
}

/* A batch must give back what was put in, times included. */
static void
test_lines(void **unused)
{
	struct wire_line in[] = {
		{ "one", 3, STREAM_STDOUT, 1000 },
		{ "tw\xffo", 4, STREAM_STDERR, 1000 },
		{ "a\0b", 3, STREAM_NOTE, 2500 },
	};
	const char *want[] = { "one", "tw\xef\xbf\xbdo", "a\uFFFDb" };
	struct wire_msg msg = { .type = WIRE_OUTPUT, .u.output = { .seq = 5,
	    .ts = 1000, .lines = json_array() } }, got;
	struct wire_line line;
	struct err e;
	char *text;

	(void)unused;
	for (int i = 0; i < 3; i++)
		wire_lines_add(msg.u.output.lines, 1000, &in[i]);
	text = wire_encode(&msg, 4);
	assert_int_equal(0, wire_decode(text, strlen(text), WIRE_FROM_AGENT,
	    &got, &e));
	assert_int_equal(3, json_array_size(got.u.output.lines));
	for (size_t i = 0; i < 3; i++) {
		wire_lines_get(&got.u.output, i, &line);
		assert_string_equal(line.text, want[i]);
		assert_int_equal(line.len, strlen(want[i]));
		assert_int_equal(line.stream, in[i].stream);
		assert_int_equal(line.ts, in[i].ts);
	}
	free(text);
	json_decref(msg.u.output.lines);
	wire_free(&got);
}

/* Agents leave compartments and metrics out; the hub must not trip. */
static void
test_parts(void **unused)
{
	struct wire_check in = { .status = "ok", .message = NULL }, out;
	struct wire_metrics m = { 1, 2, 3, 4 }, n;
	json_t *us = json_object(), *v = wire_metrics_json(&m);

	(void)unused;
	wire_check_set(us, COMPARTMENT_LOCK, &in);
	wire_check_get(us, COMPARTMENT_LOCK, &out);
	assert_string_equal(out.status, "ok");
	assert_string_equal(out.message, "");
	wire_check_get(us, COMPARTMENT_GIT, &out);
	assert_string_equal(out.status, "");
	wire_check_get(NULL, COMPARTMENT_GIT, &out);
	assert_string_equal(out.checked_at, "");
	assert_true(wire_metrics_get(v, &n));
	assert_memory_equal(&m, &n, sizeof(m));
	assert_false(wire_metrics_get(NULL, &n));
	json_decref(us);
	json_decref(v);
}

/* An unchanged heartbeat is sent every few seconds by every host. */
static void
test_heartbeat_small(void **unused)
{
	struct wire_msg msg = { .type = WIRE_HEARTBEAT,
		.u.heartbeat = { .command_pid = RECORD_NONE } };
	char *text = wire_encode(&msg, 4);

	(void)unused;
	assert_true(strlen(text) < 100);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialect3),
		cmocka_unit_test(test_dialect4),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_golden_is_complete),
		cmocka_unit_test(test_decode_binary),
		cmocka_unit_test(test_encode_binary),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_heartbeat_small),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
