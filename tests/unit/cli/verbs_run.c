#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "hubapi.h"
#include "session.h"
#include "scratch.h"
#include "stage.h"
#include "str.h"
#include "verb.h"

#define ULID "01ARZ3NDEKTSV4RRFFQ69G5FAV"

static int
begin(void **unused)
{
	(void)unused;
	stage_begin();
	return (0);
}

static int
end(void **unused)
{
	(void)unused;
	scratch_end();
	return (0);
}

struct run {
	const char *const *args;
	unsigned options;
	const char *hub;
	const char *password_file;
};

static int
run_verb(void *cookie)
{
	const struct run *r = cookie;
	char state[300], hub[300];
	const char *env[] = { state, hub, NULL };
	struct settings *set;
	struct verb_call call = { .options = r->options, .args = r->args,
		.password_file = r->password_file };
	struct err e;
	size_t words;
	int code;

	snprintf(state, sizeof(state), "NIXFLEET_STATE_DIR=%s",
	    scratch_path(""));
	snprintf(hub, sizeof(hub), "NIXFLEET_HUB=%s",
	    r->hub == NULL ? "" : r->hub);
	if (settings_load(SETTINGS_CLI, env, &set, &e) == -1)
		fail_msg("%s", e.text);
	while (call.args[call.nargs] != NULL)
		call.nargs++;
	call.verb = verb_find(call.args, call.nargs, &words);
	assert_non_null(call.verb);
	call.args += words;
	call.nargs -= words;
	call.settings = set;
	code = call.verb->run(&call);
	settings_free(&set);
	return (code);
}

#define ARGS(...) (const char *const[]){ __VA_ARGS__, NULL }

static char *
run(struct run r, int *code)
{
	return (stage_capture(run_verb, &r, code));
}

#define RESULT(outcome) "{\"type\":\"done\",\"op_id\":\"" ULID "\"," \
	"\"op\":\"pull\",\"outcome\":\"" outcome "\",\"message\":\"m\"," \
	"\"accepted_at\":\"2026-01-19T13:43:00.000Z\"," \
	"\"finished_at\":\"2026-01-19T13:43:01.500Z\"}\n"
#define ACCEPTED "{\"type\":\"accepted\",\"op_id\":\"" ULID "\"}\n"
#define OUTPUT(seq, text) "{\"type\":\"output\",\"seq\":" #seq ",\"ts\":1," \
	"\"stream\":\"stdout\",\"text\":\"" text "\"}\n"

