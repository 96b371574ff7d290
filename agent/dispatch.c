#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "wire.h"

#include "dispatch.h"
#include "intake.h"

/* When the hub refuses us and does not say for how long. */
#define REFUSED_PAUSE 60
#define REFUSED_PAUSE_MAX 3600

static void
send_msg(struct daemon *d, const struct wire_msg *msg)
{

	hublink_send(d->link, wire_encode(msg, d->dialect >= 4 ? 4 : 3));
}

static void
on_registered(struct daemon *d, struct wire_msg *msg)
{
	const struct wire_registered *r = &msg->u.registered;
	struct err e = { 0 };
	bool first = d->dialect == 0;
	char dialect[16];

	d->dialect = r->dialect >= 4 ? 4 : 3;
	d->interval = d->conf->interval;
	if (r->heartbeat > d->interval && r->heartbeat <= 3600)
		d->interval = r->heartbeat;
	if (r->token != NULL && r->token[0] != '\0') {
		if (hosttoken_store(d->conf, &d->token, r->token, &e) == -1)
			log_error("cannot keep the token that the hub gave",
			    "error", e.text);
		else
			log_info("enrolled: this host has a token of its own",
			    "file", d->conf->token_cache);
	} else if (d->token.own != NULL && d->token.use_shared) {
		log_warn("the hub took the shared token and gave no other: "
		    "this host's own one is not in use", "file",
		    d->conf->token_cache);
	}
	if (first) {
		snprintf(dialect, sizeof(dialect), "%d", d->dialect);
		log_info("registered at the hub", "hub", d->conf->url_text,
		    "dialect", dialect);
	}
	daemon_heartbeat(d, true);
	if (first)
		reporter_open(d->reporter, d->dialect);
}

static void
accepted(struct daemon *d, const char *op_id)
{
	struct wire_msg msg = { .type = WIRE_COMMAND_ACCEPTED };

	if (d->dialect < 4)
		return;
	msg.u.accepted.op_id = str_dup(op_id);
	send_msg(d, &msg);
	free(msg.u.accepted.op_id);
}

static void
send_rejected(struct daemon *d, const struct wire_command *cmd,
    enum reject why, const char *reason)
{
	struct wire_msg msg = { .type = WIRE_COMMAND_REJECTED };
	struct jobs_info info;

	/* Dialect 3 hubs know one reason, by its words. */
	msg.u.rejected.reason = str_dup(why == REJECT_BUSY &&
	    cmd->op_id == NULL ? WIRE_BUSY : reason);
	if (jobs_main(d->jobs, &info)) {
		msg.u.rejected.current_command = str_dup(info.op);
		msg.u.rejected.current_pid = info.pid;
	}
	msg.u.rejected.op_id = str_dup(cmd->op_id);
	msg.u.rejected.code = str_dup(names_reject(why));
	send_msg(d, &msg);
	wire_free(&msg);
}

/* A dialect 3 status that stands for nothing in the journal. */
static void
send_plain_status(struct daemon *d, const char *command, const char *text)
{
	struct wire_msg msg = { .type = WIRE_STATUS };

	msg.u.status.status = str_dup("error");
	msg.u.status.command = str_dup(command);
	msg.u.status.exit_code = 1;
	msg.u.status.message = str_dup(text);
	send_msg(d, &msg);
	wire_free(&msg);
}

static void
on_command(struct daemon *d, struct wire_msg *msg)
{
	const struct wire_command *cmd = &msg->u.command;
	char op_id[ULID_LEN + 1];
	struct err e = { 0 };
	enum reject why;
	struct intake in = { .op = cmd->command, .op_id = cmd->op_id,
	    .args = cmd->args, .by = cmd->by != NULL ? cmd->by : "hub",
	    .origin = "hub", .dialect = cmd->op_id != NULL ? 4 : 3,
	    .deadline_s = cmd->deadline_s, .on_accepted = accepted };

	/* Dialect 3: the stopped operation's own status is the answer. */
	if (cmd->op_id == NULL && str_eq(cmd->command, "stop")) {
		if (jobs_stop(d->jobs, NULL, false, &e) == -1)
			send_plain_status(d, cmd->command, e.text);
		return;
	}
	if (intake_take(d, &in, op_id, &why, &e) == 0)
		return;
	log_warn("command rejected", "op", cmd->command, "reason", e.text);
	if (why == REJECT_UNKNOWN && cmd->op_id == NULL)
		send_plain_status(d, cmd->command, "unknown command");
	else
		send_rejected(d, cmd, why, e.text);
}

