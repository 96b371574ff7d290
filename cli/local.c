#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"
#include "localsock.h"
#include "out.h"
#include "settings_value.h"
#include "show.h"
#include "show_follow.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"

/* Within this time, in ms, an agent answers that is alive. */
#define ANSWER 30000
/* So long may an agent take to come back from a restart of its own. */
#define RETURN 120000

/* One conversation with the agent. */
struct talk {
	const struct verb_call *call;
	struct localsock *sock;
	char op_id[ULID_LEN + 1];	/* "" none */
	int64_t seq;			/* last log line that was shown */
	int64_t wait;			/* for the next message, -1: any time */
	bool any_end;			/* every outcome is a success */
	int code;			/* exit code, once it is over */
};

static bool
wants_json(const struct talk *t)
{
	return ((t->call->options & OPTION_JSON) != 0);
}

static void
on_output(struct talk *t, const json_t *msg)
{
	int64_t seq = json_integer_value(json_object_get(msg, "seq"));

	if (t->op_id[0] != '\0' && seq <= t->seq)
		return;
	t->seq = seq;
	if (wants_json(t))
		out_json(msg);
	else
		show_output("", msg);
}

static void
on_accepted(struct talk *t, const json_t *msg)
{
	const char *id = show_str(msg, "op_id");

	if (ulid_valid(id))
		memcpy(t->op_id, id, sizeof(t->op_id));
	if (wants_json(t))
		out_json(msg);
	else if (t->call->options & OPTION_NO_FOLLOW)
		out_linef("%s accepted: %s", t->call->verb->op, t->op_id);
	t->wait = -1;
}

/* The end of an operation, or of a log. */
static void
on_result(struct talk *t, const json_t *msg)
{
	bool running = show_str(msg, "outcome") == NULL;

	if (wants_json(t))
		out_json(msg);
	else if (!running)
		show_result("", msg);
	t->code = running || t->any_end ? VERB_OK : show_exit(msg);
}

/* How the branch is followed from now on. */
static void
on_follow(const struct talk *t, const json_t *msg)
{
	if (wants_json(t))
		out_json(msg);
	else
		show_follow_print(json_object_get(msg, "follow"));
}

/* An error's exit code and text; a refusal is a failure, not a misuse. */
static int
on_error(const json_t *msg)
{
	const char *text = show_str(msg, "text");
	struct err e;

	err_set(&e, ERR_REFUSED, "%s", text == NULL ? "the agent refused" :
	    text);
	return (out_error(&e));
}

/* Serve one message: 1 if the conversation is over. */
static int
on_message(struct talk *t, const json_t *msg)
{
	const char *type = show_str(msg, "type");

	if (str_eq(type, "output"))
		on_output(t, msg);
	else if (str_eq(type, "accepted"))
		on_accepted(t, msg);
	else if (str_eq(type, "done")) {
		if (json_object_get(msg, "op_id") != NULL)
			on_result(t, msg);
		else if (json_object_get(msg, "follow") != NULL)
			on_follow(t, msg);
		return (1);
	} else if (str_eq(type, "error")) {
		t->code = on_error(msg);
		return (1);
	} else if (wants_json(t))
		out_json(msg);
	else if (str_eq(type, "progress"))
		show_progress(msg);
	else if (str_eq(type, "result"))
		show_result("", msg);
	else if (str_eq(type, "status") && t->call->verb->run == local_watch)
		show_brief(msg);
	else if (str_eq(type, "status"))
		show_status(msg);
	return (0);
}

/* The agent went away during an operation, as a switch may make it do. */
static int
resume(struct talk *t, struct err *e)
{
	int64_t end = tick_mono() + RETURN;

	localsock_free(&t->sock);
	while (localsock_open(t->call->settings, &t->sock, e) == -1) {
		if (tick_mono() > end)
			return (-1);
		poll(NULL, 0, 200);
	}
	return (localsock_send(t->sock, json_pack("{s:s, s:s, s:b}", "cmd",
	    "logs", "op_id", t->op_id, "follow", 1), e));
}

