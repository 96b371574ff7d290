#include "wire_table.h"

#define N(t) (sizeof(t) / sizeof((t)[0]))
#define STR(s, m, f) RECORD_ROW(s, m, RECORD_STR, f)
#define INT(s, m, f) RECORD_ROW(s, m, RECORD_INT, f)
#define BOOL(s, m, f) RECORD_ROW(s, m, RECORD_BOOL, f)
#define JSON(s, m, f) RECORD_ROW(s, m, RECORD_JSON, f)

/* clang-format off */
static const struct record_field reg[] = {
	STR(wire_register, hostname, RECORD_REQ),
	STR(wire_register, host_type, 0),
	STR(wire_register, agent_version, 0),
	STR(wire_register, os_version, 0),
	STR(wire_register, nixpkgs_version, 0),
	STR(wire_register, generation, 0),
	STR(wire_register, theme_color, 0),
	INT(wire_register, heartbeat_interval, 0),
	STR(wire_register, location, 0),
	STR(wire_register, device_type, 0),
	STR(wire_register, repo_url, 0),
	STR(wire_register, repo_dir, 0),
	STR(wire_register, source_commit, RECORD_OMIT),
	STR(wire_register, store_path, RECORD_OMIT),
	STR(wire_register, binary_hash, RECORD_OMIT),
	INT(wire_register, dialect, RECORD_OMIT),
	STR(wire_register, agent_id, RECORD_OMIT),
	STR(wire_register, kind, RECORD_OMIT),
	JSON(wire_register, resume, RECORD_OMIT),
};

static const struct record_field heartbeat[] = {
	STR(wire_heartbeat, generation, 0),
	STR(wire_heartbeat, nixpkgs_version, 0),
	STR(wire_heartbeat, pending_command, RECORD_NULL),
	INT(wire_heartbeat, command_pid, RECORD_NULL),
	JSON(wire_heartbeat, metrics, RECORD_NULL),
	JSON(wire_heartbeat, update_status, RECORD_NULL),
	STR(wire_heartbeat, source_commit, RECORD_OMIT),
	STR(wire_heartbeat, store_path, RECORD_OMIT),
	STR(wire_heartbeat, binary_hash, RECORD_OMIT),
	STR(wire_heartbeat, lock_hash, RECORD_OMIT),
	JSON(wire_heartbeat, facts, RECORD_OMIT),
};

static const struct record_field output[] = {
	STR(wire_output, line, 0),
	STR(wire_output, stream, 0),
	STR(wire_output, command, 0),
	BOOL(wire_output, is_error, 0),
	STR(wire_output, op_id, RECORD_OMIT),
	INT(wire_output, seq, RECORD_OMIT),
	INT(wire_output, ts, RECORD_OMIT),
	JSON(wire_output, lines, RECORD_OMIT),
};

static const struct record_field status[] = {
	STR(wire_status, status, 0),
	STR(wire_status, command, 0),
	INT(wire_status, exit_code, 0),
	STR(wire_status, message, RECORD_OMIT),
	STR(wire_status, generation, RECORD_OMIT),
	STR(wire_status, op_id, RECORD_OMIT),
	{ "outcome", RECORD_STR, RECORD_OMIT,
	    offsetof(struct wire_status, outcome), names_outcomes },
	STR(wire_status, by, RECORD_OMIT),
	INT(wire_status, accepted_at, RECORD_OMIT),
	INT(wire_status, started_at, RECORD_OMIT),
	INT(wire_status, finished_at, RECORD_OMIT),
	INT(wire_status, last_seq, RECORD_OMIT),
	JSON(wire_status, phases, RECORD_OMIT),
	JSON(wire_status, changes, RECORD_OMIT),
};

static const struct record_field rejected[] = {
	STR(wire_command_rejected, reason, 0),
	STR(wire_command_rejected, current_command, RECORD_OMIT),
	INT(wire_command_rejected, current_pid, RECORD_OMIT),
	STR(wire_command_rejected, op_id, RECORD_OMIT),
	STR(wire_command_rejected, code, RECORD_OMIT),
};

