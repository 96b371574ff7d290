#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleetrun.h"
#include "hubapi.h"
#include "local.h"
#include "names.h"
#include "out.h"
#include "prompt.h"
#include "show.h"
#include "str.h"
#include "table.h"
#include "tick.h"
#include "ulid.h"
#include "wire_op.h"

/* Between two questions to the hub while nothing new comes, in ms. */
#define PAUSE 500
#define PAGE 1000
/* So long a hub may be away while its operations are followed. */
#define AWAY 120000

/* One host's part. */
struct job {
	char *host;
	char op_id[ULID_LEN + 1];	/* "" if it never became an operation */
	char *prefix;			/* of its lines */
	int64_t after;			/* last line that was shown */
	bool open;			/* still followed */
	json_t *result;			/* Operation, or the answer's item */
};

struct fleetrun {
	const struct verb_call *call;
	struct hubapi api;
	struct job *jobs;
	size_t n;
};

static bool
quiet(const struct fleetrun *r)
{
	return ((r->call->options & OPTION_JSON) != 0);
}

static void
done(struct fleetrun *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->jobs[i].host);
		free(r->jobs[i].prefix);
		json_decref(r->jobs[i].result);
	}
	free(r->jobs);
	hubapi_done(&r->api);
}

static int
get(struct fleetrun *r, json_t **out, struct err *e, const char *fmt,
    const char *id)
{
	char *path = str_printf("%s%s", fmt, id);
	int rc = hubapi_call(&r->api, "GET", path, NULL, out, e);

	free(path);
	return (rc);
}

/* Show the lines that are new: how many, or -1.  *${whole}: all there are. */
static int
read_lines(struct fleetrun *r, struct job *j, bool *whole, struct err *e)
{
	json_t *v, *lines;
	const json_t *line;
	char *path;
	size_t i;
	int rc;

	path = str_printf("/api/operations/%s/output?after=%lld&limit=%d",
	    j->op_id, (long long)j->after, PAGE);
	rc = hubapi_call(&r->api, "GET", path, NULL, &v, e);
	free(path);
	if (rc == -1)
		return (-1);
	lines = json_object_get(v, "lines");
	json_array_foreach(lines, i, line) {
		j->after = json_integer_value(json_object_get(line, "seq"));
		if (!quiet(r))
			show_output(j->prefix, line);
	}
	*whole = json_is_true(json_object_get(v, "complete"));
	rc = (int)json_array_size(lines);
	json_decref(v);
	return (rc);
}

/* Take the Operation's present form; closes the job when it is over. */
static int
read_operation(struct fleetrun *r, struct job *j, struct err *e)
{
	json_t *v;

	if (get(r, &v, e, "/api/operations/", j->op_id) == -1)
		return (-1);
	json_decref(j->result);
	j->result = v;
	if (show_str(v, "outcome") == NULL)
		return (0);
	j->open = false;
	if (!quiet(r))
		show_result(j->prefix, v);
	return (0);
}

/* One round with the hub about one job: 1 if there was something new. */
static int
step(struct fleetrun *r, struct job *j, struct err *e)
{
	bool whole;
	int n;

	if ((n = read_lines(r, j, &whole, e)) == -1)
		return (-1);
	if (whole && read_operation(r, j, e) == -1)
		return (-1);
	return (n > 0 || !j->open);
}

static bool
any_open(const struct fleetrun *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->jobs[i].open)
			return (true);
	return (false);
}

/* Follow all open jobs to their ends. */
static int
follow(struct fleetrun *r, struct err *e)
{
	int64_t heard = tick_mono();
	bool news;

	while (any_open(r)) {
		news = false;
		for (size_t i = 0; i < r->n; i++) {
			int rc;

			if (!r->jobs[i].open)
				continue;
			if ((rc = step(r, &r->jobs[i], e)) >= 0) {
				heard = tick_mono();
				news |= rc == 1;
			} else if (e->code != ERR_NET &&
			    e->code != ERR_TIMEOUT)
				return (-1);
			else if (tick_mono() - heard > AWAY)
				return (-1);
		}
		if (!news)
			poll(NULL, 0, PAUSE);
	}
	return (0);
}

/* An operation that waits for a host that is away is not waited for. */
static int
leave_waiting(struct fleetrun *r, struct job *j, struct err *e)
{
	const char *state;
	json_t *host;

	if (get(r, &host, e, "/api/hosts/", j->host) == -1)
		return (-1);
	state = show_str(host, "status");
	if (str_eq(state, "offline")) {
		j->open = false;
		if (!quiet(r))
			out_linef("%s is offline: %s waits until it is back",
			    j->host, r->call->args[0]);
	}
	json_decref(host);
	return (0);
}

