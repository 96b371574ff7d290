#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reach_job.h"
#include "url.h"

static char host[] = "127.0.0.1", unknown[] = "no-such-host.invalid";

struct seen {
	int calls;
	char text[256];
};

static void
on_told(void *cookie, const char *text)
{
	struct seen *s = cookie;

	s->calls++;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static void
tell(const struct reach_ask *ask, struct seen *seen, bool cancel)
{
	struct reach_job *job;
	uv_loop_t loop;
	struct err e;

	memset(seen, 0, sizeof(*seen));
	uv_loop_init(&loop);
	job = reach_job_start(&loop, ask, on_told, seen, &e);
	assert_non_null(job);
	assert_int_equal(seen->calls, 0);
	if (cancel) {
		reach_job_cancel(&job);
		assert_null(job);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(seen->calls, cancel ? 0 : 1);
}

/* The loop is told once, of an address and of a reason; names that are not
   known stay as they are. */
static void
test_told(void **unused)
{
	const struct url here = { .host = host, .port = 1 };
	const struct url nowhere = { .host = unknown, .port = 1 };
	struct reach_ask ask = { .url = &here };
	struct seen seen;

	(void)unused;
	tell(&ask, &seen, false);
	assert_string_equal(seen.text, "127.0.0.1");
	ask.why = true;
	tell(&ask, &seen, false);
	assert_string_equal(seen.text, "127.0.0.1:1: connection refused");
	ask.url = &nowhere;
	tell(&ask, &seen, false);
	assert_non_null(strstr(seen.text, "no-such-host.invalid"));
	ask.why = false;
	tell(&ask, &seen, false);
	assert_string_equal(seen.text, "no-such-host.invalid");
}

/* Who cancels is not told, and the loop ends at once. */
static void
test_cancel(void **unused)
{
	const struct url nowhere = { .host = unknown, .port = 1 };
	const struct reach_ask ask = { .url = &nowhere, .why = true };
	struct seen seen;

	(void)unused;
	tell(&ask, &seen, true);
	reach_job_cancel(&(struct reach_job *){ NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_cancel),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