/* The log is shown, cleaned; the exit code is the outcome's. */
static void
test_local_operation(void **unused)
{
	const char *good[] = { ACCEPTED OUTPUT(1, "one\\u001b[2J")
	    OUTPUT(2, "two") RESULT("ok") };
	const char *bad[] = { ACCEPTED RESULT("failed") };
	char *out, *requests;
	int code;

	(void)unused;
	stage_serve(good, 1, "\n", NULL);
	out = run((struct run){ .args = ARGS("pull") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_string_equal(out, "one\ntwo\npull: ok in 1.5 s: m\n");
	requests = stage_requests();
	assert_non_null(strstr(requests, "\"op\":\"pull\""));
	free(requests);
	free(out);
	stage_serve(bad, 1, "\n", NULL);
	out = run((struct run){ .args = ARGS("pull"), .options = OPTION_JSON },
	    &code);
	assert_int_equal(code, VERB_FAILED);
	assert_non_null(strstr(out, "\"outcome\":\"failed\""));
	free(stage_requests());
	free(out);
}

/* A switch that restarts the agent is followed over the gap, each line once. */
static void
test_local_resume(void **unused)
{
	const char *script[] = {
	    ACCEPTED OUTPUT(1, "one") OUTPUT(2, "two"),
	    OUTPUT(1, "one") OUTPUT(2, "two") OUTPUT(3, "three") RESULT("ok")
	};
	char *out, *requests;
	int code;

	(void)unused;
	stage_serve(script, 2, "\n", NULL);
	out = run((struct run){ .args = ARGS("switch") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_string_equal(out,
	    "one\ntwo\nthree\npull: ok in 1.5 s: m\n");
	requests = stage_requests();
	assert_non_null(strstr(requests, "\"cmd\":\"logs\""));
	assert_non_null(strstr(requests, ULID));
	free(requests);
	free(out);
}

/* Refusals and broken answers have exit codes of their own. */
static void
test_local_errors(void **unused)
{
	const char *refused[] = { "{\"type\":\"error\",\"code\":\"busy\","
	    "\"text\":\"pull is running\"}\n" };
	const char *rubbish[] = { "rubbish\n" };
	const char *nothing[] = { "" };
	int code;

	(void)unused;
	free(run((struct run){ .args = ARGS("status") }, &code));
	assert_int_equal(code, VERB_UNREACHABLE);
	stage_serve(refused, 1, "\n", NULL);
	free(run((struct run){ .args = ARGS("pull") }, &code));
	assert_int_equal(code, VERB_FAILED);
	free(stage_requests());
	stage_serve(rubbish, 1, "\n", NULL);
	free(run((struct run){ .args = ARGS("status") }, &code));
	assert_int_equal(code, VERB_FAILED);
	free(stage_requests());
	stage_serve(nothing, 1, "\n", NULL);
	free(run((struct run){ .args = ARGS("status") }, &code));
	assert_int_equal(code, VERB_UNREACHABLE);
	free(stage_requests());
}

/* Stopping is a success although what was stopped is none. */
static void
test_local_stop(void **unused)
{
	const char *script[] = { RESULT("stopped") };
	char *out;
	int code;

	(void)unused;
	stage_serve(script, 1, "\n", NULL);
	out = run((struct run){ .args = ARGS("stop") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_non_null(strstr(out, "stopped"));
	free(stage_requests());
	free(out);
}

/* status tells everything, whatever is null or missing in it. */
static void
test_local_status(void **unused)
{
	const char *script[] = { "{\"type\":\"status\",\"host\":\"h1\","
	    "\"agent_version\":\"1\",\"hub\":{\"url\":\"https://x\",\"state\":"
	    "\"connected\",\"since\":null},\"repo\":{\"url\":null,\"head\":"
	    "\"abc\"},\"compartments\":{\"git\":{\"status\":\"ok\",\"message\""
	    ":null}},\"operation\":null,\"last\":[{\"op\":\"pull\"}]}\n"
	    "{\"type\":\"done\"}\n" };
	char *out;
	int code;

	(void)unused;
	stage_serve(script, 1, "\n", NULL);
	out = run((struct run){ .args = ARGS("status") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_non_null(strstr(out, "h1"));
	assert_non_null(strstr(out, "https://x connected"));
	assert_non_null(strstr(out, "abc"));
	assert_non_null(strstr(out, "git"));
	free(stage_requests());
	free(out);
}

#define HTTP(status, body) "HTTP/1.1 " status "\r\n" \
	"Content-Type: application/json\r\nConnection: close\r\n\r\n" body

static void
log_in(const char *hub, const char *token)
{
	struct session s = { .hub = str_dup(hub), .token = str_dup(token) };
	struct err e;

	if (session_save(&s, &e) == -1)
		fail_msg("%s", e.text);
	session_done(&s);
}

/* The token is kept where nobody else reads it, and sent to its hub. */
static void
test_fleet_login(void **unused)
{
	const char *script[] = {
	    HTTP("200 OK", "{\"token\":\"t0ken\",\"csrf_token\":\"c\","
	    "\"expires_at\":\"2030-01-01T00:00:00.000Z\"}"),
	    HTTP("200 OK", "{\"hosts\":[{\"id\":\"h1\",\"hostname\":\"h1\","
	    "\"liveness\":\"connected\",\"compartments\":{}}]}") };
	struct stat st;
	char url[64], *out, *requests;
	int port, code;

	(void)unused;
	assert_int_equal(file_write(scratch_path("pw"), "s3cr3t\n", 7, 0600,
	    NULL), 0);
	stage_serve(script, 2, "\r\n\r\n", &port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	out = run((struct run){ .args = ARGS("login", url),
	    .password_file = scratch_path("pw") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_null(strstr(out, "t0ken"));
	free(out);
	assert_int_equal(stat(scratch_path(".config/nixfleet/session"), &st),
	    0);
	assert_int_equal(st.st_mode & 0777, 0600);
	out = run((struct run){ .args = ARGS("hosts") }, &code);
	assert_int_equal(code, VERB_OK);
	assert_non_null(strstr(out, "h1    connected"));
	free(out);
	requests = stage_requests();
	assert_non_null(strstr(requests, "POST /api/login"));
	assert_non_null(strstr(requests, "Bearer t0ken"));
	free(requests);
}

/* Another hub than the one logged in to never sees the token. */
static void
test_fleet_other_hub(void **unused)
{
	const char *script[] = { "" };
	char url[64];
	int port, code;

	(void)unused;
	stage_serve(script, 0, "\r\n\r\n", &port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	log_in("http://127.0.0.1:1", "t0ken");
	free(run((struct run){ .args = ARGS("hosts"), .hub = url }, &code));
	assert_int_equal(code, VERB_FAILED);
	free(stage_requests());
}

/* A session file that others can read is no longer trusted. */
static void
test_fleet_session_mode(void **unused)
{
	int code;

	(void)unused;
	log_in("http://127.0.0.1:1", "t0ken");
	assert_int_equal(chmod(scratch_path(".config/nixfleet/session"), 0644),
	    0);
	free(run((struct run){ .args = ARGS("hosts") }, &code));
	assert_int_equal(code, VERB_FAILED);
}

/* What the hub answers decides the exit code. */
static void
test_fleet_errors(void **unused)
{
	static const struct {
		const char *answer;
		int code;
	} cases[] = {
		{ HTTP("401 Unauthorized", "{\"error\":\"x\"}"), VERB_FAILED },
		{ HTTP("503 Service Unavailable", ""), VERB_UNREACHABLE },
		{ HTTP("200 OK", "<html>"), VERB_FAILED },
		{ "HTTP/1.1 302 Found\r\nLocation: /login\r\n"
		    "Content-Length: 0\r\n\r\n", VERB_FAILED },
		{ HTTP("200 OK", "{\"hosts\":[]}"), VERB_OK },
	};
	char url[64];
	int port, code;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_serve(&cases[i].answer, 1, "\r\n\r\n", &port);
		snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
		log_in(url, "t0ken");
		free(run((struct run){ .args = ARGS("hosts") }, &code));
		assert_int_equal(code, cases[i].code);
		free(stage_requests());
	}
}

#define DISPATCHED(state) HTTP("200 OK", "{\"status\":\"success\"," \
	"\"results\":[{\"host_id\":\"h1\",\"status\":\"" state "\"," \
	"\"command_id\":\"" ULID "\"}]}")
#define LINES(complete) HTTP("200 OK", "{\"lines\":[{\"seq\":1,\"ts\":1," \
	"\"stream\":\"note\",\"text\":\"hello\"}],\"next\":1,\"complete\":" \
	complete "}")
#define OPERATION(outcome) HTTP("200 OK", "{\"id\":\"" ULID "\",\"op\":" \
	"\"pull\",\"host_id\":\"h1\",\"outcome\":\"" outcome "\"}")

static char *
run_fleet(const char *const *script, int n, struct run r, int *code)
{
	char url[64], *out;
	int port;

	stage_serve(script, n, "\r\n\r\n", &port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	log_in(url, "t0ken");
	out = run(r, code);
	free(stage_requests());
	return (out);
}

/* run follows to the end, and fails unless every host's outcome is ok. */
static void
test_fleet_run(void **unused)
{
	const char *ok[] = { DISPATCHED("EXECUTING"), LINES("true"),
	    OPERATION("ok") };
	const char *bad[] = { DISPATCHED("EXECUTING"), LINES("true"),
	    OPERATION("timed_out") };
	const char *offline[] = { DISPATCHED("QUEUED"),
	    HTTP("200 OK", "{\"id\":\"h1\",\"status\":\"offline\"}") };
	const char *blocked[] = { HTTP("200 OK", "{\"results\":[{\"host_id\":"
	    "\"h1\",\"status\":\"blocked\",\"code\":\"busy\",\"message\":"
	    "\"m\"}]}") };
	struct run pull = { .args = ARGS("run", "pull", "h1") };
	char *out;
	int code;

	(void)unused;
	out = run_fleet(ok, 3, pull, &code);
	assert_string_equal(out, "* hello\npull: ok\n");
	assert_int_equal(code, VERB_OK);
	free(out);
	free(run_fleet(bad, 3, pull, &code));
	assert_int_equal(code, VERB_FAILED);
	out = run_fleet(offline, 2, pull, &code);
	assert_non_null(strstr(out, "offline"));
	assert_int_equal(code, VERB_FAILED);
	free(out);
	out = run_fleet(blocked, 1, pull, &code);
	assert_non_null(strstr(out, "blocked"));
	assert_int_equal(code, VERB_FAILED);
	free(out);
	pull.options = OPTION_NO_FOLLOW;
	free(run_fleet(offline, 1, pull, &code));
	assert_int_equal(code, VERB_OK);
}

/* A host's name goes into an address: nothing but a name may. */
static void
test_fleet_bad_names(void **unused)
{
	int code;

	(void)unused;
	log_in("http://127.0.0.1:1", "t0ken");
	free(run((struct run){ .args = ARGS("logs", "../x") }, &code));
	assert_int_equal(code, VERB_USAGE);
	free(run((struct run){ .args = ARGS("logs", "h1", "x") }, &code));
	assert_int_equal(code, VERB_USAGE);
	free(run((struct run){ .args = ARGS("run", "pull", "a b") }, &code));
	assert_int_equal(code, VERB_USAGE);
	free(run((struct run){ .args = ARGS("run", "pull") }, &code));
	assert_int_equal(code, VERB_USAGE);
}

#define STAGE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(test_local_operation),
		STAGE_TEST(test_local_resume),
		STAGE_TEST(test_local_errors),
		STAGE_TEST(test_local_stop),
		STAGE_TEST(test_local_status),
		STAGE_TEST(test_fleet_login),
		STAGE_TEST(test_fleet_other_hub),
		STAGE_TEST(test_fleet_session_mode),
		STAGE_TEST(test_fleet_errors),
		STAGE_TEST(test_fleet_run),
		STAGE_TEST(test_fleet_bad_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