/* What the hub made of the request for one host; keeps ${item}. */
static int
add_job(struct fleetrun *r, const json_t *item, int width, struct err *e)
{
	struct job *j = &r->jobs[r->n++];
	const char *id = show_str(item, "command_id");
	const char *host = show_str(item, "host_id");
	json_t *op = json_object_get(item, "operation");

	j->host = str_dup(host == NULL ? "?" : host);
	j->prefix = width == 0 ? str_dup("") :
	    str_printf("%-*s | ", width, j->host);
	j->result = json_incref(json_is_object(op) ? op :
	    (json_t *)(uintptr_t)item);
	if (!ulid_valid(id))
		return (0);
	memcpy(j->op_id, id, sizeof(j->op_id));
	j->open = true;
	if (str_eq(show_str(item, "status"), "QUEUED") &&
	    !(r->call->options & OPTION_NO_FOLLOW))
		return (leave_waiting(r, j, e));
	return (0);
}

static int
add_jobs(struct fleetrun *r, const json_t *answer, struct err *e)
{
	const json_t *list = json_object_get(answer, "results");
	size_t n = json_array_size(list), len;
	const json_t *item;
	const char *host;
	size_t i;
	int width = 0;

	r->jobs = str_alloc((n + 1) * sizeof(*r->jobs));
	json_array_foreach(list, i, item)
		if ((host = show_str(item, "host_id")) != NULL && n > 1 &&
		    (len = strlen(host)) > (size_t)width && len <= 63)
			width = (int)len;
	json_array_foreach(list, i, item)
		if (add_job(r, item, width, e) == -1)
			return (-1);
	return (0);
}

/* Names that the arguments, or --all, stand for; a new array. */
static int
choose_hosts(struct fleetrun *r, json_t **out, struct err *e)
{
	const struct verb_call *call = r->call;
	json_t *list = json_array(), *v;
	const json_t *h;
	size_t i;

	for (i = 1; i < call->nargs; i++) {
		if (names_hostname_check(call->args[i], e) == -1)
			goto err1;
		json_array_append_new(list, json_string(call->args[i]));
	}
	if (call->options & OPTION_ALL) {
		if (get(r, &v, e, "/api/hosts", "") == -1)
			goto err1;
		json_array_foreach(json_object_get(v, "hosts"), i, h)
			json_array_append(list, json_object_get(h, "id"));
		json_decref(v);
	}
	if (json_array_size(list) == 0) {
		err_set(e, ERR_INPUT, call->options & OPTION_ALL ?
		    "no host has registered yet" :
		    "on which hosts? Name them, or use --all");
		goto err1;
	}
	*out = list;
	return (0);

err1:
	json_decref(list);
	return (-1);
}

static int
ask(struct fleetrun *r, json_t *hosts, const char *totp, json_t **out,
    struct err *e)
{
	json_t *body = json_pack("{s:s, s:O, s:b}", "op", r->call->args[0],
	    "hosts", hosts, "force",
	    (r->call->options & OPTION_FORCE) != 0);
	json_t *args = local_args(r->call);

	if (args != NULL)
		json_object_set_new(body, "args", args);
	if (totp != NULL)
		json_object_set_new(body, "totp", json_string(totp));
	return (hubapi_call(&r->api, "POST", "/api/dispatch", body, out, e));
}

/* Ask the hub; for a one-time code too if it wants one. */
static int
dispatch(struct fleetrun *r, json_t **out, struct err *e)
{
	json_t *hosts;
	char *totp;
	int rc;

	if (choose_hosts(r, &hosts, e) == -1)
		return (-1);
	rc = ask(r, hosts, r->call->totp, out, e);
	if (rc == -1 && r->call->totp == NULL &&
	    str_eq(r->api.code, "bad_totp") && prompt_possible() &&
	    (totp = prompt_ask("One-time code: ", false, e)) != NULL) {
		rc = ask(r, hosts, totp, out, e);
		str_wipefree(&totp);
	}
	json_decref(hosts);
	return (rc);
}

/* The word for what became of a job. */
static const char *
outcome(const struct job *j)
{
	const char *s = show_str(j->result, "outcome");

	if (s == NULL)
		s = show_str(j->result, "state");
	return (s == NULL ? show_str(j->result, "status") : s);
}

static const char *
message(const struct job *j)
{
	const char *s = show_str(j->result, "message");

	return (s == NULL ? show_str(j->result, "error") : s);
}

/* The table at the end; one host's own line has said it already. */
static void
summarise(const struct fleetrun *r)
{
	static const char *const headings[] = { "HOST", "OUTCOME", "MESSAGE" };
	struct table *t;

	if (r->n == 1 && show_str(r->jobs[0].result, "outcome") != NULL)
		return;
	t = table_new(3, headings);
	for (size_t i = 0; i < r->n; i++)
		table_row(t, (const char *const[]){ r->jobs[i].host,
		    outcome(&r->jobs[i]), message(&r->jobs[i]) });
	out_transient("");
	table_print(t);
	table_free(&t);
}

