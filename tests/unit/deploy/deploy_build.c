#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "nixfixture.h"
#include "str.h"
#include "tick.h"

/* A flake whose only host is built by a shell script. */
static const char *
commit_builder(struct nixfixture *x, const char *script)
{
	char *text = str_printf("{ outputs = { self }: { hosts.h1 = "
	    "derivation { name = \"h1-1\"; system = \"@SYSTEM@\"; "
	    "builder = \"/bin/sh\"; PATH = \"/bin:/usr/bin\"; "
	    "args = [ \"-c\" ''%s'' ]; }; }; }", script);
	const char *rev = nixfixture_commit_flake(x, text);

	free(text);
	return (rev);
}

static void
expect_failure(struct nixfixture *x, const char *rev, enum err_code code,
    const char *text)
{
	struct deploy_build b;
	struct err e;

	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), -1);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" is not in: %s", text, e.text);
	assert_int_equal(e.code, code);
	assert_null(strchr(e.text, '\033'));
}

/* The closure is kept from garbage collection, and what ran is told. */
static void
test_build(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_build b;
	struct err e;
	char *path = file_join(x->state, "roots/built"), *link;

	assert_int_equal(deploy_build(&x->conf, nixfixture_commit(x, "true"),
	    &b, &e), 0);
	assert_string_equal(b.attr, "hosts.\"h1\"");
	assert_false(b.running);
	assert_true(x->nprogress > 0);
	link = realpath(path, NULL);
	assert_string_equal(link, b.path);
	/* It looks at every process, and fails if one ends meanwhile. */
	free(nixfixture_sh(x, "gc() { nix-store --gc >/dev/null 2>&1; }; "
	    "gc || gc || gc; test -e $(readlink state/roots/built)"));
	free(link);
	free(path);
	deploy_build_free(&b);
}

/* What is built is the commit, whatever the working tree holds. */
static void
test_commit_not_tree(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");
	struct deploy_build b;
	struct err e;

	free(nixfixture_sh(x, "echo broken > repo/flake.nix"));
	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), 0);
	deploy_build_free(&b);
}

/* A flake in a subdirectory, in a path that needs encoding. */
static void
test_subdirectory(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_build b;
	struct err e;
	char *rev, *repo;

	nixfixture_commit(x, "true");
	free(nixfixture_sh(x, "cd repo; mkdir 'a b'; git mv flake.nix "
	    "activate.sh 'a b'; git commit -qm x; cd ..; mv repo 'r 1'"));
	rev = nixfixture_sh(x, "git -C 'r 1' rev-parse HEAD");
	repo = file_join(x->dir, "r 1");
	x->conf.repo_dir = repo;
	x->conf.flake_dir = "a b";
	if (deploy_build(&x->conf, str_trim(rev), &b, &e) == -1)
		fail_msg("%s", e.text);
	deploy_build_free(&b);
	free(repo);
	free(rev);
}

/* A nix that reads no repository with SHA-256 names is said to be the reason,
   not a hash of a wrong length. */
static void
test_sha256_names(void **state)
{
	struct nixfixture *x = *state;
	struct deploy_build b;
	struct err e;
	char *rev;

	nixfixture_commit(x, "true");
	free(nixfixture_sh(x, "cd repo; rm -rf .git; git init -q "
	    "--object-format=sha256; git add .; git -c user.name=x "
	    "-c user.email=x@y commit -qm x"));
	rev = nixfixture_sh(x, "git -C repo rev-parse HEAD");
	if (deploy_build(&x->conf, str_trim(rev), &b, &e) == 0)
		deploy_build_free(&b);
	else
		assert_non_null(strstr(e.text, "this nix reads no repository "
		    "with SHA-256 names"));
	free(rev);
}

/* Lets the builder go on once it is said to be at work. */
static void
on_building(void *cookie, const struct deploy_progress *p)
{
	struct nixfixture *x = cookie;

	if (str_eq(p->phase, "build") && p->done == 0 && p->expected == 1 &&
	    str_eq(p->text, "building h1-1"))
		free(nixfixture_sh(x, "echo > go"));
}

/* While a build runs it is said which one, and how many there are. */
static void
test_progress(void **state)
{
	struct nixfixture *x = *state;
	char *script = str_printf("while [ ! -e %s/go ]; do sleep 0.05; "
	    "done; echo > $out", x->dir);
	const char *rev = commit_builder(x, script);
	struct deploy_build b;
	struct err e;

	x->conf.on_progress = on_building;
	if (deploy_build(&x->conf, rev, &b, &e) == -1)
		fail_msg("%s", e.text);
	deploy_build_free(&b);
	free(script);
}

/* A failed build says which, and its builder's last words. */
static void
test_build_fails(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = commit_builder(x, "echo all is lost; exit 3");

	expect_failure(x, rev, ERR_CHILD, "exit code 3");
	expect_failure(x, rev, ERR_CHILD, "all is lost");
	assert_non_null(strstr(x->lines.data, "o h1-1> all is lost\n"));
}

