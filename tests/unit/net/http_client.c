#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "file.h"
#include "http_client.h"
#include "httpserver.h"
#include "reach.h"
#include "str.h"
#include "url.h"

static struct http_client_response res;
static struct err err;

static int
release(void **unused)
{
	(void)unused;
	http_client_free(&res);
	return (0);
}

static int
get(const char *url, struct tls_trust *trust)
{
	struct http_client_request req = { .method = "GET", .url = url,
		.max_body = 1 << 20, .deadline = 10000, .trust = trust };

	http_client_free(&res);
	return (http_client_run(&req, &res, &err));
}

static int
get_plain(const char *path)
{
	return (get(httpserver_url("http", "127.0.0.1", "plain", path), NULL));
}

/* GET /echo over TLS from ${host} with this trust. */
static int
get_tls(const char *host, const char *which, const char *ca, const char *pins)
{
	struct tls_trust *trust;
	int rc;

	if (tls_trust_load(ca, pins, &trust, &err) == -1)
		fail_msg("%s", err.text);
	rc = get(httpserver_url("https", host, which, "/echo"), trust);
	tls_trust_free(&trust);
	return (rc);
}

/* Headers and a body of several pieces must arrive as they are. */
static void
test_post(void **unused)
{
	static const char *const headers[] = { "Authorization", "Bearer t0",
		"Content-Type", "text/plain", NULL };
	struct http_client_request req = { .method = "POST",
		.url = httpserver_url("http", "127.0.0.1", "plain", "/echo"),
		.headers = headers, .bodylen = 50000, .max_body = 1 << 20,
		.deadline = 10000 };
	char *body = str_alloc(req.bodylen);
	json_t *said;

	(void)unused;
	memset(body, 'y', req.bodylen);
	req.body = body;
	if (http_client_run(&req, &res, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(200, res.status);
	assert_string_equal(res.content_type, "application/json");
	assert_string_equal(res.set_cookie, "a=b");
	assert_non_null(said = json_loadb(res.body.data, res.body.len, 0,
	    NULL));
	assert_int_equal(50000, json_integer_value(json_object_get(said,
	    "size")));
	assert_string_equal("Bearer t0", json_string_value(json_object_get(
	    said, "token")));
	assert_string_equal("POST", json_string_value(json_object_get(said,
	    "method")));
	json_decref(said);
	free(body);
}

/* However the server ends its body, all of it must be there. */
static void
test_bodies(void **unused)
{
	(void)unused;
	assert_int_equal(0, get_plain("/chunked"));
	assert_string_equal("hello world", res.body.data);
	assert_int_equal(0, get_plain("/close"));
	assert_string_equal("to the end", res.body.data);
	assert_int_equal(0, get_plain("/big"));
	assert_int_equal(300000, res.body.len);
	assert_int_equal(0, get_plain("/none"));
	assert_int_equal(204, res.status);
	assert_int_equal(0, res.body.len);
	assert_int_equal(0, get_plain("/missing"));
	assert_int_equal(404, res.status);
}

/* An answer that breaks off must not pass for a whole one. */
static void
test_cut(void **unused)
{
	(void)unused;
	assert_int_equal(-1, get_plain("/cut"));
	assert_int_equal(ERR_NET, err.code);
}

/* A server must not be able to fill our memory or to hold us for ever. */
static void
test_limits(void **unused)
{
	struct http_client_request req = { .method = "GET",
		.url = httpserver_url("http", "127.0.0.1", "plain", "/big"),
		.max_body = 1000, .deadline = 10000 };

	(void)unused;
	assert_int_equal(-1, http_client_run(&req, &res, &err));
	assert_int_equal(ERR_PROTO, err.code);
	http_client_free(&res);
	req.url = httpserver_url("http", "127.0.0.1", "plain", "/silent");
	req.deadline = 200;
	assert_int_equal(-1, http_client_run(&req, &res, &err));
	assert_int_equal(ERR_TIMEOUT, err.code);
}

/* A redirect must not carry the token to another place. */
static void
test_redirect(void **unused)
{
	(void)unused;
	assert_int_equal(0, get_plain("/redirect"));
	assert_int_equal(302, res.status);
	assert_non_null(strstr(res.location, "/steal"));
	assert_int_equal(0, get_plain("/hits"));
	assert_string_equal("0", res.body.data);
}

/* Nobody listens there: a clear word instead of a long wait. */
static void
test_nobody(void **unused)
{
	(void)unused;
	assert_int_equal(-1, get("http://127.0.0.1:1/", NULL));
	assert_int_equal(ERR_NET, err.code);
	assert_non_null(strstr(err.text, "127.0.0.1:1: connection refused"));
	assert_int_equal(-1, get("http://no-such-host.invalid/", NULL));
	assert_int_equal(ERR_NET, err.code);
	assert_non_null(strstr(err.text,
	    "the host name \"no-such-host.invalid\""));
	assert_int_equal(-1, get(httpserver_url("https", "127.0.0.1", "plain",
	    "/echo"), NULL));
	assert_int_equal(ERR_NET, err.code);
	assert_non_null(strstr(err.text, "does not speak TLS"));
	assert_int_equal(-1, get("gopher://x/", NULL));
	assert_int_equal(ERR_INPUT, err.code);
}

/* Every address of a host gets its turn, and an unknown host keeps its name. */
static void
test_addresses(void **unused)
{
	char first[REACH_ADDRESS], again[REACH_ADDRESS];
	struct url u = { .host = str_dup("localhost") };
	size_t n = reach_address(&u, 0, first);

	(void)unused;
	assert_true(n >= 1);
	assert_string_not_equal("localhost", first);
	assert_int_equal(n, reach_address(&u, (unsigned)n, again));
	assert_string_equal(first, again);
	free(u.host);
	u.host = str_dup("no-such-host.invalid");
	assert_int_equal(0, reach_address(&u, 1, first));
	assert_string_equal("no-such-host.invalid", first);
	free(u.host);
}

/* A CA file and a pin must let the right server in. */
static void
test_tls_right(void **unused)
{
	char *pin = str_printf("sha256//%s", httpserver_said("pin"));
	char *both = str_printf("sha256//%s;%s", httpserver_said("otherpin"),
	    pin);
	char *ca = str_dup(httpserver_file("ca.pem"));

	(void)unused;
	if (get_tls("localhost", "tls", ca, NULL) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(200, res.status);
	if (get_tls("127.0.0.1", "tls", ca, NULL) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(0, get_tls("localhost", "tls", ca, pin));
	assert_int_equal(0, get_tls("localhost", "tls", ca, both));
	if (get_tls("localhost", "tls", ca, httpserver_file("good.pem")) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(0, get_tls("localhost", "tls", ca,
	    httpserver_file("good.der")));
	free(both);
	free(pin);
	free(ca);
}

static void
assert_refused(int rc, const char *why)
{
	assert_int_equal(-1, rc);
	assert_int_equal(ERR_REFUSED, err.code);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s", err.text);
}

/* A server that is not the one must be refused, with the reason. */
static void
test_tls_wrong(void **unused)
{
	char *pin = str_printf("sha256//%s", httpserver_said("otherpin"));
	char *ca = str_dup(httpserver_file("ca.pem"));

	(void)unused;
	assert_refused(get_tls("localhost", "tls", NULL, NULL), "issuer");
	assert_refused(get(httpserver_url("https", "localhost", "tls", "/echo"),
	    NULL), "issuer");
	assert_refused(get_tls("localhost", "tls",
	    httpserver_file("stranger.pem"), NULL), "issuer");
	assert_refused(get_tls("localhost", "wrongname", ca, NULL),
	    "hostname mismatch");
	assert_refused(get_tls("127.0.0.1", "wrongname", ca, NULL),
	    "IP address mismatch");
	assert_refused(get_tls("localhost", "tls", ca, pin), "pinned");
	assert_int_equal(-1, get_tls("localhost", "plain", ca, NULL));
	free(pin);
	free(ca);
}

/* A wrong CA file or pin must be found when it is read, not on connecting. */
static void
test_trust_files(void **unused)
{
	static const char *const pins[] = { "sha256//short",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sha256//!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;x",
		"/nonexistent", "/etc/passwd" };
	struct tls_trust *trust = NULL;

	(void)unused;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		assert_int_equal(-1, tls_trust_load(NULL, pins[i], &trust,
		    &err));
		assert_non_null(strstr(err.text, "pinned public key"));
	}
	assert_int_equal(-1, tls_trust_load("/nonexistent", NULL, &trust,
	    &err));
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_int_equal(-1, tls_trust_load("/etc/passwd", NULL, &trust, &err));
	assert_null(trust);
	tls_trust_free(&trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_post, release),
		cmocka_unit_test_teardown(test_bodies, release),
		cmocka_unit_test_teardown(test_cut, release),
		cmocka_unit_test_teardown(test_limits, release),
		cmocka_unit_test_teardown(test_redirect, release),
		cmocka_unit_test_teardown(test_nobody, release),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test_teardown(test_tls_right, release),
		cmocka_unit_test_teardown(test_tls_wrong, release),
		cmocka_unit_test(test_trust_files),
	};

	return (cmocka_run_group_tests(tests, httpserver_start,
	    httpserver_stop));
}