static int
converse(struct talk *t, json_t *request, struct err *e)
{
	json_t *msg;
	int rc;

	if (localsock_send(t->sock, request, e) == -1)
		return (-1);
	for (;;) {
		if ((rc = localsock_next(t->sock, t->wait, &msg, e)) == -1)
			return (-1);
		if (rc == 0) {
			if (t->op_id[0] == '\0')
				return (err_set(e, ERR_NET,
				    "the agent closed the connection"));
			if (resume(t, e) == -1)
				return (-1);
			continue;
		}
		rc = on_message(t, msg);
		json_decref(msg);
		if (rc == 1)
			return (0);
	}
}

/* Say ${request} (taken) to the agent and show what it answers. */
static int
talk(struct talk *t, json_t *request)
{
	struct err e;

	if (localsock_open(t->call->settings, &t->sock, &e) == -1) {
		json_decref(request);
		return (out_error(&e));
	}
	if (converse(t, request, &e) == -1)
		t->code = out_error(&e);
	localsock_free(&t->sock);
	return (t->code);
}

int
local_status(const struct verb_call *call)
{
	struct talk t = { .call = call, .wait = ANSWER };

	return (talk(&t, json_pack("{s:s}", "cmd", "status")));
}

/* The first answer to ${cmd}, which asks for nothing else. */
static int
fetch(const struct verb_call *call, const char *cmd, json_t **out,
    struct err *e)
{
	struct localsock *s = NULL;
	int rc;

	if (localsock_open(call->settings, &s, e) == -1)
		return (-1);
	if ((rc = localsock_send(s, json_pack("{s:s}", "cmd", cmd), e)) == 0)
		rc = localsock_next(s, ANSWER, out, e);
	if (rc == 0)
		err_set(e, ERR_NET, "the agent closed the connection");
	localsock_free(&s);
	return (rc == 1 ? 0 : -1);
}

int
local_repo_status(const struct verb_call *call)
{
	json_t *status;
	struct err e;
	int code = VERB_OK;

	if (fetch(call, "status", &status, &e) == -1)
		return (out_error(&e));
	if (str_eq(show_str(status, "type"), "error"))
		code = on_error(status);
	else if (call->options & OPTION_JSON)
		out_json(json_object_get(status, "repo"));
	else
		show_repo(status);
	json_decref(status);
	return (code);
}

json_t *
local_args(const struct verb_call *call)
{
	json_t *args = json_object(), *list;
	size_t n;

	if (call->options & OPTION_DRY)
		json_object_set_new(args, "dry", json_true());
	if (call->inputs != NULL) {
		list = json_array();
		for (const char *p = call->inputs; *p != '\0';
		    p += n + (p[n] == ',')) {
			n = strcspn(p, ",");
			if (n > 0)
				json_array_append_new(list,
				    json_stringn(p, n));
		}
		json_object_set_new(args, "inputs", list);
	}
	if (call->generation > 0)
		json_object_set_new(args, "generation",
		    json_integer(call->generation));
	if (json_object_size(args) > 0)
		return (args);
	json_decref(args);
	return (NULL);
}

/* Ask for the verb's operation; takes ${args}, which may be NULL. */
static int
operate(const struct verb_call *call, json_t *args)
{
	json_t *request = json_pack("{s:s, s:s, s:b}", "cmd", "run", "op",
	    call->verb->op, "follow",
	    (call->options & OPTION_NO_FOLLOW) == 0);
	struct talk t = { .call = call, .wait = ANSWER };

	if (args != NULL)
		json_object_set_new(request, "args", args);
	return (talk(&t, request));
}

int
local_operation(const struct verb_call *call)
{
	return (operate(call, local_args(call)));
}

/* Inputs may also be named one by one. */
int
local_update(const struct verb_call *call)
{
	json_t *args = local_args(call), *list;

	if (call->nargs > 0 && args == NULL)
		args = json_object();
	list = json_object_get(args, "inputs");
	if (call->nargs > 0 && list == NULL) {
		list = json_array();
		json_object_set_new(args, "inputs", list);
	}
	for (size_t i = 0; i < call->nargs; i++)
		json_array_append_new(list, json_string(call->args[i]));
	return (operate(call, args));
}

