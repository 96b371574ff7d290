#include "file.h"
#include "fleet.h"
#include "log.h"
#include "rig.h"
#include "store.h"
#include "str.h"
#include "tick.h"

static void
start(struct rig *r)
{
	char *dir = str_printf("NIXFLEET_DATA_DIR=%s", r->dir);
	const char *env[16] = { dir, "NIXFLEET_AGENT_TOKEN=" RIG_TOKEN };
	struct err e;

	log_open("unit", LOG_ERROR);
	for (size_t i = 0; r->extra[i] != NULL; i++)
		env[2 + i] = r->extra[i];
	if (settings_load(SETTINGS_HUB, env, &r->settings, &e) == -1 ||
	    hub_new(&r->loop, r->settings, &r->hub, &r->printed, &e) == -1)
		fail_msg("%s", e.text);
	free(dir);
}

static void
stop(struct rig *r)
{
	hub_free(&r->hub);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	settings_free(&r->settings);
	str_wipefree(&r->printed);
}

void
rig_up(struct rig *r)
{
	snprintf(r->dir, sizeof(r->dir), "/tmp/unit-hub-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(uv_loop_init(&r->loop), 0);
	start(r);
}

void
rig_down(struct rig *r)
{
	stop(r);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	assert_int_equal(file_rmtree(r->dir, NULL), 0);
}

void
rig_restart(struct rig *r)
{
	stop(r);
	start(r);
}

void
rig_wait(struct rig *r, bool (*fn)(void *), void *cookie)
{
	int64_t end = tick_mono() + 10000;

	while (!fn(cookie) && tick_mono() < end)
		uv_run(&r->loop, UV_RUN_ONCE);
	assert_true(fn(cookie));
}

static void
on_settled(void *cookie, void *const *rows, size_t n,
    const struct err *failed)
{
	(void)rows;
	(void)n;
	assert_null(failed);
	*(bool *)cookie = true;
}

static bool
is_set(void *cookie)
{
	return (*(bool *)cookie);
}

void
rig_settle(struct rig *r)
{
	const struct store_query q = { .table = STORE_META };

	/* Twice: what was queued may have queued more. */
	for (int i = 0; i < 2; i++) {
		bool done = false;

		store_find(r->hub->store, &q, on_settled, &done);
		rig_wait(r, is_set, &done);
	}
}

static void
on_send(void *cookie, const struct wire_msg *msg, int dialect)
{
	struct rig_agent *a = cookie;
	char *text = wire_encode(msg, dialect);

	assert_true(a->n < RIG_INBOX);
	a->inbox[a->n] = json_loads(text, 0, NULL);
	assert_non_null(a->inbox[a->n++]);
	if (msg->type == WIRE_REGISTERED && msg->u.registered.token != NULL) {
		free(a->token);
		a->token = str_dup(msg->u.registered.token);
	}
	free(text);
}

static void
on_close(void *cookie, int code, const char *reason)
{
	struct rig_agent *a = cookie;

	assert_non_null(reason);
	a->closed = code;
}

int
rig_connect(struct rig *r, struct rig_agent *a, const char *token,
    const char *resume)
{
	const struct agent_link_face face = { on_send, on_close, a,
		"127.0.0.1" };
	struct identity_claim claim;
	struct wire_register reg = { .hostname = (char *)(uintptr_t)a->host,
	    .agent_id = (char *)(uintptr_t)a->agent_id,
	    .dialect = a->dialect };
	int rc;

	a->rig = r;
	a->closed = 0;
	if (resume != NULL)
		reg.resume = json_loads(resume, 0, NULL);
	identity_check(r->hub->fleet, token != NULL ? token : RIG_TOKEN,
	    &claim);
	rc = agent_link_hello(r->hub, &claim, &reg, &face, &a->conn,
	    &a->refused);
	json_decref(reg.resume);
	return (rc);
}

void
rig_forget(struct rig_agent *a)
{
	while (a->n > 0)
		json_decref(a->inbox[--a->n]);
}

void
rig_gone(struct rig_agent *a, bool clean)
{
	agent_link_gone(&a->conn, clean);
	rig_forget(a);
}

void
rig_say(struct rig_agent *a, const char *fmt, ...)
{
	struct wire_msg msg;
	struct err e;
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (wire_decode(text, strlen(text), WIRE_FROM_AGENT, &msg, &e) == -1)
		fail_msg("%s: %s", text, e.text);
	agent_link_message(a->conn, &msg);
	wire_free(&msg);
}

static bool
is_type(const json_t *msg, const char *type)
{
	return (str_eq(json_string_value(json_object_get(msg, "type")), type));
}

json_t *
rig_got(const struct rig_agent *a, const char *type)
{
	for (size_t i = a->n; i-- > 0;)
		if (is_type(a->inbox[i], type))
			return (json_object_get(a->inbox[i], "payload"));
	return (NULL);
}

size_t
rig_count(const struct rig_agent *a, const char *type)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += is_type(a->inbox[i], type);
	return (n);
}

struct await {
	struct rig_agent *agent;
	const char *type;
	size_t n;
};

static bool
came(void *cookie)
{
	struct await *w = cookie;

	return (rig_count(w->agent, w->type) >= w->n);
}

void
rig_await(struct rig_agent *a, const char *type, size_t n)
{
	struct await w = { a, type, n };

	rig_wait(a->rig, came, &w);
}

struct operation *
rig_ask(struct rig *r, const char *host, const char *name)
{
	const struct operation_ask ask = { .op = name, .by = "operator" };
	struct operation_refusal no;
	struct operation *op;

	op = operation_ask(r->hub->operations,
	    fleet_find(r->hub->fleet, host), &ask, &no);
	if (op == NULL)
		fail_msg("%s: %s", no.code, no.message);
	return (op);
}

const char *
rig_refused(struct rig *r, const char *host, const char *name)
{
	const struct operation_ask ask = { .op = name, .by = "operator" };
	struct operation_refusal no;

	assert_null(operation_ask(r->hub->operations,
	    fleet_find(r->hub->fleet, host), &ask, &no));
	assert_int_not_equal(no.message[0], '\0');
	return (no.code);
}
