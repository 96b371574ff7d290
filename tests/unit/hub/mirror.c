#include "rig.h"

#include "fleet.h"
#include "mirror.h"
#include "present.h"
#include "str.h"

static struct rig rig;
static char work[64], url[96];

static void
sh(const char *cmd)
{
	char *line = str_printf("cd %s && export GIT_CONFIG_GLOBAL=/dev/null "
	    "GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a "
	    "GIT_COMMITTER_EMAIL=a@b && (%s) >/dev/null 2>&1", work, cmd);

	assert_int_equal(system(line), 0);
	free(line);
}

static int
setup(void **unused)
{
	(void)unused;
	snprintf(work, sizeof(work), "/tmp/unit-mirror-XXXXXX");
	assert_non_null(mkdtemp(work));
	snprintf(url, sizeof(url), "NIXFLEET_REPO_URL=file://%s/r", work);
	sh("git init -b main r && cd r && echo one > flake.lock && "
	    "git add . && git commit -m first");
	memset(&rig, 0, sizeof(rig));
	rig.extra[0] = url;
	rig.extra[1] = "NIXFLEET_REPO_POLL=3600";
	rig_up(&rig);
	return (0);
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_down(&rig);
	sh("chmod -R u+w . && rm -rf r");
	assert_int_equal(remove(work), 0);
	return (0);
}

struct want {
	const char *subject;
	bool error;
};

static bool
looked(void *cookie)
{
	const struct mirror_state *m = mirror_state(rig.hub->mirror);
	const struct want *w = cookie;

	return (str_eq(m->subject, w->subject) &&
	    (m->error != NULL) == w->error);
}

static bool
counted(void *cookie)
{
	return (fleet_find(rig.hub->fleet, "h1")->behind ==
	    *(int32_t *)cookie);
}

/* The newest revision, its lock file, and how far each host is behind, with
   full and with shortened revisions; a remote that is away changes none of
   that but says so. */
static void
test_mirror(void **unused)
{
	struct rig_agent a = { .host = "h1" };
	struct want first = { "first", false }, third = { "third", false },
	    gone = { "third", true };
	const struct mirror_state *m;
	int32_t behind = 2;
	json_t *repo;
	char old[65];

	(void)unused;
	rig_wait(&rig, looked, &first);
	m = mirror_state(rig.hub->mirror);
	assert_string_equal(m->lock_hash, "2c8b08da5ce60398e1f19af0e5dccc74"
	    "4df274b826abe585eaba68c525434806");
	assert_string_equal(m->author, "a");
	snprintf(old, sizeof(old), "%s", m->head);
	assert_int_equal(rig_connect(&rig, &a, NULL, NULL), 0);
	rig_say(&a, "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"%s\",\"nixpkgs_version\":\"\"}}", old);
	assert_int_equal(fleet_find(rig.hub->fleet, "h1")
	    ->status[COMPARTMENT_GIT], CHECK_OK);
	sh("cd r && git commit --allow-empty -m second && "
	    "git commit --allow-empty -m third");
	mirror_poke(rig.hub->mirror);
	rig_wait(&rig, looked, &third);
	rig_wait(&rig, counted, &behind);
	assert_int_equal(fleet_find(rig.hub->fleet, "h1")
	    ->status[COMPARTMENT_GIT], CHECK_OUTDATED);
	assert_int_equal(mirror_state(rig.hub->mirror)->ncommits, 3);
	rig_say(&a, "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"%.7s\",\"nixpkgs_version\":\"\"}}", old);
	rig_wait(&rig, counted, &behind);
	sh("mv r away");
	mirror_poke(rig.hub->mirror);
	rig_wait(&rig, looked, &gone);
	assert_int_equal(fleet_find(rig.hub->fleet, "h1")->behind, 2);
	repo = present_repository(rig.hub);
	assert_true(json_is_true(json_object_get(repo, "configured")));
	assert_true(json_is_string(json_object_get(repo, "error")));
	json_decref(repo);
	sh("mv away r");
	mirror_poke(rig.hub->mirror);
	rig_wait(&rig, looked, &third);
	rig_gone(&a, true);
	rig_forget(&a);
}

/* Ending the hub while git works waits for nothing and leaks nothing. */
static void
test_ends_early(void **unused)
{
	(void)unused;
	mirror_poke(rig.hub->mirror);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mirror), T(test_ends_early),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
