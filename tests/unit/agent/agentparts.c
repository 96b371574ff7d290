#include "agentunit.h"

#include <string.h>

#include "control_request.h"
#include "digest.h"
#include "file.h"
#include "hublink.h"
#include "installed.h"
#include "intake.h"
#include "ops.h"
#include "wire_op.h"

/* Waits grow to a minute (five after a 401), never to nothing. */
static void
test_hublink_backoff(void **unused)
{
	unsigned n;

	(void)unused;
	for (n = 0; n < 40; n++) {
		assert_in_range(hublink_backoff(n, false, 0), 100, 6000);
		assert_in_range(hublink_backoff(n, false, UINT32_MAX), 999,
		    60000);
		assert_true(hublink_backoff(n, true, 0) >= 1500);
		assert_true(hublink_backoff(n, true, UINT32_MAX) <= 300000);
	}
	assert_true(hublink_backoff(0, false, UINT32_MAX) <= 1000);
}

/* lock_hash must be what sha256sum says, also for an empty file. */
static void
test_digest_file(void **unused)
{
	char hex[65];
	struct err e = { 0 };

	(void)unused;
	scratch_begin();
	assert_int_equal(digest_file(scratch_file("e", ""), hex, &e), 0);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b"
	    "934ca495991b7852b855");
	assert_int_equal(digest_file(scratch_file("a", "abc"), hex, &e), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a39617"
	    "7a9cb410ff61f20015ad");
	assert_int_equal(digest_file(scratch_path("none"), hex, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	scratch_end();
}

/* Only another path of the store is another agent. */
static void
test_installed_changed(void **unused)
{

	(void)unused;
	assert_false(installed_changed("/usr/bin/nixfleet-agent", "/bin/sh"));
	assert_false(installed_changed("/nix/store/a/bin/x", "/bin/sh"));
	assert_false(installed_changed("/nix/store/a/bin/x", NULL));
	assert_false(installed_changed("/nix/store/a/bin/x", "/no/such"));
}

/* The agent knows every operation that may be asked of it. */
static void
test_ops_cover_the_table(void **unused)
{
	int i;

	(void)unused;
	for (i = 0; i < wire_op_count; i++)
		if (strcmp(wire_op_table[i].name, "stop") != 0 &&
		    strcmp(wire_op_table[i].name, "restart") != 0)
			assert_non_null(ops_find(wire_op_table[i].name));
	assert_null(ops_find("rm -rf"));
	assert_true(ops_touches("switch", COMPARTMENT_SYSTEM));
	assert_false(ops_touches("switch", COMPARTMENT_TESTS));
}

/* Arguments: only those of the table, only of their kind. */
static void
test_intake_args(void **unused)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "{}", 0 }, { "{\"inputs\":[\"nixpkgs\"]}", 0 },
		{ "{\"dry\":true}", 0 }, { "{\"inputs\":\"x\"}", -1 },
		{ "{\"inputs\":[\"\"]}", -1 },
		{ "{\"inputs\":[\"--option\"]}", -1 },
		{ "{\"dry\":1}", -1 }, { "{\"else\":1}", -1 },
	};
	const struct wire_op *op = wire_op_find("update");
	struct err e = { 0 };
	json_t *args;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		args = json_loads(cases[i].text, 0, NULL);
		assert_int_equal(intake_args(op, args, &e), cases[i].rc);
		json_decref(args);
	}
	assert_int_equal(intake_args(op, NULL, &e), 0);
}

/* Requests of the control socket: a closed shape. */
static void
test_control_request(void **unused)
{
	static const char good[] = "{\"cmd\":\"logs\",\"follow\":true,"
	    "\"op_id\":\"01J0000000000000000000000A\",\"more\":1}";
	static const char *const bad[] = { "", "{}", "[]", "{\"cmd\":1}",
	    "{\"cmd\":\"ops\",\"limit\":1001}",
	    "{\"cmd\":\"ops\",\"follow\":\"yes\"}",
	    "{\"cmd\":\"run\",\"args\":[]}",
	    "{\"cmd\":\"pause\",\"seconds\":-1}",
	    "{\"cmd\":\"pause\",\"seconds\":31536001}",
	    "{\"cmd\":\"logs\",\"op_id\":\"../../etc\"}" };
	struct control_request req;
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(control_request_parse(good, strlen(good), &req, &e),
	    0);
	assert_string_equal(req.cmd, "logs");
	control_request_free(&req);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){ 0 };
		assert_int_equal(control_request_parse(bad[i], strlen(bad[i]),
		    &req, &e), -1);
		assert_true(e.text[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hublink_backoff),
		cmocka_unit_test(test_digest_file),
		cmocka_unit_test(test_installed_changed),
		cmocka_unit_test(test_ops_cover_the_table),
		cmocka_unit_test(test_intake_args),
		cmocka_unit_test(test_control_request),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
