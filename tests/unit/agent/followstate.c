#include "agentunit.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "follower.h"
#include "followstate.h"
#include "pause.h"
#include "str.h"

#define OLD "1111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222"
#define NOW INT64_C(1768830180000)
#define MINUTE 60000
#define HOUR (60 * MINUTE)

static const struct followstate_at at = { .tip = NEW, .head = NEW,
	.now = NOW, .random = UINT32_MAX };

/* Note the end of an operation; ${phase} is its last, NULL: it had none. */
static bool
note_as(struct followstate *fs, const char *op, const char *origin,
    const char *outcome, const char *phase, const char *changes)
{
	char op_word[32], origin_word[16], outcome_word[16], rev[] = NEW;
	char message[] = "why", by[] = "ada";
	struct journal_result res = { .op = op_word, .origin = origin_word,
	    .outcome = outcome_word, .generation = rev, .message = message,
	    .by = by };
	bool changed;

	strcpy(op_word, op);
	strcpy(origin_word, origin);
	strcpy(outcome_word, outcome);
	if (phase != NULL)
		res.phases = json_pack("[{s:s, s:i}]", "name", phase, "ms", 1);
	if (changes != NULL)
		res.changes = json_loads(changes, 0, NULL);
	changed = followstate_note(fs, &res, &at);
	json_decref(res.phases);
	json_decref(res.changes);
	return (changed);
}

static const char *
kind_after(const char *op, const char *outcome, const char *phase,
    const char *changes)
{
	static const char *const kinds[] = { "activation", "rolled_back",
	    "rollback", "interrupted", "build", "refused", "temporary" };
	struct followstate fs = { 0 };
	const char *kind = NULL;
	size_t i;

	(void)note_as(&fs, op, "follow", outcome, phase, changes);
	for (i = 0; fs.nheld > 0 && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_eq(kinds[i], fs.held[0].kind))
			kind = kinds[i];
	followstate_free(&fs);
	return (kind != NULL ? kind : "none");
}

/* Each way to fail says what it must about the revision, and no more. */
static void
test_kinds(void **unused)
{
	static const char active[] = "{\"activated\":true}";

	(void)unused;
	assert_string_equal(kind_after("pull-switch", "failed", "evaluate",
	    NULL), "build");
	assert_string_equal(kind_after("pull-switch", "timed_out", "build",
	    NULL), "build");
	assert_string_equal(kind_after("pull-switch", "failed", "activate",
	    active), "activation");
	assert_string_equal(kind_after("pull-switch", "rolled_back",
	    "activate", active), "rolled_back");
	assert_string_equal(kind_after("pull-switch", "interrupted",
	    "activate", active), "temporary");
	assert_string_equal(kind_after("pull-switch", "stopped", "build",
	    NULL), "temporary");
	assert_string_equal(kind_after("pull-switch", "failed", "fetch",
	    NULL), "temporary");
	assert_string_equal(kind_after("pull", "timed_out", "fetch", NULL),
	    "temporary");
	assert_string_equal(kind_after("pull", "refused", "fetch", NULL),
	    "refused");
	assert_string_equal(kind_after("pull-switch", "interrupted", NULL,
	    NULL), "temporary");
	assert_string_equal(kind_after("rollback", "ok", "activate", active),
	    "rollback");
	assert_string_equal(kind_after("reboot", "failed", "reboot", NULL),
	    "none");
	assert_string_equal(kind_after("pull-switch", "ok", "activate",
	    active), "none");
}

/* What others' failed pulls and tests say is not about a revision. */
static void
test_others(void **unused)
{
	struct followstate fs = { 0 };

	(void)unused;
	assert_false(note_as(&fs, "pull", "hub", "failed", "fetch", NULL));
	assert_false(note_as(&fs, "pull-switch", "local", "failed", "fetch",
	    NULL));
	assert_false(note_as(&fs, "test", "hub", "failed", "test", NULL));
	assert_false(note_as(&fs, "rollback", "hub", "failed", "activate",
	    NULL));
	assert_true(note_as(&fs, "switch", "hub", "failed", "build", NULL));
	assert_int_equal(fs.nheld, 1);
	assert_false(note_as(&fs, "test", "hub", "ok", "test", NULL));
	assert_int_equal(fs.nheld, 1);
	followstate_free(&fs);
}

