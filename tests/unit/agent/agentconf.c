#include "agentunit.h"

#include <string.h>

#include "agentconf.h"
#include "str.h"

static struct agentconf *
load(const char *const *env, const char *wrong)
{
	struct agentconf *c = NULL;
	struct err e = { 0 };
	int rc = agentconf_load(AGENTCONF_DAEMON, env, &c, NULL, &e);

	if (wrong == NULL) {
		assert_int_equal(rc, 0);
		return (c);
	}
	assert_int_equal(rc, -1);
	assert_non_null(strstr(e.text, wrong));
	return (NULL);
}

/* The state directory follows an explicit clone directory. */
static void
test_agentconf_state_dir(void **unused)
{
	static const char *const env[] = { "NIXFLEET_URL=https://f.example",
	    "NIXFLEET_REPO_URL=/r", "NIXFLEET_REPO_DIR=/srv/x/repo",
	    "NIXFLEET_HOSTNAME=h1", NULL };
	struct agentconf *c = load(env, NULL);

	(void)unused;
	assert_string_equal(c->state_dir, "/srv/x");
	assert_string_equal(c->repo_dir, "/srv/x/repo");
	assert_string_equal(c->token_cache, "/srv/x/token");
	assert_string_equal(c->url.path, "/ws");
	assert_null(c->legacy_dir);
	agentconf_free(&c);
}

/* Without a repository URL a person's checkout is used, where it is. */
static void
test_agentconf_legacy(void **unused)
{
	static const char *const env[] = { "NIXFLEET_URL=https://f.example",
	    "NIXFLEET_NIXCFG=/home/ada/nixcfg", "NIXFLEET_STATE_DIR=/srv/x",
	    "NIXFLEET_HOSTNAME=h1", NULL };
	struct agentconf *c = load(env, NULL);

	(void)unused;
	assert_string_equal(c->legacy_dir, "/home/ada/nixcfg");
	assert_string_equal(c->repo_dir, "/home/ada/nixcfg");
	assert_non_null(settings_warnings(c->set)[0]);
	agentconf_free(&c);
}

/* Everything that is wrong is named, at once. */
static void
test_agentconf_says_all_that_is_wrong(void **unused)
{
	static const char *const env[] = { "NIXFLEET_URL=http://f.example",
	    "NIXFLEET_HOSTNAME=a b", "NIXFLEET_CONFIRM_PROBES=tcp://h", NULL };

	(void)unused;
	load(env, "NIXFLEET_URL");
	load(env, "NIXFLEET_HOSTNAME");
	load(env, "NIXFLEET_REPO_URL");
	load(env, "NIXFLEET_CONFIRM_PROBES (environment): probe \"tcp://h\"");
}

/* Kinds that cannot test refuse to commit later; they do not just switch. */
static void
test_agentconf_commit_late(void **unused)
{
	static const char *const env[] = { "NIXFLEET_REPO_URL=/r",
	    "NIXFLEET_HOSTNAME=h1", "NIXFLEET_STATE_DIR=/srv/x",
	    "NIXFLEET_HOST_KIND=home", "NIXFLEET_CONFIRM_PROBES=tcp://h:1",
	    "NIXFLEET_ACTIVATE_MODE=test-then-commit", NULL };
	struct agentconf *c = load(env, NULL);
	struct deploy_conf d;
	struct err e;

	(void)unused;
	assert_int_equal(c->probes.n, 1);
	agentconf_deploy(c, &d);
	assert_int_equal(deploy_check(&d, &e), -1);
	assert_non_null(strstr(e.text, "kind home cannot test"));
	d.kind = DEPLOY_NIXOS;
	d.service_socket = "/no/such/socket";
	assert_int_equal(deploy_check(&d, &e), -1);
	assert_non_null(strstr(e.text, "nixfleet-activate.socket"));
	agentconf_free(&c);
}

/* A worker's environment has no secret and nothing of the manager's. */
static void
test_agentconf_child_env(void **unused)
{
	static const char *const env[] = { "PATH=/bin",
	    "NIXFLEET_TOKEN=secret", "NIXFLEET_REPO_URL=/r",
	    "NOTIFY_SOCKET=/run/x", "odd", NULL };
	struct proc_env out = { 0 };
	const char *const *v;
	size_t n = 0;

	(void)unused;
	agentconf_child_env(env, &out);
	for (v = proc_env_get(&out); *v != NULL; v++, n++)
		assert_true(str_eq(*v, "PATH=/bin") ||
		    str_eq(*v, "NIXFLEET_REPO_URL=/r"));
	assert_int_equal(n, 2);
	proc_env_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_agentconf_state_dir),
		UNIT(test_agentconf_legacy),
		UNIT(test_agentconf_says_all_that_is_wrong),
		UNIT(test_agentconf_commit_late),
		UNIT(test_agentconf_child_env),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