/* A failed evaluation says why, and not where nix was at that time. */
static void
test_eval_fails(void **state)
{
	struct nixfixture *x = *state;

	expect_failure(x, nixfixture_commit_flake(x, "{ outputs = { self }: "
	    "{ hosts.h1 = throw \"no such luck\"; }; }"), ERR_CHILD,
	    "no such luck");
	expect_failure(x, nixfixture_commit_flake(x, "{ outputs = { self }: "
	    "{ hosts.h1 = 1 +; }; }"), ERR_CHILD, "syntax error");
}

/* A host that the flake does not have is told apart. */
static void
test_no_host(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");

	x->conf.host = "nobody";
	expect_failure(x, rev, ERR_NOTFOUND, "hosts.\"nobody\"");
}

/* Wrong input is refused before nix sees it. */
static void
test_bad_input(void **state)
{
	struct nixfixture *x = *state;

	expect_failure(x, "main", ERR_INPUT, "not a whole revision");
	x->conf.host = "h1\" or x";
	expect_failure(x, "0123456789012345678901234567890123456789",
	    ERR_INPUT, "host name");
	x->conf.host = "h1";
	x->conf.flake_attr = "a b";
	expect_failure(x, "0123456789012345678901234567890123456789",
	    ERR_INPUT, "NIXFLEET_FLAKE_ATTR");
}

/* A build can be stopped, and ends at its deadline, with its builder. */
static void
test_stop_and_deadline(void **state)
{
	struct nixfixture *x = *state;
	char *script = str_printf("echo $$ > %s/alive; "
	    "while :; do sleep 1; done", x->dir);
	const char *rev = commit_builder(x, script);
	int64_t start;
	int fds[2];

	/* The deadline counts only when it comes after the builder began. */
	for (x->conf.build_timeout = 1000; !nixfixture_has(x, "alive");
	     x->conf.build_timeout *= 2) {
		start = tick_mono();
		expect_failure(x, rev, ERR_TIMEOUT, "");
		assert_true(tick_mono() - start <
		    x->conf.build_timeout + 10000);
	}
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	x->conf.stop_fd = fds[0];
	x->conf.build_timeout = 60000;
	start = tick_mono();
	expect_failure(x, rev, ERR_STOPPED, "");
	close(fds[0]);
	assert_true(tick_mono() - start < 20000);
	nixfixture_gone(x, "alive");
	free(script);
}

/* refresh-system: what would be built against what runs. */
static void
test_system_state(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");
	struct deploy_state st;
	struct deploy_result res;

	deploy_system_state(&x->conf, rev, &st);
	assert_int_equal(st.status, DEPLOY_ST_OUTDATED);
	deploy_state_free(&st);
	nixfixture_switch(x, rev, &res);
	deploy_system_state(&x->conf, rev, &st);
	assert_int_equal(st.status, DEPLOY_ST_OK);
	assert_string_equal(st.desired, res.path);
	deploy_state_free(&st);
	deploy_result_free(&res);
	x->conf.host = "h2";
	deploy_system_state(&x->conf, rev, &st);
	assert_int_equal(st.status, DEPLOY_ST_OUTDATED);
	assert_string_equal(st.message,
	    "h1-1.0 runs, h2-1.0 is desired");
	deploy_state_free(&st);
	x->conf.host = "h3";
	deploy_system_state(&x->conf, rev, &st);
	assert_int_equal(st.status, DEPLOY_ST_ERROR);
	deploy_state_free(&st);
}

/* The difference between two closures, from the real store. */
static void
test_diff(void **state)
{
	struct nixfixture *x = *state;
	const char *rev = nixfixture_commit(x, "true");
	struct deploy_build a, b;
	struct err e;
	json_t *d;

	assert_int_equal(deploy_build(&x->conf, rev, &a, &e), 0);
	x->conf.host = "h2";
	assert_int_equal(deploy_build(&x->conf, rev, &b, &e), 0);
	d = deploy_diff(&x->conf, a.path, b.path, &e);
	assert_non_null(d);
	assert_int_equal(json_array_size(json_object_get(d, "added")), 1);
	assert_int_equal(json_array_size(json_object_get(d, "removed")), 1);
	assert_true(json_integer_value(json_object_get(d, "size")) > 0);
	assert_string_equal(json_string_value(json_object_get(d, "to")),
	    b.path);
	json_decref(d);
	d = deploy_diff(&x->conf, NULL, b.path, &e);
	assert_true(json_is_null(json_object_get(d, "from")));
	json_decref(d);
	deploy_build_free(&a);
	deploy_build_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NIXFIXTURE_TEST(test_build),
		NIXFIXTURE_TEST(test_commit_not_tree),
		NIXFIXTURE_TEST(test_subdirectory),
		NIXFIXTURE_TEST(test_sha256_names),
		NIXFIXTURE_TEST(test_progress),
		NIXFIXTURE_TEST(test_build_fails),
		NIXFIXTURE_TEST(test_eval_fails),
		NIXFIXTURE_TEST(test_no_host),
		NIXFIXTURE_TEST(test_bad_input),
		NIXFIXTURE_TEST(test_stop_and_deadline),
		NIXFIXTURE_TEST(test_system_state),
		NIXFIXTURE_TEST(test_diff),
	};

	if (system("command -v nix git >/dev/null") != 0) {
		fprintf(stderr, "nix or git is missing\n");
		return (77);	/* skipped */
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