/* A passing trouble is tried again, later each time, a bad build slowly, a
   failed activation never; a clock that is set back frees it. */
static void
test_retries(void **unused)
{
	struct followstate fs = { 0 };
	int64_t last = 0, wait;
	int i;

	(void)unused;
	for (i = 0; i < 12; i++) {
		(void)note_as(&fs, "pull", "follow", "failed", "fetch", NULL);
		wait = fs.held[0].retry_at - NOW;
		assert_in_range(wait, MINUTE / 2, HOUR + 4 * MINUTE);
		assert_true(wait >= last);
		last = wait;
	}
	assert_null(followstate_find(&fs, NEW, NOW + last));
	assert_non_null(followstate_find(&fs, NEW, NOW + last - 1));
	assert_null(followstate_find(&fs, NEW, NOW - 24 * HOUR));
	assert_null(followstate_find(&fs, OLD, NOW));
	(void)note_as(&fs, "pull-switch", "follow", "failed", "build", NULL);
	assert_int_equal(fs.nheld, 1);
	assert_in_range(fs.held[0].retry_at - NOW, 5 * HOUR, 6 * HOUR);
	(void)note_as(&fs, "pull-switch", "follow", "rolled_back", "activate",
	    "{\"activated\":true}");
	assert_int_equal(fs.held[0].retry_at, 0);
	assert_non_null(followstate_find(&fs, NEW, NOW + 100 * HOUR));
	followstate_free(&fs);
}

/* A machine that goes down in every activation is not brought down for ever. */
static void
test_interrupted_thrice(void **unused)
{
	struct followstate fs = { 0 };
	int i;

	(void)unused;
	for (i = 0; i < 3; i++)
		(void)note_as(&fs, "pull-switch", "follow", "interrupted",
		    "activate", "{\"activated\":true}");
	assert_string_equal(fs.held[0].kind, "interrupted");
	assert_int_equal(fs.held[0].retry_at, 0);
	followstate_free(&fs);
}

/* Success frees a revision; what a person vouches for is free, too; a boot
   is not yet a switch. */
static void
test_release(void **unused)
{
	struct followstate fs = { 0 };

	(void)unused;
	(void)note_as(&fs, "switch", "hub", "failed", "build", NULL);
	assert_false(note_as(&fs, "pull", "hub", "ok", "fetch", NULL));
	assert_true(followstate_release(&fs, NEW));
	assert_false(followstate_release(&fs, NEW));
	(void)note_as(&fs, "switch", "hub", "failed", "build", NULL);
	assert_true(note_as(&fs, "pull-switch", "follow", "ok", "activate",
	    "{\"activated\":true, \"mode\":\"boot\"}"));
	assert_int_equal(fs.nheld, 0);
	assert_true(followstate_done(&fs, NEW, "boot"));
	assert_false(followstate_done(&fs, NEW, "switch"));
	assert_false(followstate_done(&fs, OLD, "boot"));
	assert_true(note_as(&fs, "switch", "hub", "ok", "activate",
	    "{\"activated\":false}"));
	assert_true(followstate_done(&fs, NEW, "switch"));
	assert_true(followstate_done(&fs, NEW, "boot"));
	(void)note_as(&fs, "rollback", "local", "ok", "activate",
	    "{\"activated\":true}");
	assert_false(followstate_done(&fs, NEW, "switch"));
	assert_non_null(followstate_find(&fs, NEW, NOW));
	followstate_free(&fs);
}

/* What is written is read again; a damaged file is told of and costs no more
   than itself. */
