#include "store.h"

#define STR(s, m) RECORD_ROW(store_##s, m, RECORD_STR, RECORD_NULL)
#define INT(s, m) RECORD_ROW(store_##s, m, RECORD_INT, RECORD_NULL)

static const struct record_field host_fields[] = {
	STR(host, id), STR(host, host_type), STR(host, kind),
	STR(host, agent_version), STR(host, os_version),
	STR(host, nixpkgs_version), STR(host, generation),
	STR(host, lock_hash), STR(host, theme_color), STR(host, location),
	STR(host, device_type), STR(host, repo_url), STR(host, repo_dir),
	STR(host, comment), STR(host, lock_status), STR(host, lock_message),
	INT(host, lock_checked), STR(host, system_status),
	STR(host, system_message), INT(host, system_checked),
	STR(host, tests_status), STR(host, tests_message),
	INT(host, tests_checked), STR(host, tests_generation),
	STR(host, facts), INT(host, dialect), INT(host, created_at),
	STR(host, agent_id), STR(host, token_hash), STR(host, old_token_hash),
	INT(host, token_state),
};

static const struct record_field seen_fields[] = {
	STR(seen, id), INT(seen, at), INT(seen, stopped),
};

static const struct record_field operation_fields[] = {
	STR(operation, id), STR(operation, host_id), STR(operation, op),
	STR(operation, by), STR(operation, args), STR(operation, state),
	STR(operation, outcome), STR(operation, message),
	STR(operation, phases), STR(operation, changes),
	INT(operation, accepted), INT(operation, reported),
	INT(operation, forced), INT(operation, overdue),
	INT(operation, exit_code), INT(operation, created_at),
	INT(operation, started_at), INT(operation, finished_at),
	INT(operation, deadline_at), INT(operation, lines),
	INT(operation, bytes), INT(operation, last_seq),
	INT(operation, head_seq),
};

static const struct record_field line_fields[] = {
	STR(line, op_id), INT(line, seq), INT(line, ts), STR(line, stream),
	STR(line, text),
};

static const struct record_field event_fields[] = {
	INT(event, id), INT(event, timestamp), STR(event, category),
	STR(event, level), STR(event, actor), STR(event, host_id),
	STR(event, action), STR(event, message), STR(event, details),
};

static const struct record_field session_fields[] = {
	STR(session, hash), STR(session, csrf_token),
	INT(session, created_at), INT(session, expires_at),
};

static const struct record_field meta_fields[] = {
	STR(meta, key), STR(meta, value),
};

static const struct record_field blocked_fields[] = {
	STR(blocked, id), INT(blocked, at),
};

#define TABLE(sql, s, keys) { (sql), s##_fields, \
	sizeof(s##_fields) / sizeof(s##_fields[0]), \
	sizeof(struct store_##s), (keys) }

const struct store_table_def store_tables[STORE_NTABLES] = {
	[STORE_HOST] = TABLE("hosts", host, 1),
	[STORE_SEEN] = TABLE("seen", seen, 1),
	[STORE_OPERATION] = TABLE("operations", operation, 1),
	[STORE_LINE] = TABLE("lines", line, 2),
	[STORE_EVENT] = TABLE("events", event, 1),
	[STORE_SESSION] = TABLE("sessions", session, 1),
	[STORE_META] = TABLE("meta", meta, 1),
	[STORE_BLOCKED] = TABLE("blocked", blocked, 1),
};
