#ifndef WIRE_H
#define WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "names.h"
#include "record.h"

/*
 * The messages between agent and hub: one JSON object {"type", "payload"} a
 * WebSocket message.  Dialect 3 is what NixFleet v3 speaks; dialect 4 adds
 * fields and messages that a dialect 3 peer ignores.  A message that both
 * know is one struct; what dialect 4 added stands after the blank line.
 *
 * Every char * and json_t * in a decoded message belongs to it (wire_free).
 * A member that did not come is NULL, 0, false or RECORD_NONE.
 */

#define WIRE_DIALECT_MIN 3
#define WIRE_DIALECT 4

/* A dialect 3 hub drops the link over a longer message. */
#define WIRE_MSG_MAX (512 * 1024)

/* At most this many bytes of log text in one batch, and unacknowledged. */
#define WIRE_BATCH_MAX (32 * 1024)
#define WIRE_UNACKED_MAX (256 * 1024)

/* The reason that dialect 3 hubs expect when an agent is busy. */
#define WIRE_BUSY "command already running"

enum wire_dir { WIRE_FROM_AGENT, WIRE_FROM_HUB };

enum wire_type {
	/* agent to hub, both dialects */
	WIRE_REGISTER,
	WIRE_HEARTBEAT,
	WIRE_OUTPUT,
	WIRE_STATUS,
	WIRE_COMMAND_REJECTED,
	WIRE_OPERATION_PROGRESS,	/* dialect 3 only */
	/* hub to agent, both dialects */
	WIRE_REGISTERED,
	WIRE_COMMAND,
	WIRE_KILL_COMMAND,		/* dialect 3 only */
	/* agent to hub, dialect 4 */
	WIRE_COMMAND_ACCEPTED,
	WIRE_PROGRESS,
	/* hub to agent, dialect 4 */
	WIRE_OUTPUT_ACK,
	WIRE_STATUS_ACK,
	WIRE_STOP,
	WIRE_REFUSED,
	WIRE_TYPE_COUNT
};

/* First message of every connection. */
struct wire_register {
	char *hostname;
	char *host_type;	/* "nixos" on any Linux, "macos" */
	char *agent_version;
	char *os_version;
	char *nixpkgs_version;
	char *generation;	/* revision of the repository, may be short */
	char *theme_color;
	int64_t heartbeat_interval;	/* seconds */
	char *location;
	char *device_type;
	char *repo_url;
	char *repo_dir;
	char *source_commit;
	char *store_path;	/* of the agent's own program */
	char *binary_hash;

	int64_t dialect;	/* the highest the sender speaks; 0: 3 */
	char *agent_id;
	char *kind;		/* "nixos", "darwin", "home", "custom" */
	json_t *resume;		/* {op_id: next seq} of operations still open */
};

/*
 * In dialect 4 a member that is empty is left out.  With facts the heartbeat
 * is whole: what it leaves out is empty.  Without, it says "still here, as
 * before", and only metrics, pending_command and command_pid are news.
 */
struct wire_heartbeat {
	char *generation;
	char *nixpkgs_version;
	char *pending_command;
	int64_t command_pid;	/* RECORD_NONE: none */
	json_t *metrics;	/* struct wire_metrics, or NULL */
	json_t *update_status;	/* {git, lock, system, tests: wire_check} */
	char *source_commit;
	char *store_path;
	char *binary_hash;
	char *lock_hash;	/* hex SHA-256 of flake.lock */

	json_t *facts;		/* object, see protocol.md */
};

/*
 * Dialect 3: one line of a child's output.  Dialect 4: a batch of records of
 * operation op_id, numbers seq, seq + 1, …
 */
struct wire_output {
	char *line;
	char *stream;
	char *command;
	bool is_error;

	char *op_id;
	int64_t seq;		/* of the first record, from 1 */
	int64_t ts;		/* of the first record, ms since 1970 */
	json_t *lines;		/* wire_lines_add(), wire_lines_get() */
};

/* An operation is over.  Dialect 4: repeated until WIRE_STATUS_ACK. */
struct wire_status {
	char *status;		/* "ok", "error", "stopped", "warning" */
	char *command;
	int64_t exit_code;
	char *message;
	char *generation;

	char *op_id;
	char *outcome;		/* names_outcome() */
	char *by;		/* who asked, if it was not the hub */
	int64_t accepted_at, started_at, finished_at;	/* ms since 1970 */
	int64_t last_seq;	/* the log ends with this record */
	json_t *phases;		/* [{"name", "ms"}] */
	json_t *changes;	/* object */
};

struct wire_command_rejected {
	char *reason;
	char *current_command;
	int64_t current_pid;

	char *op_id;
	char *code;		/* names_reject() */
};

