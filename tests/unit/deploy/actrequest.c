#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "actrequest.h"
#include "str.h"

#define OP "\"op\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\""
#define PREPARE "{\"verb\":\"prepare\"," OP ",\"kind\":\"nixos\"," \
    "\"mode\":\"switch\",\"path\":\"/x\","

static void
refused(const char *line, const char *text)
{
	struct actrequest req;
	struct err e;

	assert_int_equal(actrequest_parse(line, strlen(line), &req, &e), -1);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" is not in: %s", text, e.text);
}

/* What the agent sends is what the service reads. */
static void
test_there_and_back(void **state)
{
	static const char line[] = PREPARE "\"timeout\":5,\"confirm\":7}";
	struct actrequest req, again;
	struct err e;
	char *text;

	(void)state;
	assert_int_equal(actrequest_parse(line, strlen(line), &req, &e), 0);
	assert_int_equal(actrequest_verb(&req), ACTVERB_PREPARE);
	text = actrequest_text(&req);
	assert_int_equal(actrequest_parse(text, strlen(text), &again, &e), 0);
	assert_string_equal(again.path, "/x");
	assert_int_equal(again.timeout, 5);
	assert_int_equal(again.confirm, 7);
	free(text);
	actrequest_free(&again);
	actrequest_free(&req);
}

/* The list of verbs is closed, and each has what it needs. */
static void
test_what_is_refused(void **state)
{
	char *line = str_alloc(ACTREQUEST_MAX + 1);

	(void)state;
	refused("", "JSON");
	refused("[]", "object");
	refused("{}", "verb");
	refused("{\"verb\":\"explode\"," OP "}", "explode");
	refused("{\"verb\":\"activate\"}", "op must be a ULID");
	refused("{\"verb\":\"confirm\",\"op\":\"../../../etc\"}", "ULID");
	refused("{\"verb\":\"status\"}", "kind");
	refused(PREPARE "\"timeout\":0}", "timeout");
	refused(PREPARE "\"timeout\":604800001}", "timeout");
	refused(PREPARE "\"timeout\":1,\"confirm\":-1}", "confirm");
	refused(PREPARE "\"timeout\":1,\"generation\":-1}", "generation");
	refused("{\"verb\":\"prepare\"," OP ",\"kind\":\"cat\"}", "kind");
	memset(line, ' ', ACTREQUEST_MAX);
	refused(line, "at most");
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
