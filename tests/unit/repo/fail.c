#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fail.h"
#include "str.h"

static enum repo_fail
classify(const char *s)
{
	return (fail_classify(s, strlen(s)));
}

/* Messages of git 2.39 and OpenSSH 9.2 as they were seen. */
static void
test_fail_classify(void **state)
{
	static const struct {
		const char *text;
		enum repo_fail fail;
	} rows[] = {
		{ "", REPO_FAIL_OTHER },
		{ "fatal: couldn't find remote ref refs/heads/x\n",
		    REPO_FAIL_BRANCH },
		{ "ssh: connect to host h port 22: Connection refused\r\n"
		  "fatal: Could not read from remote repository.\n",
		    REPO_FAIL_UNREACHABLE },
		{ "git@h: Permission denied (publickey).\r\n"
		  "fatal: Could not read from remote repository.\n",
		    REPO_FAIL_AUTH },
		{ "Host key verification failed.\r\n"
		  "fatal: Could not read from remote repository.\n",
		    REPO_FAIL_HOST_KEY },
		{ "fatal: unable to access 'http://h/': The requested URL "
		  "returned error: 503\n", REPO_FAIL_SERVER },
		{ "fatal: unable to access 'https://h/': SSL certificate "
		  "problem: self-signed certificate\n", REPO_FAIL_TLS },
		{ "fatal: unable to access 'https://h/': Could not resolve "
		  "host: h\n", REPO_FAIL_UNREACHABLE },
		{ "ERROR: Repository not found.\n"
		  "fatal: Could not read from remote repository.\n",
		    REPO_FAIL_NOT_FOUND },
		{ "ERROR: The key you are authenticating with has been marked "
		  "as read only.\n", REPO_FAIL_NO_PUSH },
		{ "error: unable to write file f\nfatal: write error: No "
		  "space left on device\n", REPO_FAIL_NO_SPACE },
		{ "error: object file .git/objects/aa/bb is empty\n"
		  "fatal: loose object aabb is corrupt\n", REPO_FAIL_DAMAGED },
		{ "fatal: early EOF\n", REPO_FAIL_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(classify(rows[i].text), rows[i].fail);
}

/* A server's words about its own troubles are none about our disk. */
static void
test_fail_remote_words(void **state)
{
	(void)state;
	assert_int_equal(classify("remote: fatal: loose object is corrupt\n"),
	    REPO_FAIL_OTHER);
	assert_int_equal(classify("remote: No space left on device\n"
	    "fatal: early EOF\n"), REPO_FAIL_SERVER);
}

/* The reason is the line that names the cause, clean and bounded. */
static void
test_fail_reason(void **state)
{
	static const char text[] = "warning: x\ngit@h: Permission denied "
	    "(publickey).\r\nfatal: Could not read from remote repository.\n"
	    "\nPlease make sure you have the correct access rights\n";
	char lots[5000];
	struct buf b = { 0 };

	(void)state;
	fail_reason(text, strlen(text), &b);
	assert_string_equal(b.data, "git@h: Permission denied (publickey).");
	buf_clear(&b);
	memset(lots, 0xff, sizeof(lots));
	fail_reason(lots, sizeof(lots), &b);
	assert_in_range(b.len, 1, 1000);
	buf_free(&b);
	fail_reason("", 0, &b);
	assert_int_equal(b.len, 0);
}

/* Losing a race and not being let in must never be mixed up. */
static void
test_fail_push(void **state)
{
	static const struct {
		const char *text;
		enum fail_push how;
	} rows[] = {
		{ "To file:///x\n \tHEAD:refs/heads/main\ta..b\nDone\n",
		    FAIL_PUSH_OK },
		{ "To x\n*\tHEAD:refs/heads/main\t[new branch]\nDone\n",
		    FAIL_PUSH_OK },
		{ "To x\n=\tHEAD:refs/heads/main\t[up to date]\nDone\n",
		    FAIL_PUSH_SAME },
		{ "To x\n!\tHEAD:refs/heads/main\t[rejected] (fetch first)\n",
		    FAIL_PUSH_RACE },
		{ "To x\n!\tHEAD:refs/heads/main\t[remote rejected] (cannot "
		  "lock ref 'refs/heads/main': is at a but expected b)\n",
		    FAIL_PUSH_RACE },
		{ "To x\n!\tHEAD:refs/heads/main\t[remote rejected] "
		  "(pre-receive hook declined)\n", FAIL_PUSH_DENIED },
		{ "", FAIL_PUSH_UNKNOWN },
		{ "To x\n", FAIL_PUSH_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fail_push(rows[i].text,
		    strlen(rows[i].text)), rows[i].how);
}

/* The words are a closed list that can be read back. */
static void
test_fail_names(void **state)
{
	(void)state;
	for (enum repo_fail f = REPO_FAIL_NONE; f < REPO_NFAIL; f++)
		assert_int_equal(fail_parse(fail_name(f)), f);
	assert_int_equal(fail_parse("nonsense"), REPO_NFAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_classify),
		cmocka_unit_test(test_fail_remote_words),
		cmocka_unit_test(test_fail_reason),
		cmocka_unit_test(test_fail_push),
		cmocka_unit_test(test_fail_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