static void
test_file(void **unused)
{
	struct followstate fs = { 0 }, again;
	struct err e = { 0 }, damaged = { 0 };
	char *dir = str_dup(scratch_path(".")), *path = str_dup(
	    scratch_path("follow.json"));

	(void)unused;
	assert_int_equal(followstate_load(dir, &again, &damaged, &e), 0);
	assert_int_equal(damaged.code, ERR_NONE);
	(void)note_as(&fs, "switch", "hub", "failed", "build", NULL);
	fs.done = str_dup(OLD);
	assert_int_equal(followstate_save(dir, &fs, &e), 0);
	assert_int_equal(followstate_load(dir, &again, &damaged, &e), 0);
	assert_string_equal(again.done, OLD);
	assert_int_equal(again.nheld, 1);
	assert_string_equal(again.held[0].text, "why");
	assert_int_equal(again.held[0].retry_at, fs.held[0].retry_at);
	followstate_free(&again);
	followstate_free(&fs);
	assert_int_equal(file_write(path, "{", 1, 0600, &e), 0);
	assert_int_equal(followstate_load(dir, &again, &damaged, &e), 0);
	assert_int_equal(damaged.code, ERR_DAMAGED);
	assert_int_equal(again.nheld, 0);
	free(path);
	free(dir);
}

/* A pause ends at its time; one that cannot be read is one for as long as
   that lasts. */
static void
test_pause(void **unused)
{
	char reason[] = "exams", by[] = "ada";
	struct pause p = { .reason = reason, .by = by, .since = NOW,
	    .until = NOW + HOUR }, got;
	char *dir = str_dup(scratch_path(".")), *path = str_dup(
	    scratch_path("pause.json"));
	struct err e = { 0 };

	(void)unused;
	assert_false(pause_load(dir, NOW, &got));
	assert_int_equal(pause_save(dir, &p, &e), 0);
	assert_true(pause_load(dir, NOW + HOUR - 1, &got));
	assert_string_equal(got.reason, "exams");
	pause_free(&got);
	assert_false(pause_load(dir, NOW + HOUR, &got));
	assert_int_equal(file_write(path, "{", 1, 0600, &e), 0);
	assert_true(pause_load(dir, NOW, &got));
	pause_free(&got);
	assert_int_equal(pause_remove(dir, &e), 0);
	assert_int_equal(pause_remove(dir, &e), 0);
	assert_false(pause_load(dir, NOW, &got));
	free(path);
	free(dir);
}

/* Each host always waits the same, and the hosts of a fleet differ. */
static void
test_share(void **unused)
{
	char name[16];
	int early = 0, i;

	(void)unused;
	assert_int_equal(follower_share("atlas", 0), 0);
	assert_int_equal(follower_share("atlas", HOUR),
	    follower_share("atlas", HOUR));
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		assert_in_range(follower_share(name, HOUR), 0, HOUR - 1);
		early += follower_share(name, HOUR) < HOUR / 2;
	}
	assert_in_range(early, 400, 600);
}

/* Failed looks come less and less often, at most hourly unless the interval
   is longer, and never in step. */
static void
test_backoff(void **unused)
{
	unsigned n;

	(void)unused;
	for (n = 1; n < 40; n++) {
		assert_in_range(follower_backoff(5 * MINUTE, n, 0),
		    MINUTE / 2, HOUR / 2);
		assert_in_range(follower_backoff(5 * MINUTE, n, UINT32_MAX),
		    MINUTE - 1, HOUR);
	}
	assert_in_range(follower_backoff(24 * HOUR, 1, UINT32_MAX), 0,
	    MINUTE);
	assert_in_range(follower_backoff(24 * HOUR, 40, 0), 12 * HOUR,
	    24 * HOUR);
	assert_true(follower_backoff(1000, 1, 0) >= 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_kinds),
		UNIT(test_others),
		UNIT(test_retries),
		UNIT(test_interrupted_thrice),
		UNIT(test_release),
		UNIT(test_file),
		UNIT(test_pause),
		UNIT(test_share),
		UNIT(test_backoff),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
