#include "agentunit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Run the only probe of ${text}; what it says if it fails, else NULL. */
static const char *
look(const char *text, int64_t limit)
{
	static struct err e;
	struct probe_list l;
	int r;

	assert_int_equal(probe_parse(text, &l, &e), 0);
	r = probe_run(&l.list[0], limit, "/", &e);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_tcp),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
