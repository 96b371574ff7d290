#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "listener.h"

/* NIXFLEET_LISTEN in every form that people write. */
static void
test_listener_parse(void **unused)
{
	static const struct { const char *where, *host; int port; } t[] = {
		{ "127.0.0.1:8000", "127.0.0.1", 8000 },
		{ ":8000", "", 8000 }, { "8000", "", 8000 },
		{ "[::1]:0", "::1", 0 }, { "fleet:65535", "fleet", 65535 },
	};
	static const char *const bad[] = { "", ":", "host", "host:", "::1:80",
	    "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:80x" };
	char host[64];
	struct err e;
	size_t i;
	int port;

	(void)unused;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(listener_parse(t[i].where, host,
		    sizeof(host), &port, &e), 0);
		assert_string_equal(host, t[i].host);
		assert_int_equal(port, t[i].port);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(listener_parse(bad[i], host, sizeof(host),
		    &port, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
	}
	assert_int_equal(listener_parse("a-name-that-is-too-long:1", host, 8,
	    &port, &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener_parse),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
