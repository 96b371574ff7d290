#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

/* Every form that NIXFLEET_URL may have must lead to the same place. */
static void
test_agent_forms(void **unused)
{
	static const struct {
		const char *text, *host, *path, *http;
		int port;
		bool tls;
	} rows[] = {
		{ "https://fleet.example", "fleet.example", "/ws",
		    "https://fleet.example/x", 443, true },
		{ "https://Fleet.Example/", "fleet.example", "/ws",
		    "https://fleet.example/x", 443, true },
		{ "wss://fleet.example/ws", "fleet.example", "/ws",
		    "https://fleet.example/x", 443, true },
		{ "WSS://fleet.example:8443/ws/", "fleet.example", "/ws",
		    "https://fleet.example:8443/x", 8443, true },
		{ "https://fleet.example/hub", "fleet.example", "/hub/ws",
		    "https://fleet.example/hub/x", 443, true },
		{ "wss://fleet.example/hub/ws?a=b", "fleet.example", "/hub/ws",
		    "https://fleet.example/hub/x", 443, true },
		{ "http://127.0.0.1:8000", "127.0.0.1", "/ws",
		    "http://127.0.0.1:8000/x", 8000, false },
		{ "ws://localhost/ws", "localhost", "/ws",
		    "http://localhost/x", 80, false },
		{ "http://[::1]:8000", "::1", "/ws",
		    "http://[::1]:8000/x", 8000, false },
		{ "https://[2001:db8::1]", "2001:db8::1", "/ws",
		    "https://[2001:db8::1]/x", 443, true },
	};
	struct url u;
	struct err e;
	char *text;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (url_agent(rows[i].text, false, &u, &e) == -1)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_string_equal(u.host, rows[i].host);
		assert_string_equal(u.path, rows[i].path);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.tls, rows[i].tls);
		url_free(&u);
		assert_int_equal(0, url_base(rows[i].text, false, &u, &e));
		text = url_http(&u, "/x");
		assert_string_equal(text, rows[i].http);
		free(text);
		url_free(&u);
	}
}

/* The token must not cross a network in the clear unless that is meant. */
static void
test_insecure(void **unused)
{
	static const char *const far[] = { "http://fleet.example",
		"ws://10.0.0.1:8000/ws", "http://[2001:db8::1]",
		"http://localhost.evil.example", "http://128.0.0.1",
		"http://127.0.0.1.evil.example" };
	struct url u;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		assert_int_equal(-1, url_agent(far[i], false, &u, &e));
		assert_int_equal(ERR_REFUSED, e.code);
		assert_non_null(strstr(e.text, "NIXFLEET_ALLOW_INSECURE_HTTP"));
		assert_int_equal(0, url_agent(far[i], true, &u, &e));
		assert_false(u.loopback);
		url_free(&u);
	}
}

/* What is no address must be refused, and no password ever repeated. */
static void
test_refused(void **unused)
{
	static const char *const bad[] = { "", "fleet.example", "https://",
		"ftp://a", "https:///x", "https://a:0", "https://a:65536",
		"https://a:", "https://a:1x", "https://[::1", "https://[::1]x",
		"https://[a]", "https://a b", "https://a\nb", "https://a#b",
		"https://u:geheim@a", "https://a\tb/ws", "https://a_:b:c" };
	struct url u;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (url_parse(bad[i], &u, &e) != -1)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(ERR_INPUT, e.code);
		assert_null(strstr(e.text, "geheim"));
	}
}

/* A query is part of the path of a plain request. */
static void
test_parse_query(void **unused)
{
	struct url u;
	struct err e;

	(void)unused;
	assert_int_equal(0, url_parse("http://a?x=1", &u, &e));
	assert_string_equal(u.path, "/?x=1");
	url_free(&u);
	assert_int_equal(0, url_parse("http://a/b?x=/y", &u, &e));
	assert_string_equal(u.path, "/b?x=/y");
	url_free(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agent_forms),
		cmocka_unit_test(test_insecure),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_parse_query),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
