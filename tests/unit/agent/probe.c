#include "agentunit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpserver.h"
#include "probe.h"
#include "str.h"
#include "tick.h"

/* Each kind with its options; blanks around commas do not matter. */
static void
test_parse(void **unused)
{
	struct probe_list l;
	struct err e;

	(void)unused;
	assert_int_equal(probe_parse("tcp://db.example:5432 ,within=3 "
	    "status=204 https://h/health?a=b, within=20 exec:/bin/x  -a b",
	    &l, &e), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.list[0].kind, PROBE_TCP);
	assert_string_equal(l.list[0].text, "tcp://db.example:5432");
	assert_int_equal(l.list[0].url.port, 5432);
	assert_int_equal(l.list[0].within, 5000);
	assert_int_equal(l.list[1].kind, PROBE_HTTP);
	assert_int_equal(l.list[1].status, 204);
	assert_int_equal(l.list[1].within, 3000);
	assert_int_equal(l.list[2].kind, PROBE_EXEC);
	assert_int_equal(l.list[2].within, 20000);
	assert_string_equal(l.list[2].argv[0], "/bin/x");
	assert_string_equal(l.list[2].argv[2], "b");
	assert_null(l.list[2].argv[3]);
	probe_free(&l);
	assert_int_equal(probe_parse(NULL, &l, &e), 0);
	assert_int_equal(l.n, 0);
	probe_free(&l);
}

/* A mistake is named with the probe and what is allowed. */
static void
test_mistakes(void **unused)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "tcp://h", "HOST:PORT" },
		{ "tcp://h:80/path", "HOST:PORT" },
		{ "tcp://h:0", "1 to 65535" },
		{ "ftp://h", "a probe is tcp://HOST:PORT" },
		{ "exec:check", "a probe is tcp://HOST:PORT" },
		{ "http://h,,http://i", "probe \"\"" },
		{ "http://h status=200", "options come before" },
		{ "status=20 http://h", "100 to 599" },
		{ "status=200 tcp://h:1", "for http only" },
		{ "within=0 http://h", "1 to 3600 seconds" },
		{ "within=5", "a probe is" },
		{ "http://u:p@h/", "password" },
		{ "exec:/x\nexec:/y", "control characters" },
	};
	struct probe_list l;
	struct err e;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(probe_parse(rows[i].text, &l, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		if (strstr(e.text, rows[i].why) == NULL ||
		    strstr(e.text, "probe \"") == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

static struct probe_place place = { .home = "/" };

/* Run the only probe of ${text}; what it says if it fails, else NULL. */
static const char *
look(const char *text, int64_t limit)
{
	static struct err e;
	struct probe_list l;
	int r;

	assert_int_equal(probe_parse(text, &l, &e), 0);
	r = probe_run(&l.list[0], limit, &place, &e);
	probe_free(&l);
	return (r == 0 ? NULL : e.text);
}

/* Programs: their status decides, their last words are told, and one that
   hangs is ended. */
static void
test_exec(void **unused)
{
	int64_t begin;

	(void)unused;
	assert_null(look("exec:/bin/sh -c true", 5000));
	assert_non_null(strstr(look("exec:/bin/ls /no-such-place", 5000),
	    "no-such-place"));
	assert_non_null(strstr(look("exec:/no/such/program", 5000),
	    "exec:/no/such/program"));
	begin = tick_mono();
	assert_non_null(strstr(look("within=60 exec:/bin/sleep 60", 200),
	    "stopped"));
	assert_true(tick_mono() - begin < 30000);
}

/* A port that is listened at is taken, one that is not is refused. */
static void
test_tcp(void **unused)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char *text;
	int fd;

	(void)unused;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	text = str_printf("tcp://127.0.0.1:%d", ntohs(sin.sin_port));
	assert_null(look(text, 5000));
	close(fd);
	assert_non_null(strstr(look(text, 5000), "connection refused"));
	free(text);
}

/* A look at ${path} of the TLS server ${which}; NULL if all is well. */
static const char *
look_tls(const char *options, const char *host, const char *which,
    const char *path)
{
	char *text = str_printf("within=60 %s %s", options,
	    httpserver_url("https", host, which, path));
	const char *said = look(text, 60000);

	free(text);
	return (said);
}

static void
assert_says(const char *said, const char *why)
{

	if (said == NULL || strstr(said, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", said != NULL ? said :
		    "all is well", why);
}

/* An authority of NIXFLEET_CA_FILE is believed, one of the system's store
   beside it too, nobody else, and the reason is told. */
static void
test_https_trust(void **unused)
{
	char *ca = str_dup(httpserver_file("ca.pem"));
	char *stranger = str_dup(httpserver_file("stranger.pem"));

	(void)unused;
	place.ca_file = NULL;
	unsetenv("NIX_SSL_CERT_FILE");	/* goes before, where it is known */
	setenv("SSL_CERT_FILE", stranger, 1);
	assert_says(look_tls("", "localhost", "tls", "/echo"), "the server's "
	    "certificate is not trusted: unable to get local issuer");
	place.ca_file = ca;
	assert_null(look_tls("", "localhost", "tls", "/echo"));
	assert_null(look_tls("", "127.0.0.1", "tls", "/echo"));
	setenv("SSL_CERT_FILE", ca, 1);
	place.ca_file = NULL;
	assert_null(look_tls("", "localhost", "tls", "/echo"));
	place.ca_file = stranger;
	assert_null(look_tls("", "localhost", "tls", "/echo"));
	place.ca_file = "/no/such.pem";
	assert_says(look_tls("", "localhost", "tls", "/echo"),
	    "CA file /no/such.pem: ");
	place.ca_file = NULL;
	unsetenv("SSL_CERT_FILE");
	free(stranger);
	free(ca);
}

/* A trusted certificate for another name or of yesterday does not do, nor
   does a server that speaks no TLS. */
static void
test_https_wrong(void **unused)
{
	char *ca = str_dup(httpserver_file("ca.pem"));

	(void)unused;
	place.ca_file = ca;
	assert_says(look_tls("", "localhost", "wrongname", "/echo"),
	    "not trusted: hostname mismatch");
	assert_says(look_tls("", "127.0.0.1", "wrongname", "/echo"),
	    "not trusted: IP address mismatch");
	assert_says(look_tls("", "localhost", "expired", "/echo"),
	    "not trusted: certificate has expired");
	assert_says(look_tls("", "localhost", "plain", "/echo"),
	    "does not speak TLS");
	place.ca_file = NULL;
	free(ca);
}

/* The status decides: 200 to 399, or the one that is wanted. */
static void
test_https_status(void **unused)
{
	char *ca = str_dup(httpserver_file("ca.pem"));

	(void)unused;
	place.ca_file = ca;
	assert_null(look_tls("", "localhost", "tls", "/redirect"));
	assert_null(look_tls("status=204", "localhost", "tls", "/none"));
	assert_null(look_tls("status=404", "localhost", "tls", "/missing"));
	assert_says(look_tls("", "localhost", "tls", "/missing"),
	    "the answer has status 404, not 200 to 399");
	assert_says(look_tls("status=204", "localhost", "tls", "/echo"),
	    "the answer has status 200, not 204");
	/* More than is read of a body is no fault. */
	assert_null(look_tls("", "localhost", "tls", "/big"));
	assert_says(look_tls("", "localhost", "tls", "/cut"), "broke off");
	place.ca_file = NULL;
	free(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_https_trust),
		cmocka_unit_test(test_https_wrong),
		cmocka_unit_test(test_https_status),
	};

	return (cmocka_run_group_tests(tests, httpserver_start,
	    httpserver_stop));
}
