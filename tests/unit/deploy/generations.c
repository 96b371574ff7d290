#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deployed.h"
#include "generations.h"
#include "nixfixture.h"
#include "str.h"

/* Activate gens.v${n}: generation ${n} of the profile if done in order. */
static void
activate(struct nixfixture *x, const char *rev, int n)
{
	struct deploy_result res;
	static char attr[24];

	snprintf(attr, sizeof(attr), "gens.v%d", n);
	x->conf.flake_attr = attr;
	nixfixture_switch(x, rev, &res);
	assert_int_equal(res.outcome, DEPLOY_OK);
	deploy_result_free(&res);
}

/* The numbers of the profile's generations, " 3 4 5". */
static void
numbers_are(struct nixfixture *x, const char *want)
{
	json_t *list = deploy_generations(&x->conf);
	const json_t *g;
	struct buf b = { 0 };
	size_t i;

	json_array_foreach (list, i, g)
		buf_addf(&b, " %d",
		    (int)json_integer_value(json_object_get(g, "number")));
	assert_string_equal(b.data, want);
	buf_free(&b);
	json_decref(list);
}

static const char *
member(const json_t *list, size_t i, const char *key)
{
	return (
	    json_string_value(json_object_get(json_array_get(list, i), key)));
}

/* Generations with their commit, and which is the next boot's and runs. */
static void
test_list(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");
	struct err e;
	json_t *list;

	list = deploy_generations(&x->conf);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	activate(x, rev, 1);
	activate(x, rev, 2);
	list = deploy_generations(&x->conf);
	assert_int_equal(
	    deployed_note(x->state,
		&(struct deployed){ member(list, 1, "path"), rev, "Second" },
		&e),
	    0);
	json_decref(list);
	list = deploy_generations(&x->conf);
	assert_int_equal(json_array_size(list), 2);
	assert_null(member(list, 0, "revision"));
	assert_string_equal(member(list, 1, "revision"), rev);
	assert_string_equal(member(list, 1, "subject"), "Second");
	assert_int_equal(strlen(member(list, 1, "date")), 20);
	assert_true(
	    json_is_false(json_object_get(json_array_get(list, 0), "current")));
	assert_true(
	    json_is_true(json_object_get(json_array_get(list, 1), "current")));
	assert_true(
	    json_is_true(json_object_get(json_array_get(list, 1), "running")));
	json_decref(list);
}

/*
 * Activations keep as many generations as is set, and their closures are
 * garbage then; the current one, the one before it and named closures stay.
 */
static void
test_retention(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");
	struct generations_keep keep = {
		.profile = x->profile, .dir = x->state, .keep = 1
	};
	struct deploy_request back = { .mode = DEPLOY_SWITCH, .generation = 4 };
	struct deploy_result res;
	struct err e;
	json_t *list;
	int i;

	for (i = 1; i <= 5; i++)
		activate(x, rev, i);
	numbers_are(x, " 1 2 3 4 5");
	x->conf.keep_generations = 3;
	activate(x, rev, 6);
	numbers_are(x, " 4 5 6");
	assert_non_null(strstr(x->lines.data, "removed 3 old generations"));
	free(nixfixture_sh(x,
	    "gc() { nix-store --gc >/dev/null 2>&1; }; "
	    "gc || gc || gc; ls -d store/*-gen-4; ! ls -d store/*-gen-3"));
	/* The current one is the oldest now; what was left stays too. */
	back.op_id = nixfixture_op(x);
	x->conf.keep_generations = 1;
	assert_int_equal(deploy_rollback(&x->conf, &back, &res, &e), 0);
	assert_int_equal(res.outcome, DEPLOY_OK);
	deploy_result_free(&res);
	numbers_are(x, " 4 6");
	x->conf.keep_generations = 0;
	activate(x, rev, 7);
	activate(x, rev, 8);
	numbers_are(x, " 4 6 7 8");
	list = deploy_generations(&x->conf);
	keep.path[0] = member(list, 0, "path");
	assert_int_equal(generations_prune(&keep, &e), 1);
	numbers_are(x, " 4 7 8");
	assert_int_equal(generations_prune(&keep, &e), 0);
	json_decref(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NIXFIXTURE_TEST(test_list),
		NIXFIXTURE_TEST(test_retention),
	};

	if (system("command -v nix git >/dev/null") != 0) {
		fprintf(stderr, "nix or git is missing\n");
		return (77); /* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