int
local_generations(const struct verb_call *call)
{
	json_t *answer, *list;
	struct err e;
	int code = VERB_OK;

	if (fetch(call, "generations", &answer, &e) == -1)
		return (out_error(&e));
	list = json_object_get(answer, "generations");
	if (str_eq(show_str(answer, "type"), "error"))
		code = on_error(answer);
	else if (call->options & OPTION_JSON)
		out_json(list);
	else
		show_generations(list);
	json_decref(answer);
	return (code);
}

/* The newest generation of the closure ${path}; 0 and ${e} if none is. */
static int64_t
generation_of(const struct verb_call *call, const char *path, struct err *e)
{
	json_t *answer;
	const json_t *g;
	int64_t number = 0;
	size_t i;

	if (fetch(call, "generations", &answer, e) == -1)
		return (0);
	json_array_foreach(json_object_get(answer, "generations"), i, g)
		if (str_eq(show_str(g, "path"), path))
			number = json_integer_value(json_object_get(g,
			    "number"));
	json_decref(answer);
	if (number == 0)
		err_set(e, ERR_NOTFOUND, "no generation is %s; nixfleet "
		    "generations lists those that are there", path);
	return (number);
}

int
local_rollback(const struct verb_call *call)
{
	struct verb_call named = *call;
	struct err e;

	if (call->nargs == 0)
		return (local_operation(call));
	named.generation = 0;
	if (call->args[0][0] == '/')
		named.generation = generation_of(call, call->args[0], &e);
	else if (str_int(call->args[0], 1, INT64_MAX, &named.generation) == -1)
		err_set(&e, ERR_INPUT, "\"%s\" is neither a generation's "
		    "number nor the path of a closure", call->args[0]);
	return (named.generation > 0 ? local_operation(&named) :
	    out_error(&e));
}

int
local_accept(const struct verb_call *call)
{
	return (operate(call, json_pack("{s:s}", "revision",
	    call->args[0])));
}

int
local_stop(const struct verb_call *call)
{
	struct talk t = { .call = call, .wait = -1, .any_end = true };

	return (talk(&t, json_pack("{s:s}", "cmd", "stop")));
}

int
local_pause(const struct verb_call *call)
{
	json_t *request = json_pack("{s:s, s:s?}", "cmd", "pause", "reason",
	    call->reason);
	struct talk t = { .call = call, .wait = ANSWER };
	int64_t seconds;
	struct err e;

	if (call->nargs > 0 &&
	    (settings_value_seconds(call->args[0], &seconds) == -1 ||
	    seconds == 0)) {
		json_decref(request);
		err_set(&e, ERR_INPUT, "DURATION must be a time such as 90m, "
		    "12h or 2d, not \"%s\"", call->args[0]);
		return (out_error(&e));
	}
	if (call->nargs > 0)
		json_object_set_new(request, "seconds", json_integer(seconds));
	return (talk(&t, request));
}

int
local_resume(const struct verb_call *call)
{
	struct talk t = { .call = call, .wait = ANSWER };

	return (talk(&t, json_pack("{s:s}", "cmd", "resume")));
}

int
local_logs(const struct verb_call *call)
{
	bool follow = (call->options & OPTION_FOLLOW) != 0;
	json_t *request = json_pack("{s:s, s:b}", "cmd", "logs", "follow",
	    follow);
	struct talk t = { .call = call, .wait = -1, .any_end = !follow };

	if (call->nargs > 0) {
		json_object_set_new(request, "op_id",
		    json_string(call->args[0]));
		memcpy(t.op_id, call->args[0], sizeof(t.op_id));
	}
	return (talk(&t, request));
}

int
local_watch(const struct verb_call *call)
{
	struct talk t = { .call = call, .wait = -1 };

	return (talk(&t, json_pack("{s:s}", "cmd", "watch")));
}
