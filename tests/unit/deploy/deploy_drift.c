#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deployed.h"
#include "file.h"
#include "nixfixture.h"
#include "since.h"
#include "str.h"

/* Switch to ${rev} and take it down, as the worker does. */
static char *
deploy(struct nixfixture *x, const char *rev)
{
	struct deploy_result res;
	struct err e;
	char *path;

	nixfixture_switch(x, rev, &res);
	path = str_dup(res.path);
	deploy_result_free(&res);
	assert_int_equal(deployed_note(x->state,
			     &(struct deployed){ path, rev, "A subject" }, &e),
	    0);
	return (path);
}

/* Build the flake's ${attr} and set the profile to it, as a person does. */
static void
by_hand(struct nixfixture *x, const char *attr)
{
	char *command = str_printf(
	    "mkdir -p profiles; nix --extra-experimental-features "
	    "'nix-command flakes' build --out-link hand 'git+file://%s#%s'; "
	    "nix-env --profile %s --set $(readlink hand)",
	    x->repo, attr, x->profile);

	free(nixfixture_sh(x, command));
	free(command);
}

/*
 * What a person put into the profile is drift, with its path and since when;
 * it keeps its time, and it ends when it is gone.
 */
static void
test_drift(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_facts f;
	struct err e;
	char *rev, *path, *since;

	rev = str_dup(nixfixture_commit(x, "true"));
	by_hand(x, "hosts.h2");
	deploy_facts_get(&x->conf, &f);
	assert_non_null(f.profile);
	assert_null(f.drift); /* nothing was deployed here so far */
	deploy_facts_free(&f);

	path = deploy(x, rev);
	deploy_facts_get(&x->conf, &f);
	assert_null(f.drift);
	assert_true(f.next_runs);
	assert_string_equal(f.running, path);
	assert_string_equal(f.running_revision, rev);
	assert_string_equal(f.built_revision, rev);
	deploy_facts_free(&f);

	by_hand(x, "hosts.h2");
	deploy_facts_get(&x->conf, &f);
	assert_string_equal(f.drift, f.profile);
	assert_string_equal(f.drift_where, "running");
	assert_int_equal(strlen(f.drift_since), 20);
	assert_null(f.running_revision);
	since = str_dup(f.drift_since);
	deploy_facts_free(&f);
	free(nixfixture_sh(x,
	    "sed -i 's/\"at\":\"....-/\"at\":\"2001-/' "
	    "state/since.json"));
	deploy_facts_get(&x->conf, &f);
	assert_memory_equal(f.drift_since, "2001-", 5);
	assert_string_equal(f.drift_since + 5, since + 5);
	deploy_facts_free(&f);

	by_hand(x, "hosts.h1");
	deploy_facts_get(&x->conf, &f);
	assert_null(f.drift);
	assert_null(f.drift_since);
	assert_int_equal(deployed_note(x->state,
			     &(struct deployed){ path, "other", NULL }, &e),
	    0);
	deploy_facts_free(&f);
	deploy_facts_get(&x->conf, &f);
	assert_string_equal(f.running_revision, "other");
	deploy_facts_free(&f);
	free(since);
	free(path);
	free(rev);
}

/* The oldest are forgotten, a damaged file is begun anew. */
static void
test_register(void **state)
{
	struct nixfixture *x = *state;
	struct err e;
	json_t *all;
	char path[64];
	int i;

	for (i = 0; i < 205; i++) {
		snprintf(path, sizeof(path), "/nix/store/%d", i);
		assert_int_equal(
		    deployed_note(
			x->state, &(struct deployed){ path, NULL, NULL }, &e),
		    0);
	}
	all = deployed_load(x->state);
	assert_int_equal(json_array_size(all), 200);
	assert_null(deployed_find(all, "/nix/store/4"));
	assert_non_null(deployed_find(all, "/nix/store/5"));
	assert_null(deployed_find(all, NULL));
	json_decref(all);
	free(nixfixture_sh(x,
	    "echo '{\"closures\":[1,{}' > "
	    "state/deployed.json; echo '{\"drift\":7}' > state/since.json"));
	all = deployed_load(x->state);
	assert_int_equal(json_array_size(all), 0);
	json_decref(all);
	free(nixfixture_sh(x,
	    "echo '{\"closures\":[1,{},{\"path\":3}]}' > "
	    "state/deployed.json"));
	assert_int_equal(
	    deployed_note(
		x->state, &(struct deployed){ "/nix/store/a", NULL, NULL }, &e),
	    0);
	free(since_text(x->state, "drift", "x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NIXFIXTURE_TEST(test_drift),
		NIXFIXTURE_TEST(test_register),
	};

	if (system("command -v nix git >/dev/null") != 0) {
		fprintf(stderr, "nix or git is missing\n");
		return (77); /* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