static const struct record_field operation_progress[] = {
	JSON(wire_operation_progress, progress, RECORD_REQ),
};

static const struct record_field registered[] = {
	STR(wire_registered, host_id, 0),
	INT(wire_registered, dialect, RECORD_OMIT),
	INT(wire_registered, heartbeat, RECORD_OMIT),
	STR(wire_registered, token, RECORD_OMIT),
};

static const struct record_field command[] = {
	STR(wire_command, command, RECORD_REQ),
	STR(wire_command, op_id, RECORD_OMIT),
	JSON(wire_command, args, RECORD_OMIT),
	INT(wire_command, deadline_s, RECORD_OMIT),
	STR(wire_command, by, RECORD_OMIT),
};

static const struct record_field kill_command[] = {
	STR(wire_kill_command, signal, RECORD_REQ),
	INT(wire_kill_command, pid, 0),
};

static const struct record_field accepted[] = {
	STR(wire_command_accepted, op_id, RECORD_REQ),
};

static const struct record_field progress[] = {
	STR(wire_progress, op_id, RECORD_REQ),
	STR(wire_progress, phase, RECORD_REQ),
	INT(wire_progress, done, 0),
	INT(wire_progress, expected, 0),
	STR(wire_progress, text, RECORD_OMIT),
};

static const struct record_field output_ack[] = {
	STR(wire_output_ack, op_id, RECORD_REQ),
	INT(wire_output_ack, seq, RECORD_REQ),
};

static const struct record_field status_ack[] = {
	STR(wire_status_ack, op_id, RECORD_REQ),
};

static const struct record_field stop[] = {
	STR(wire_stop, op_id, RECORD_REQ),
};

static const struct record_field refused[] = {
	STR(wire_refused, code, RECORD_REQ),
	STR(wire_refused, reason, 0),
	INT(wire_refused, retry_s, RECORD_OMIT),
};

const struct wire_row wire_table[WIRE_TYPE_COUNT] = {
	[WIRE_REGISTER] = { "register", WIRE_FROM_AGENT, 3,
	    reg, 15, N(reg), false },
	[WIRE_HEARTBEAT] = { "heartbeat", WIRE_FROM_AGENT, 3,
	    heartbeat, 10, N(heartbeat), true },
	[WIRE_OUTPUT] = { "output", WIRE_FROM_AGENT, 3,
	    output, 4, N(output), true },
	[WIRE_STATUS] = { "status", WIRE_FROM_AGENT, 3,
	    status, 5, N(status), false },
	[WIRE_COMMAND_REJECTED] = { "command_rejected", WIRE_FROM_AGENT, 3,
	    rejected, 3, N(rejected), false },
	[WIRE_OPERATION_PROGRESS] = { "operation_progress", WIRE_FROM_AGENT, 3,
	    operation_progress, 1, N(operation_progress), false },
	[WIRE_REGISTERED] = { "registered", WIRE_FROM_HUB, 3,
	    registered, 1, N(registered), false },
	[WIRE_COMMAND] = { "command", WIRE_FROM_HUB, 3,
	    command, 1, N(command), false },
	[WIRE_KILL_COMMAND] = { "kill_command", WIRE_FROM_HUB, 3,
	    kill_command, 2, N(kill_command), false },
	[WIRE_COMMAND_ACCEPTED] = { "command_accepted", WIRE_FROM_AGENT, 4,
	    accepted, 0, N(accepted), false },
	[WIRE_PROGRESS] = { "progress", WIRE_FROM_AGENT, 4,
	    progress, 0, N(progress), false },
	[WIRE_OUTPUT_ACK] = { "output_ack", WIRE_FROM_HUB, 4,
	    output_ack, 0, N(output_ack), false },
	[WIRE_STATUS_ACK] = { "status_ack", WIRE_FROM_HUB, 4,
	    status_ack, 0, N(status_ack), false },
	[WIRE_STOP] = { "stop", WIRE_FROM_HUB, 4,
	    stop, 0, N(stop), false },
	[WIRE_REFUSED] = { "refused", WIRE_FROM_HUB, 4,
	    refused, 0, N(refused), false },
};
/* clang-format on */