/* Dialect 3's dots: {"pull"|"lock"|"system"|"tests": {current, total, …}}. */
struct wire_operation_progress {
	json_t *progress;
};

/* The hub's answer to WIRE_REGISTER; the agent then sends a heartbeat. */
struct wire_registered {
	char *host_id;

	int64_t dialect;	/* what both speak from now on; 0: 3 */
	int64_t heartbeat;	/* seconds the hub would like; 0: no wish */
	char *token;		/* the host's own, at enrolment; a secret */
};

struct wire_command {
	char *command;

	char *op_id;
	json_t *args;		/* object */
	int64_t deadline_s;
	char *by;
};

struct wire_kill_command {
	char *signal;		/* "SIGTERM", "SIGKILL" */
	int64_t pid;		/* 0: the current command */
};

/* The request is on the agent's disk. */
struct wire_command_accepted {
	char *op_id;
};

struct wire_progress {
	char *op_id;
	char *phase;
	int64_t done, expected;	/* expected 0: not known */
	char *text;
};

/* Everything up to and including record seq is stored. */
struct wire_output_ack {
	char *op_id;
	int64_t seq;
};

struct wire_status_ack {
	char *op_id;
};

struct wire_stop {
	char *op_id;
};

/* The hub does not take this agent, and closes the connection after it. */
struct wire_refused {
	char *code;		/* names_refusal() */
	char *reason;		/* for people */
	int64_t retry_s;	/* not before; 0: the agent's own rhythm */
};

struct wire_msg {
	enum wire_type type;
	union {
		struct wire_register reg;
		struct wire_heartbeat heartbeat;
		struct wire_output output;
		struct wire_status status;
		struct wire_command_rejected rejected;
		struct wire_operation_progress operation_progress;
		struct wire_registered registered;
		struct wire_command command;
		struct wire_kill_command kill;
		struct wire_command_accepted accepted;
		struct wire_progress progress;
		struct wire_output_ack output_ack;
		struct wire_status_ack status_ack;
		struct wire_stop stop;
		struct wire_refused refused;
	} u;
};

/* The "type" word of a message. */
const char *wire_name(enum wire_type);

/* The lowest dialect in which a message may be sent (3 or 4). */
int	 wire_dialect(enum wire_type);

/**
 * wire_decode(text, len, from, msg, e):
 * Read a message that ${from} sent, of either dialect.  Unknown fields are
 * ignored.  -1 leaves nothing to free and the link is to live on: a type that
 * is not known is ERR_NOTFOUND, anything else ERR_INPUT naming the message,
 * the field and what was expected.  Bytes that are not UTF-8 are ERR_INPUT.
 * Every op_id that came is a valid ULID.
 */
int	 wire_decode(const char *text, size_t len, enum wire_dir from,
	    struct wire_msg *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * wire_encode(msg, dialect):
 * The message as text, as Go's encoder writes it (key order, \u003c for "<").
 * In dialect 3 what dialect 4 added is left out; in dialect 4 the rules of
 * struct wire_heartbeat and wire_output hold.  Bytes that are not UTF-8
 * become U+FFFD.  The members are only read and may be borrowed.  The caller
 * frees.
 */
char	*wire_encode(const struct wire_msg *, int dialect);

/* Release what wire_decode put into the message, and zero it. */
void	 wire_free(struct wire_msg *);

/* Values of heartbeat.metrics. */
struct wire_metrics {
	double cpu, ram, swap, load;
};
json_t	*wire_metrics_json(const struct wire_metrics *);
/* false and zeroes if ${v} is NULL or null. */
bool	 wire_metrics_get(const json_t *v, struct wire_metrics *);

/* One compartment of heartbeat.update_status; "" where nothing is known. */
struct wire_check {
	const char *status;	/* names_check() or "" */
	const char *message;
	const char *checked_at;	/* RFC 3339, whole seconds in dialect 3 */
};
/* Add a compartment to the object; NULL members become "". */
void	 wire_check_set(json_t *update_status, enum compartment,
	    const struct wire_check *);
/* Borrowed from ${update_status} (which may be NULL); never NULL members. */
void	 wire_check_get(const json_t *update_status, enum compartment,
	    struct wire_check *);

/* One record of output.lines. */
struct wire_line {
	const char *text;
	size_t len;
	enum log_stream stream;
	int64_t ts;		/* ms since 1970 */
};
/* Append a record to a batch whose first one has the time ${ts0}. */
void	 wire_lines_add(json_t *lines, int64_t ts0, const struct wire_line *);
/* Record ${i} of a decoded batch, borrowed; ${i} < json_array_size(lines). */
void	 wire_lines_get(const struct wire_output *, size_t i,
	    struct wire_line *);

/* Append {"name", "ms"} to status.phases. */
void	 wire_phases_add(json_t *phases, const char *name, int64_t ms);

#endif