static void
summarise_json(const struct fleetrun *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append(list, r->jobs[i].result);
	list = json_pack("{s:s, s:o}", "op", r->call->args[0], "results",
	    list);
	out_json(list);
	json_decref(list);
}

/* Without following, that the hub took it is all there is to know. */
static int
exit_code(const struct fleetrun *r)
{
	bool followed = !(r->call->options & OPTION_NO_FOLLOW);

	for (size_t i = 0; i < r->n; i++)
		if (r->jobs[i].op_id[0] == '\0' ||
		    (followed && show_exit(r->jobs[i].result) != VERB_OK))
			return (VERB_FAILED);
	return (VERB_OK);
}

static int
run(struct fleetrun *r, struct err *e)
{
	json_t *answer = NULL;
	int rc;

	if (dispatch(r, &answer, e) == -1)
		return (-1);
	rc = add_jobs(r, answer, e);
	json_decref(answer);
	if (rc == 0 && !(r->call->options & OPTION_NO_FOLLOW))
		rc = follow(r, e);
	if (rc == 0 && quiet(r))
		summarise_json(r);
	else if (rc == 0)
		summarise(r);
	return (rc);
}

int
fleetrun_run(const struct verb_call *call)
{
	struct fleetrun r = { .call = call };
	const char *near;
	struct err e;
	int code;

	if (wire_op_find_remote(call->args[0]) == NULL) {
		near = wire_op_nearest(call->args[0]);
		err_set(&e, ERR_INPUT, "there is no operation %s%s%s%s",
		    call->args[0], near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
		return (out_error(&e));
	}
	if (hubapi_open(&r.api, call->settings, &e) == -1)
		return (out_error(&e));
	code = run(&r, &e) == -1 ? out_error(&e) : exit_code(&r);
	done(&r);
	return (code);
}

/* The operation whose log is wanted: as named, else the host's newest. */
static int
choose_operation(struct fleetrun *r, struct job *j, struct err *e)
{
	const json_t *newest;
	const char *id;
	json_t *v;
	int rc = 0;

	if (names_hostname_check(j->host, e) == -1)
		return (-1);
	if (r->call->nargs > 1) {
		if (!ulid_valid(r->call->args[1]))
			return (err_set(e, ERR_INPUT, "%s is no operation's id",
			    r->call->args[1]));
		memcpy(j->op_id, r->call->args[1], sizeof(j->op_id));
		return (0);
	}
	if (get(r, &v, e, "/api/operations?limit=1&host=", j->host) == -1)
		return (-1);
	newest = json_array_get(json_object_get(v, "operations"), 0);
	id = show_str(newest, "id");
	if (ulid_valid(id))
		memcpy(j->op_id, id, sizeof(j->op_id));
	else
		rc = err_set(e, ERR_NOTFOUND, "no operation of %s is known",
		    j->host);
	json_decref(v);
	return (rc);
}

/* Whole pages up to now, and how it ended if it is over. */
static int
print_log(struct fleetrun *r, struct job *j, struct err *e)
{
	bool whole;
	int n;

	do
		n = read_lines(r, j, &whole, e);
	while (n == PAGE);
	return (n == -1 ? -1 : read_operation(r, j, e));
}

static int
print_log_json(struct fleetrun *r, struct job *j, struct err *e)
{
	json_t *v;

	if (read_operation(r, j, e) == -1)
		return (-1);
	j->prefix = str_printf("/api/operations/%s/output?limit=10000",
	    j->op_id);
	if (hubapi_call(&r->api, "GET", j->prefix, NULL, &v, e) == -1)
		return (-1);
	json_object_set(v, "operation", j->result);
	out_json(v);
	json_decref(v);
	return (0);
}

int
fleetrun_logs(const struct verb_call *call)
{
	struct fleetrun r = { .call = call };
	struct err e;
	struct job *j;
	int rc, code = VERB_OK;

	if (hubapi_open(&r.api, call->settings, &e) == -1)
		return (out_error(&e));
	j = r.jobs = str_alloc(sizeof(*j));
	r.n = 1;
	j->host = str_dup(call->args[0]);
	if ((rc = choose_operation(&r, j, &e)) == 0) {
		if (quiet(&r))
			rc = print_log_json(&r, j, &e);
		else {
			j->prefix = str_dup("");
			j->open = (call->options & OPTION_FOLLOW) != 0;
			rc = j->open ? follow(&r, &e) : print_log(&r, j, &e);
		}
	}
	if (rc == -1)
		code = out_error(&e);
	else if (call->options & OPTION_FOLLOW)
		code = exit_code(&r);
	done(&r);
	return (code);
}
