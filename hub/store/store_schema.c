#include "store_schema.h"

const char *const store_schema[] = {
	/* 1 */
	"CREATE TABLE hosts (id TEXT PRIMARY KEY, host_type TEXT, kind TEXT,"
	" agent_version TEXT, os_version TEXT, nixpkgs_version TEXT,"
	" generation TEXT, lock_hash TEXT, theme_color TEXT, location TEXT,"
	" device_type TEXT, repo_url TEXT, repo_dir TEXT, comment TEXT,"
	" lock_status TEXT, lock_message TEXT, lock_checked INTEGER,"
	" system_status TEXT, system_message TEXT, system_checked INTEGER,"
	" tests_status TEXT, tests_message TEXT, tests_checked INTEGER,"
	" tests_generation TEXT, facts TEXT, dialect INTEGER,"
	" created_at INTEGER, agent_id TEXT, token_hash TEXT,"
	" old_token_hash TEXT, token_state INTEGER);"
	"CREATE TABLE seen (id TEXT PRIMARY KEY, at INTEGER,"
	" stopped INTEGER) WITHOUT ROWID;"
	"CREATE TABLE operations (id TEXT PRIMARY KEY, host_id TEXT, op TEXT,"
	" by TEXT, args TEXT, state TEXT, outcome TEXT, message TEXT,"
	" phases TEXT, changes TEXT, accepted INTEGER, reported INTEGER,"
	" forced INTEGER, overdue INTEGER, exit_code INTEGER,"
	" created_at INTEGER, started_at INTEGER, finished_at INTEGER,"
	" deadline_at INTEGER, lines INTEGER, bytes INTEGER,"
	" last_seq INTEGER) WITHOUT ROWID;"
	"CREATE INDEX operations_host ON operations (host_id, id);"
	"CREATE INDEX operations_open ON operations (id)"
	" WHERE state <> 'finished';"
	"CREATE TABLE lines (op_id TEXT, seq INTEGER, ts INTEGER,"
	" stream TEXT, text TEXT, PRIMARY KEY (op_id, seq)) WITHOUT ROWID;"
	"CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp INTEGER,"
	" category TEXT, level TEXT, actor TEXT, host_id TEXT, action TEXT,"
	" message TEXT, details TEXT);"
	"CREATE INDEX events_host ON events (host_id, id)"
	" WHERE host_id IS NOT NULL;"
	"CREATE TABLE sessions (hash TEXT PRIMARY KEY, csrf_token TEXT,"
	" created_at INTEGER, expires_at INTEGER) WITHOUT ROWID;"
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;",
	/* 2 */
	"ALTER TABLE operations ADD COLUMN head_seq INTEGER DEFAULT 0;",
	/* 3 */
	"CREATE TABLE blocked (id TEXT PRIMARY KEY, at INTEGER);",
	/* 4 */
	"CREATE INDEX operations_output ON operations (id, bytes)"
	" WHERE bytes > 0;"
	"CREATE INDEX operations_host_output ON operations"
	" (host_id, id, bytes) WHERE bytes > 0;",
};

const int store_schema_version = sizeof(store_schema) / sizeof(store_schema[0]);
