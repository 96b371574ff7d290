#ifndef DEPLOY_H
#define DEPLOY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "proc.h"

/*
 * From a commit to a running system: evaluate and build with nix, set the
 * profile, activate, roll back, look.  Sequential code for the worker; knows
 * nothing of git beyond a revision, nothing of hubs.
 *
 * Children get our environment without NIXFLEET_*, GIT_* and what the service
 * manager put there for us alone.
 */

enum deploy_kind { DEPLOY_NIXOS, DEPLOY_DARWIN, DEPLOY_HOME, DEPLOY_CUSTOM };

/*
 * What an activation does; words of switch-to-configuration, but the last:
 * test, and when that was confirmed, what switch does beyond it.
 */
enum deploy_mode { DEPLOY_SWITCH, DEPLOY_BOOT, DEPLOY_TEST, DEPLOY_DRY,
	DEPLOY_TRIAL };
#define DEPLOY_MODES (DEPLOY_TRIAL + 1)

/* The closed list of protocol.md, in its order. */
enum deploy_outcome {
	DEPLOY_OK, DEPLOY_FAILED, DEPLOY_REFUSED, DEPLOY_STOPPED,
	DEPLOY_TIMED_OUT, DEPLOY_ROLLED_BACK, DEPLOY_INTERRUPTED,
};

/*
 * Who speaks: OUT a builder, the activation or a test; ERR nix itself, or a
 * test's stderr; NOTE we.
 */
enum deploy_stream { DEPLOY_OUT, DEPLOY_ERR, DEPLOY_NOTE };

struct deploy_progress {
	const char *phase;	/* "evaluate", "download", "build", "copy",
				   "activate", "test" */
	int64_t done, expected;	/* expected 0: unknown */
	const char *text;	/* for people, may be "" */
};

/* Strings are borrowed; NULL or "" means "the kind's default". */
struct deploy_conf {
	enum deploy_kind kind;
	const char *host;		/* required */
	const char *user;		/* home: whose; NULL: our own name */
	const char *repo_dir;		/* required for builds: a clone */
	const char *build_dir;		/* its files with submodules, without
					   .git, built instead; NULL: none */
	const char *flake_dir;		/* the flake's directory inside it */
	const char *flake_attr;		/* "{host}" and "{user}" are replaced;
					   required for custom */
	const char *profile;		/* required for custom */
	const char *activate_program;	/* custom: inside the closure;
					   default bin/activate */
	const char *rebuild_command;	/* nixos, darwin: run this, not our own
					   activation ("sudo nixos-rebuild",
					   split at blanks) */
	const char *backup_extension;	/* home: HOME_MANAGER_BACKUP_EXT */
	const char *state_dir;		/* required: roots/, activation/ */
	const char *activate_path;	/* nixfleet-activate; else by PATH */
	const char *service_socket;	/* of the activation service; systems
					   go through it where it exists */
	bool by_service;		/* custom, too, and in no other way */
	const char *service_dir;	/* its records; with service_socket */
	bool shallow;			/* the clone is shallow */
	int64_t build_timeout;		/* ms, > 0 */
	int64_t activate_timeout;	/* ms, > 0 */
	int64_t confirm_timeout;	/* ms for confirm to succeed before the
					   service goes back; 0: no need to */
	int64_t keep_generations;	/* after an activation; 0: all */
	bool commit_late;		/* nixos, by the service: a switch is
					   DEPLOY_TRIAL */
	int64_t test_timeout;		/* ms, > 0: all tests together */
	int stop_fd;			/* readable: stop; -1: none */
	/* Each line as it comes, at most PROC_LINE_MAX bytes, any byte. */
	void (*on_line)(void *, enum deploy_stream, const char *, size_t);
	/* At most four times a second; NULL: none. */
	void (*on_progress)(void *, const struct deploy_progress *);
	/* After an activation, asked until it is 0: can this host still do
	   its job?  It may take that many ms.  NULL: it can. */
	int (*confirm)(void *, int64_t, struct err *);
	void *cookie;
};

