#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "ssh.h"

/* A host counts as known only by its own name and port. */
static void
test_ssh_host_lines(void **state)
{
	static const char known[] =
	    "# h.example ssh-ed25519 COMMENT\n"
	    "h.example,10.0.0.1 ssh-ed25519 AAA\n"
	    "[h.example]:2222 ssh-rsa BBB\n"
	    "@revoked h.example ssh-rsa CCC\n"
	    "other.h.example ssh-rsa DDD\n"
	    "H2 ssh-rsa EEE";
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(ssh_host_lines(known, strlen(known), "h.example", 0,
	    &b), 1);
	assert_string_equal(b.data, "h.example,10.0.0.1 ssh-ed25519 AAA\n");
	buf_clear(&b);
	assert_int_equal(ssh_host_lines(known, strlen(known), "h.example", 22,
	    &b), 1);
	assert_int_equal(ssh_host_lines(known, strlen(known), "h.example",
	    2222, &b), 1);
	assert_int_equal(ssh_host_lines(known, strlen(known), "h.example",
	    2223, &b), 0);
	assert_int_equal(ssh_host_lines(known, strlen(known), "example", 0,
	    &b), 0);
	assert_int_equal(ssh_host_lines(known, strlen(known), "h2", 0, &b), 1);
	assert_int_equal(ssh_host_lines("", 0, "h", 0, &b), 0);
	buf_free(&b);
}

/* Odd paths arrive at ssh in one piece, through the shell and its own rules. */
static void
test_ssh_command_quotes(void **state)
{
	struct repo r = { .state_dir = (char[]){ "/s t'ate/100%" },
		.remote = { .host = (char[]){ "h" } } };
	struct err e;
	char *cmd;

	(void)state;
	assert_int_equal(ssh_command(&r, &cmd, &e), 0);
	assert_non_null(strstr(cmd, "'UserKnownHostsFile="
	    "\"/s t'\\''ate/100%%/known_hosts\"'"));
	assert_non_null(strstr(cmd, "StrictHostKeyChecking=accept-new"));
	free(cmd);
	r.known_hosts = (char[]){ "/k" };
	assert_int_equal(ssh_command(&r, &cmd, &e), 0);
	assert_non_null(strstr(cmd, "StrictHostKeyChecking=yes"));
	free(cmd);
	r.known_hosts = (char[]){ "/k\"" };
	assert_int_equal(ssh_command(&r, &cmd, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssh_host_lines),
		cmocka_unit_test(test_ssh_command_quotes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
