#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_origin.h"

/* A strange page must not speak to the hub with its reader's cookie. */
static void
test_http_origin(void **unused)
{
	static const struct {
		const char *origin, *host;
		bool secure;
		const char *allowed;
		bool ok;
	} t[] = {
		{ NULL, "fleet.example", true, NULL, true },
		{ "https://fleet.example", "fleet.example", true, NULL, true },
		{ "https://fleet.example", "fleet.example", false, NULL,
		    true },
		{ "http://fleet.example", "fleet.example", true, NULL, false },
		{ "http://fleet.example", "fleet.example", false, NULL, true },
		{ "https://evil.example", "fleet.example", true, NULL, false },
		{ "https://fleet.example.evil", "fleet.example", true, NULL,
		    false },
		{ "https://fleet.example:444", "fleet.example", true, NULL,
		    false },
		{ "null", "fleet.example", true, NULL, false },
		{ "https://fleet.example", NULL, true, NULL, false },
		{ "http://localhost:5173", "127.0.0.1:8000", false, NULL,
		    true },
		{ "http://localhost.evil", "localhost:8000", false, NULL,
		    false },
		{ "http://evil.example", "localhost:8000", false, NULL,
		    false },
		{ "http://[::1]:3", "[::1]:8000", false, NULL, true },
		{ "https://a.example", "h", true,
		    "https://b.example, https://a.example/", true },
		{ "https://a.example.org", "h", true, "https://a.example",
		    false },
		{ "", "h", true, ",,", false },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(http_origin_ok(t[i].origin, t[i].host,
		    t[i].secure, t[i].allowed), t[i].ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_origin),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