/* "nixos", "darwin", "home", "custom"; -1 if ${word} is none of them. */
int	 deploy_kind_parse(const char *word);
const char *deploy_kind_name(enum deploy_kind);

/* "switch", "boot", "test", "dry-activate", "test-then-commit"; -1 if it is
   none of them. */
int	 deploy_mode_parse(const char *word);
const char *deploy_mode_name(enum deploy_mode);

/* "ok", "failed", … "interrupted"; -1 if it is none of them. */
int	 deploy_outcome_parse(const char *word);
const char *deploy_outcome_name(enum deploy_outcome);

/* The outcome of an operation that ended with ${e}. */
enum deploy_outcome deploy_outcome_of(const struct err *e);

/**
 * deploy_check(conf, e):
 * Does the configuration make sense (what its kind requires is there, the
 * attribute is well-formed, and nixos or darwin can become root)?  For --check
 * and before work.  0, or -1 with what to set.
 */
int	 deploy_check(const struct deploy_conf *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * deploy_check_service(conf, e):
 * If ${conf} activates through the activation service: does that answer us,
 * and is it for this kind, profile and program?
 */
int	 deploy_check_service(const struct deploy_conf *, struct err *)
	    __attribute__((warn_unused_result));

/* Does conf->confirm decide whether what was activated stays? */
bool	 deploy_confirms(const struct deploy_conf *);

/**
 * deploy_reboot(conf, e):
 * Have the activation service restart the machine.  ERR_NOTFOUND if ${conf}
 * has none.
 */
int	 deploy_reboot(const struct deploy_conf *, struct err *)
	    __attribute__((warn_unused_result));

/* The profile that ${conf} is about; the caller frees. */
char	*deploy_profile(const struct deploy_conf *);

/* ---- build ---- */

struct deploy_build {
	char *path;		/* store path of the closure */
	char *attr;		/* what was built, "nixosConfigurations.…" */
	bool running;		/* it is what runs already */
	int64_t ms;
};

/**
 * deploy_build(conf, rev, b, e):
 * Build the host's closure from commit ${rev} (40 or 64 hex digits) of
 * repo_dir, and keep it from garbage collection with state_dir/roots/built.
 * Lines and progress go to the callbacks.  On failure ${e} begins with nix's
 * own error, without colours: ERR_CHILD (evaluation, build), ERR_NOTFOUND (the
 * flake has no such host), ERR_NOSPACE, ERR_NET, ERR_TIMEOUT, ERR_STOPPED;
 * ERR_REFUSED if there is too little room to begin.
 */
int	 deploy_build(const struct deploy_conf *, const char *rev,
	    struct deploy_build *, struct err *)
	    __attribute__((warn_unused_result));
void	 deploy_build_free(struct deploy_build *);

/**
 * deploy_diff(conf, from, to, e):
 * What differs between two closures, as
 * {"from","to","added":[{"name","version"}],"removed":[…],
 *  "changed":[{"name","from","to"}],"rebuilt":number of packages with the
 *  same version,"bytes":difference,"size":of to,
 *  "cut":number of entries left out}.  ${from} NULL: nothing was there.  NULL
 * on failure.
 */
json_t	*deploy_diff(const struct deploy_conf *, const char *from,
	    const char *to, struct err *);

/**
 * deploy_diff_tell(diff, on_line, cookie):
 * What deploy_diff found, line by line for people: a summary, then each
 * package.
 */
void	 deploy_diff_tell(const json_t *diff, void (*on_line)(void *,
	    const char *), void *cookie);

/**
 * deploy_preflight(conf, path, e):
 * Can the closure ${path} be made the next boot's: is there room for it
 * where the boot loader looks (nixos)?  ERR_REFUSED says what to do.
 */
int	 deploy_preflight(const struct deploy_conf *, const char *path,
	    struct err *) __attribute__((warn_unused_result));

/* ---- activation ---- */

struct deploy_request {
	const char *op_id;	/* ULID; names the record */
	enum deploy_mode mode;
	const char *path;	/* activate: store path */
	const char *rev;	/* activate: its commit; may be NULL unless
				   rebuild_command is used */
	int64_t generation;	/* rollback: to this one; 0: the previous */
};

struct deploy_result {
	enum deploy_outcome outcome;
	int exit_code;		/* of the activation; -1: it has none */
	bool changed;		/* false: was running already */
	bool needs_reboot;	/* the activation said so */
	char *previous;		/* store path before, NULL: none */
	char *path;		/* store path meant */
	char *text;		/* one sentence for people */
	int64_t ms;
};

/**
 * deploy_activate(conf, req, res, e):
 * Make req->path the host's system: profile and activation, by the activation
 * service, or by nixfleet-activate in its own session, whose record is in
 * state_dir/activation/OP_ID/.  Follows its log (lines with DEPLOY_OUT) until
 * it ends; it ends by its deadline at the latest.  With conf->commit_late
 * profile and boot entry change only when the activation was confirmed.  If
 * the switch inhibitors of a nixos system forbid a switch, it is prepared for
 * the next boot.  An active specialisation stays.  A stop is noted but does
 * not tear an activation in half.  What runs already and was activated well is
 * not activated again (changed false).  0 when the outcome is known, also if
 * it is bad; -1 if it could not be started, nothing changed then.
 */
int	 deploy_activate(const struct deploy_conf *,
	    const struct deploy_request *, struct deploy_result *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * deploy_rollback(conf, req, res, e):
 * Activate what was there before: req->generation of the profile, or, if 0,
 * the path recorded as previous by the activation of what is there now, or
 * else the generation before it (by number) with another closure.  Otherwise
 * as deploy_activate.
 */
int	 deploy_rollback(const struct deploy_conf *,
	    const struct deploy_request *, struct deploy_result *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * deploy_reattach(conf, op_id, skip, res, e):
 * Follow the activation that an earlier process started for ${op_id}, or read
 * how it ended.  The first ${skip} lines of its log (as handed out with
 * DEPLOY_OUT by deploy_activate) are not handed out again.  ERR_NOTFOUND: none
 * was started.  If nixfleet-activate died, or the machine was rebooted, the
 * outcome is DEPLOY_INTERRUPTED and the text says what is there now.
 */
int	 deploy_reattach(const struct deploy_conf *, const char *op_id,
	    int64_t skip, struct deploy_result *, struct err *)
	    __attribute__((warn_unused_result));
void	 deploy_result_free(struct deploy_result *);

/**
 * deploy_generations(conf):
 * The generations of the profile, oldest first, as [{"number","date",
 * "revision","subject","path","current","running","booted"}]; what is not
 * known is null.  A new reference.
 */
json_t	*deploy_generations(const struct deploy_conf *);

/* ---- state ---- */

/* Words of a compartment. */
enum deploy_status { DEPLOY_ST_OK, DEPLOY_ST_OUTDATED, DEPLOY_ST_ERROR,
	DEPLOY_ST_UNKNOWN };
const char *deploy_status_name(enum deploy_status);

#define DEPLOY_SENTENCE 256

struct deploy_state {
	enum deploy_status status;
	char message[DEPLOY_SENTENCE];
	char *desired;		/* store path of the revision, or NULL */
	char *running;		/* or NULL */
};

/**
 * deploy_attr_check(conf, rev, e):
 * Does the flake at commit ${rev} have the attribute that is built?  It is
 * evaluated, not built, in at most 60 s (then ERR_TIMEOUT).
 */
int	 deploy_attr_check(const struct deploy_conf *, const char *rev,
	    struct err *) __attribute__((warn_unused_result));

/**
 * deploy_system_state(conf, rev, st):
 * For refresh-system: evaluate (not build) the closure of ${rev} and compare
 * it with what runs.  At most 60 s.  A failure is a state too.
 */
void	 deploy_system_state(const struct deploy_conf *, const char *rev,
	    struct deploy_state *);
void	 deploy_state_free(struct deploy_state *);

/**
 * deploy_lock_state(dir, committed, now, st):
 * For refresh-lock: how old is ${dir}/flake.lock?  ${committed} is the time
 * of its last commit, -1 if there is none, both ms since 1970.  desired and
 * running stay NULL.  (dialect 3: seven days are ok.)
 */
void	 deploy_lock_state(const char *dir, int64_t committed, int64_t now,
	    struct deploy_state *);

/**
 * deploy_lock_inputs(dir, e):
 * The inputs of ${dir}/flake.lock:
 * [{"name","rev","last_modified" (s since 1970)}], NULL on failure.
 */
json_t	*deploy_lock_inputs(const char *dir, struct err *);

/* ---- host tests ---- */

struct deploy_test {
	const char *name;	/* "T00.sh" */
	size_t index, total;	/* from 1 */
	bool ok;
	enum proc_end end;
	int code;		/* exit status or signal */
	int64_t ms;
};

struct deploy_tests {
	size_t total, passed;
	enum deploy_outcome outcome;
	char message[DEPLOY_SENTENCE];	/* "7 of 8 tests passed", "no tests" */
};

/**
 * deploy_tests_run(conf, dir, on_test, t, e):
 * Run the host's tests, the executable files whose names end in .sh in
 * ${dir}/hosts/HOST/tests, in name order, all of them, with cwd ${dir}.
 * ${on_test} (may be NULL) runs after each with conf->cookie.  Each may take
 * half of what is left of conf->test_timeout, the last one all of it.  No
 * tests is DEPLOY_OK.  -1 if they could not be run at all.
 */
int	 deploy_tests_run(const struct deploy_conf *, const char *dir,
	    void (*on_test)(void *, const struct deploy_test *),
	    struct deploy_tests *, struct err *)
	    __attribute__((warn_unused_result));

/* ---- facts ---- */

/* Strings are owned, NULL where not known. */
struct deploy_facts {
	char *os_version;	/* dialect 3's register.os_version */
	char *nixpkgs_version;
	char *running;		/* closure that runs */
	char *booted;		/* nixos: closure that was booted */
	char *profile;		/* closure that the next boot takes */
	char *built;		/* newest closure built here */
	int64_t generation;	/* number of the profile's, 0: none */
	int64_t generations;	/* how many there are */
	char *built_revision;	/* commits that they are of */
	char *profile_revision;
	char *running_revision;
	char *booted_revision;
	bool next_runs;		/* the profile's closure, or one of its
				   specialisations, is what runs */
	char *drift;		/* closure that runs, or is in the profile,
				   and nobody deployed here */
	char *drift_where;	/* "running", "profile" */
	char *drift_since;	/* RFC 3339, as first seen */
	bool reboot_needed;
	char *reboot_reason;	/* "kernel, initrd" */
	char *reboot_since;	/* RFC 3339, as first seen */
	char *boot_id;
	int64_t uptime_s;
	int64_t store_free;	/* bytes, RECORD_NONE: not known */
	int64_t boot_free;
	int64_t state_free;
};

/**
 * deploy_facts_get(conf, f):
 * Look at the system: files and links only, no child processes, well under a
 * millisecond, so that a heartbeat may ask.  Drift and a needed reboot are
 * remembered in state_dir with the time when they were first seen.
 */
void	 deploy_facts_get(const struct deploy_conf *, struct deploy_facts *);
void	 deploy_facts_free(struct deploy_facts *);
/* The facts as an object with the members' names; nulls left out. */
json_t	*deploy_facts_json(const struct deploy_facts *);

#endif
