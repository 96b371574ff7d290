#include "agentunit.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "journal.h"
#include "record.h"
#include "str.h"

#define A "01J0000000000000000000000A"
#define B "01J0000000000000000000000B"
#define C "01J0000000000000000000000C"

static struct journal *
open_journal(void)
{
	struct journal *j = NULL;
	struct err e = { 0 };

	assert_int_equal(journal_open(scratch_path("."), &j, &e), 0);
	return (j);
}

static void
put(struct journal *j, const char *op_id, const char *origin)
{
	struct journal_request req = { .deadline_s = 60,
	    .accepted_at = 1700000000000 };
	struct err e = { 0 };

	req.op_id = str_dup(op_id);
	req.op = str_dup("pull");
	req.by = str_dup("ada");
	req.origin = str_dup(origin);
	assert_int_equal(journal_add(j, &req, &e), 0);
	assert_int_equal(journal_add(j, &req, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	journal_request_free(&req);
}

static void
end_op(struct journal *j, const char *op_id)
{
	struct journal_result res;

	assert_int_equal(journal_summary(j, op_id, &res, NULL), 0);
	assert_null(res.outcome);
	res.outcome = str_dup("ok");
	res.exit_code = 0;
	assert_int_equal(journal_finish(j, &res, NULL), 0);
	journal_result_free(&res);
}

/* What was asked and what came of it are read back as they were written. */
static void
test_journal_round_trip(void **unused)
{
	struct journal *j = open_journal();
	struct journal_request req;
	struct journal_result res;
	struct err e = { 0 };
	json_t *obj;

	(void)unused;
	put(j, A, "hub");
	assert_int_equal(journal_request(j, A, &req, &e), 0);
	assert_string_equal(req.by, "ada");
	assert_int_equal(req.accepted_at, 1700000000000);
	journal_request_free(&req);
	assert_int_equal(journal_result(j, A, &res, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	end_op(j, A);
	assert_int_equal(journal_result(j, A, &res, &e), 0);
	assert_string_equal(res.outcome, "ok");
	obj = journal_result_json(&res);
	assert_string_equal(json_string_value(json_object_get(obj, "origin")),
	    "hub");
	assert_string_equal(json_string_value(json_object_get(obj,
	    "accepted_at")), "2023-11-14T22:13:20.000Z");
	json_decref(obj);
	journal_result_free(&res);
	journal_free(&j);
}

/* A damaged file is told from a missing one. */
static void
test_journal_damage(void **unused)
{
	struct journal *j = open_journal();
	struct journal_request req;
	struct err e = { 0 };
	char *path;

	(void)unused;
	put(j, A, "hub");
	path = str_printf("%s/ops/%s/request.json", scratch_path("."), A);
	assert_int_equal(file_write(path, "{\"op\":1}", 8, 0600, &e), 0);
	free(path);
	assert_int_equal(journal_request(j, A, &req, &e), -1);
	assert_int_equal(e.code, ERR_DAMAGED);
	journal_free(&j);
}

/* Progress and the hub's place in the log are read back; none is none. */
static void
test_journal_small_notes(void **unused)
{
	char phase[] = "build", text[] = "3 of 7";
	struct journal_progress p = { phase, 3, 7, text }, q;
	struct journal *j = open_journal();

	(void)unused;
	put(j, A, "hub");
	assert_false(journal_progress(j, A, &q));
	journal_progress_set(j, A, &p);
	p.done = 4;
	journal_progress_set(j, A, &p);
	assert_true(journal_progress(j, A, &q));
	assert_int_equal(q.done, 4);
	journal_progress_free(&q);
	assert_int_equal(journal_sent(j, A), 0);
	journal_sent_set(j, A, 123456);
	journal_sent_set(j, A, 7);
	assert_int_equal(journal_sent(j, A), 7);
	assert_false(journal_acked(j, A));
	assert_int_equal(journal_ack(j, A, NULL), 0);
	assert_true(journal_acked(j, A));
	journal_unack(j, A);
	assert_false(journal_acked(j, A));
	journal_free(&j);
}

/* What the hub does not have yet, or is not over, is never forgotten. */
static void
test_journal_prunes_only_what_it_may(void **unused)
{
	struct journal *j = open_journal();
	char **ids;
	size_t n;

	(void)unused;
	put(j, A, "hub");
	put(j, B, "local");
	put(j, C, "hub");
	end_op(j, A);
	assert_int_equal(journal_prune(j, 0, NULL), 0);
	assert_int_equal(journal_list(j, &ids, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(ids[0], A);
	journal_list_free(ids, n);
	assert_int_equal(journal_ack(j, A, NULL), 0);
	end_op(j, B);
	assert_int_equal(journal_prune(j, 2, NULL), 0);
	assert_int_equal(journal_list(j, &ids, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(ids[0], B);
	journal_list_free(ids, n);
	journal_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_journal_round_trip),
		UNIT(test_journal_damage),
		UNIT(test_journal_small_notes),
		UNIT(test_journal_prunes_only_what_it_may),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
