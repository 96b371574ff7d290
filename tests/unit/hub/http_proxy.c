#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http_proxy.h"

static struct http_proxies *
proxies(const char *text)
{
	struct http_proxies *p = NULL;

	assert_int_equal(http_proxy_parse(text, &p, NULL), 0);
	return (p);
}

static void
client_is(const struct http_proxies *p, const char *peer, const char *fwd,
    const char *want)
{
	char got[HTTP_PROXY_ADDR];

	http_proxy_client(p, peer, fwd, got);
	assert_string_equal(got, want);
}

/* The login's rate limit hangs on this: nobody may choose his address. */
static void
test_http_proxy_client(void **unused)
{
	struct http_proxies *p = proxies("10.0.0.0/8, ::1,192.168.1.5");

	(void)unused;
	client_is(p, "203.0.113.7", "1.2.3.4", "203.0.113.7");
	client_is(p, "10.1.2.3", "1.2.3.4", "1.2.3.4");
	client_is(p, "::ffff:10.1.2.3", "1.2.3.4", "1.2.3.4");
	client_is(p, "::1", "9.9.9.9, 1.2.3.4, 10.0.0.1", "1.2.3.4");
	client_is(p, "10.1.2.3", NULL, "10.1.2.3");
	client_is(p, "10.1.2.3", "", "10.1.2.3");
	client_is(p, "10.1.2.3", "1.2.3.4, unknown", "10.1.2.3");
	client_is(p, "10.1.2.3", "[2001:db8::1]:443", "2001:db8::1");
	client_is(p, "10.1.2.3", "1.2.3.4:5678", "1.2.3.4");
	client_is(p, "10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1");
	http_proxy_free(&p);
	p = proxies(NULL);
	client_is(p, "127.0.0.1", "1.2.3.4", "127.0.0.1");
	http_proxy_free(&p);
}

/* Networks end where their mask says, also between bytes. */
static void
test_http_proxy_networks(void **unused)
{
	struct http_proxies *p = proxies("172.16.0.0/12,2001:db8::/33,,");

	(void)unused;
	assert_true(http_proxy_trusted(p, "172.31.255.255"));
	assert_false(http_proxy_trusted(p, "172.32.0.0"));
	assert_true(http_proxy_trusted(p, "2001:db8:7fff::1"));
	assert_false(http_proxy_trusted(p, "2001:db8:8000::1"));
	assert_false(http_proxy_trusted(p, "nonsense"));
	http_proxy_free(&p);
	p = proxies("0.0.0.0/0");
	assert_true(http_proxy_trusted(p, "8.8.8.8"));
	assert_false(http_proxy_trusted(p, "2001:db8::1"));
	http_proxy_free(&p);
}

/* A typing error must stop the hub, not open it. */
static void
test_http_proxy_bad(void **unused)
{
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0", "proxy",
	    "::1/129", "10.0.0.0/", "10.0.0.1/x", "1.2.3.4;5.6.7.8" };
	struct http_proxies *p = NULL;
	struct err e;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(http_proxy_parse(bad[i], &p, &e), -1);
		assert_non_null(strstr(e.text, bad[i]));
		assert_null(p);
	}
}

static void
test_http_proxy_secure(void **unused)
{
	struct http_proxies *p = proxies("10.0.0.1");

	(void)unused;
	assert_true(http_proxy_secure(p, "10.0.0.1", "https"));
	assert_false(http_proxy_secure(p, "10.0.0.1", "http"));
	assert_false(http_proxy_secure(p, "10.0.0.2", "https"));
	assert_false(http_proxy_secure(p, "10.0.0.1", NULL));
	http_proxy_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_proxy_client),
		cmocka_unit_test(test_http_proxy_networks),
		cmocka_unit_test(test_http_proxy_bad),
		cmocka_unit_test(test_http_proxy_secure),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