static void
on_stop(struct daemon *d, struct wire_msg *msg)
{
	const char *op_id = msg->u.stop.op_id;

	/* It may have ended meanwhile; its status says so. */
	if (jobs_stop(d->jobs, op_id, false, NULL) == -1)
		reporter_pump(d->reporter);
}

static void
on_kill(struct daemon *d, struct wire_msg *msg)
{
	const struct wire_kill_command *k = &msg->u.kill;
	struct jobs_info info;
	char text[128], pid[24];
	struct err e = { 0 };

	snprintf(pid, sizeof(pid), "%" PRId64, k->pid);
	if (!jobs_main(d->jobs, &info) ||
	    (k->pid != 0 && k->pid != info.pid) ||
	    (!str_eq(k->signal, "SIGTERM") && !str_eq(k->signal, "SIGKILL"))) {
		snprintf(text, sizeof(text), "kill_command %.16s %s is not "
		    "for what runs here", k->signal, pid);
		log_warn(text);
		return;
	}
	if (jobs_stop(d->jobs, NULL, str_eq(k->signal, "SIGKILL"), &e) == -1)
		log_warn("cannot stop", "error", e.text);
}

static void
on_output_ack(struct daemon *d, struct wire_msg *msg)
{

	reporter_output_ack(d->reporter, msg->u.output_ack.op_id,
	    msg->u.output_ack.seq);
}

static void
on_status_ack(struct daemon *d, struct wire_msg *msg)
{

	reporter_status_ack(d->reporter, msg->u.status_ack.op_id);
}

static void
on_refused(struct daemon *d, struct wire_msg *msg)
{
	const struct wire_refused *r = &msg->u.refused;
	const char *why = r->reason != NULL ? r->reason : r->code;
	int64_t wait = r->retry_s <= 0 ? REFUSED_PAUSE :
	    r->retry_s < REFUSED_PAUSE_MAX ? r->retry_s : REFUSED_PAUSE_MAX;
	int code = names_refusal_parse(r->code);
	char reason[224];

	snprintf(reason, sizeof(reason), "the hub refuses this host (%s): %s",
	    r->code, why);
	log_error(reason, "hub", d->conf->url_text);
	if ((code == REFUSAL_TOKEN || code == REFUSAL_REVOKED) &&
	    hosttoken_refused(&d->token)) {
		log_warn("trying the shared token");
		wait = 1;
	}
	hublink_pause(d->link, wait * 1000, reason);
}

static void (*const handlers[WIRE_TYPE_COUNT])(struct daemon *,
    struct wire_msg *) = {
	[WIRE_REGISTERED] = on_registered,
	[WIRE_COMMAND] = on_command,
	[WIRE_KILL_COMMAND] = on_kill,
	[WIRE_OUTPUT_ACK] = on_output_ack,
	[WIRE_STATUS_ACK] = on_status_ack,
	[WIRE_STOP] = on_stop,
	[WIRE_REFUSED] = on_refused,
};

void
dispatch_message(struct daemon *d, const char *text, size_t len)
{
	struct wire_msg msg;
	struct err e = { 0 };

	if (wire_decode(text, len, WIRE_FROM_HUB, &msg, &e) == -1) {
		log_warn("message from the hub ignored", "error", e.text);
		return;
	}
	/* Who comes while we leave is served by the next agent. */
	if (handlers[msg.type] != NULL &&
	    !(d->ending && msg.type == WIRE_COMMAND))
		handlers[msg.type](d, &msg);
	wire_free(&msg);
}
