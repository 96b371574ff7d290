#include "agentunit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "hosttoken.h"
#include "str.h"

static struct agentconf *
conf_with(const char *token)
{
	char *state = str_printf("NIXFLEET_STATE_DIR=%s", scratch_path("."));
	char *shared = str_printf("NIXFLEET_TOKEN=%s", token);
	const char *env[] = { "NIXFLEET_REPO_URL=/r", "NIXFLEET_HOSTNAME=h1",
	    "NIXFLEET_URL=https://f.example", state, shared, NULL };
	struct agentconf *c = NULL;
	struct err e = { 0 };

	assert_int_equal(agentconf_load(AGENTCONF_DAEMON, env, &c, NULL, &e),
	    0);
	free(state);
	free(shared);
	return (c);
}

/* The host's own token comes first, in either form of its file. */
static void
test_hosttoken_own_first(void **unused)
{
	static const char *const files[] = { "own", "own\n",
	    "NIXFLEET_TOKEN=own\n", "NIXFLEET_TOKEN=own\r\n" };
	struct agentconf *c = conf_with("shared");
	struct hosttoken t = { 0 };

	(void)unused;
	assert_int_equal(hosttoken_load(c, &t, NULL), 0);
	assert_string_equal(hosttoken_current(&t), "shared");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		scratch_file("token", files[i]);
		assert_int_equal(hosttoken_load(c, &t, NULL), 0);
		assert_string_equal(hosttoken_current(&t), "own");
	}
	hosttoken_free(&t);
	agentconf_free(&c);
}

/* A refused own token gives way to the shared one, and comes again. */
static void
test_hosttoken_refused(void **unused)
{
	struct agentconf *c = conf_with("shared");
	struct hosttoken t = { 0 };

	(void)unused;
	scratch_file("token", "own");
	assert_int_equal(hosttoken_load(c, &t, NULL), 0);
	assert_true(hosttoken_refused(&t));
	assert_int_equal(hosttoken_load(c, &t, NULL), 0);
	assert_string_equal(hosttoken_current(&t), "shared");
	assert_false(hosttoken_refused(&t));
	assert_string_equal(hosttoken_current(&t), "own");
	hosttoken_free(&t);
	agentconf_free(&c);
}

/* Enrolment: kept in a file of 0600, used from then on; rubbish is not. */
static void
test_hosttoken_store(void **unused)
{
	struct agentconf *c = conf_with("shared");
	struct hosttoken t = { 0 };
	struct err e = { 0 };
	struct stat st;

	(void)unused;
	assert_int_equal(hosttoken_store(c, &t, "a b", &e), -1);
	assert_int_equal(hosttoken_store(c, &t, "", &e), -1);
	assert_int_equal(hosttoken_store(c, &t, "fresh", &e), 0);
	assert_string_equal(hosttoken_current(&t), "fresh");
	assert_int_equal(stat(scratch_path("token"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hosttoken_load(c, &t, &e), 0);
	assert_string_equal(hosttoken_current(&t), "fresh");
	hosttoken_free(&t);
	agentconf_free(&c);
}

/* No token at all is an error that names the settings. */
static void
test_hosttoken_none(void **unused)
{
	struct agentconf *c = conf_with("");
	struct hosttoken t = { 0 };
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(hosttoken_load(c, &t, &e), -1);
	assert_int_equal(e.code, ERR_AUTH);
	assert_non_null(strstr(e.text, "NIXFLEET_TOKEN_FILE"));
	agentconf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_hosttoken_own_first),
		UNIT(test_hosttoken_refused),
		UNIT(test_hosttoken_store),
		UNIT(test_hosttoken_none),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
