#ifndef REPO_H
#define REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "proc.h"

/*
 * A private clone of one branch of one remote that nobody else may write, that
 * can be thrown away at any time, and that holds exactly what the branch held
 * at the last successful pull.
 *
 * One struct repo is used by one thread at a time; different ones are
 * independent.  Functions that change the clone hold a flock of their own
 * (ERR_BUSY if another process has it for longer than a few seconds).
 */
struct repo;

/* A revision in lower-case hex: 40 digits, 64 in a SHA-256 repository. */
#define REPO_REV 65

/*
 * Why the last attempt failed: a closed list, part of the protocol and of
 * metrics, so append only.
 */
enum repo_fail {
	REPO_FAIL_NONE,		/* "none" */
	REPO_FAIL_OTHER,	/* "other" */
	REPO_FAIL_CONFIG,	/* "config": URL, branch or path is unusable */
	REPO_FAIL_STOPPED,	/* "stopped": we were asked to stop */
	REPO_FAIL_BUSY,		/* "busy": another process works on it */
	REPO_FAIL_UNREACHABLE,	/* "unreachable": no connection to the server */
	REPO_FAIL_TIMEOUT,	/* "timeout": it did not answer in time */
	REPO_FAIL_TLS,		/* "tls": its certificate is not trusted */
	REPO_FAIL_HOST_KEY,	/* "host_key": not the ssh key known */
	REPO_FAIL_CREDENTIALS,	/* "credentials": key or token file unusable */
	REPO_FAIL_AUTH,		/* "auth": the server refused key or token */
	REPO_FAIL_NOT_FOUND,	/* "not_found": no such repository there */
	REPO_FAIL_EMPTY,	/* "empty": it has no branch at all */
	REPO_FAIL_BRANCH,	/* "branch_missing" */
	REPO_FAIL_SERVER,	/* "server": it answered with rubbish */
	REPO_FAIL_NO_PUSH,	/* "no_push": it may be read but not written */
	REPO_FAIL_CONFLICT,	/* "conflict": others kept pushing first */
	REPO_FAIL_NIX,		/* "nix": nix flake update failed */
	REPO_FAIL_DAMAGED,	/* "damaged": our clone is, and stays for now */
	REPO_FAIL_NO_SPACE,	/* "no_space": our disk is full */
	REPO_FAIL_STORAGE,	/* "storage": read-only, gone, not ours */
	REPO_FAIL_LEGACY,	/* "legacy": git pull in a person's directory */
	REPO_FAIL_UNTRUSTED,	/* "untrusted": not signed by a trusted key */
	REPO_FAIL_REWRITTEN,	/* "rewritten": no descendant of what we had */
	REPO_FAIL_SUBMODULE,	/* "submodule": one that is not allowed, or
				   whose commit its server does not have */
	REPO_NFAIL
};

struct repo_conf {
	const char *url;	/* what git clones: ssh, scp-like, https, http,
				   git, file, absolute path */
	const char *branch;
	const char *dir;	/* the clone; DIR.new, DIR.old: ours too */
	const char *state_dir;	/* git/ and known_hosts live here */
	const char *ssh_key;	/* file; NULL: ssh's default keys and agent */
	const char *known_hosts; /* file that pins; NULL: record at first use */
	const char *token_file;	/* https password; NULL: none.  Bare, or one
				   line NAME=token */
	const char *askpass;	/* program that hands git the token and calls
				   repo_askpass_main; NULL: this executable */
	const char *subdir;	/* of the flake inside it; NULL: its top */
	const char *seed;	/* bundle or repository on this machine that
				   clones take objects from; NULL: none */
	int depth;		/* history at the first clone; 0: all of it */
	bool submodules;	/* check them out, too; else they stay empty */
	const char *legacy_dir;	/* plain "git pull" there instead of a clone;
				   url, branch and dir are not used then */
	const char *commit_name, *commit_email;	/* NULL: NixFleet's */
	const char *signing_key; /* ssh key that signs them; NULL: unsigned */
	/* The tip must be signed by one of these keys: a file for ssh-keygen's
	   allowed signers, one with gpg's public keys; NULL: no such keys. */
	const char *allowed_signers, *gpg_keys;
	bool fast_forward;	/* refuse a rewritten branch */
	int64_t fetch_timeout_ms; /* each talk with the server; 0: 120 s */
	int64_t upkeep_s;	/* repo_maintain checks what was not checked
				   for this long; 0: a day */
	int64_t upkeep_timeout_ms; /* each step of it; 0: 15 min */
	int stop_fd;		/* readable: give up; -1: none */
	/* Output of git and nix (any byte), and what we did in words; may be
	   NULL. */
	void (*on_line)(void *, enum proc_stream, const char *, size_t);
	void (*on_note)(void *, const char *);
	void *cookie;
};

/* What a pull (clone, reset) did. */
struct repo_change {
	char from[REPO_REV];	/* "" if there was none */
	char to[REPO_REV];
	bool changed;		/* from and to differ */
	bool forced;		/* from is not an ancestor of to */
	bool cloned;		/* made anew */
	bool repaired;		/* the tree was not as we left it, now it is */
};

/* One input of flake.lock that moved. */
struct repo_moved {
	char *input;		/* "nixpkgs", "home-manager/nixpkgs" */
	char *from, *to;	/* revision or hash; NULL: added, removed */
	int64_t from_time, to_time; /* lastModified, s since 1970; 0: none */
};

struct repo_update {
	struct repo_moved *moved;
	size_t nmoved;
	bool changed;		/* flake.lock moved (with dry: would) */
	bool pushed;		/* by us */
	bool no_push;		/* the server lets us read only: go on with what
				   the branch has (pull and switch) */
	int rounds;		/* pushes tried */
	char *message;		/* of the commit; NULL if none */
	struct repo_change change; /* the clone: HEAD before and after */
};

struct repo_verify {
	bool sound;
	size_t nproblems;
	struct buf text;	/* a line each, at most 50 */
	size_t files;		/* compared */
};

/* What maintenance did. */
struct repo_maintain {
	bool skipped;		/* the clone has to be pulled first */
	bool checked;		/* every byte of .git: it was due */
	bool repacked;
	int64_t before, after;	/* bytes on disk */
};

struct repo_status {
	char *url, *branch, *dir;
	bool legacy, present;
	char head[REPO_REV];	/* "" if none */
	int64_t last_success;	/* ms since 1970; 0: never */
	int64_t last_failure;	/* 0: none since the last success */
	enum repo_fail fail;
	char *fail_text;	/* NULL if none */
	char refused[REPO_REV];	/* what trust refused last; "" if nothing */
	int64_t bytes;		/* on disk, clone and tree */
	bool lfs;		/* some files are pointers of Git LFS */
};

/* One commit; the strings live during the callback.  Valid UTF-8. */
struct repo_commit {
	const char *rev;
	const char *author, *email;
	int64_t time;		/* author's, s since 1970 */
	const char *subject;
};

/**
 * repo_open(conf, out, e):
 * Check ${conf} (copied) and store the handle in *${out}.  No process, no
 * network, nothing written.  ERR_INPUT names what is wrong.
 */
int	 repo_open(const struct repo_conf *, struct repo **, struct err *)
	    __attribute__((warn_unused_result));
void	 repo_free(struct repo **);

/**
 * repo_ensure(r, ch, e):
 * Have a sound clone of the configured branch: clone it if it is missing (or
 * put back what an interrupted swap left), repair what can be, clone beside
 * and swap on positive evidence of damage or another URL, fetch another
 * branch.  The present keys must trust HEAD.  Without need no process and no
 * network, and no success is recorded.  ${ch} may be NULL.  On failure what
 * was there stays.
 */
int	 repo_ensure(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * repo_pull(r, ch, e):
 * repo_ensure, then fetch and make HEAD and the tree exactly the branch's
 * tip.  On failure HEAD and tree are as before.  ${ch} may be NULL.
 * Legacy mode: "git pull" in legacy_dir, never reset, never cleaned.
 */
int	 repo_pull(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * repo_update(r, inputs, dry, out, e):
 * repo_pull, then nix flake update (only the ${inputs}, NULL-terminated; NULL
 * or empty: all), commit, push; a rejected push is regenerated on the new tip
 * and tried again up to five times.  ${dry}: only say what would move.
 * ${out} is filled, also with no_push, which is no failure; free it with
 * repo_update_free.  The tree is clean afterwards in every case.
 */
int	 repo_update(struct repo *, const char *const *inputs, bool dry,
	    struct repo_update *, struct err *)
	    __attribute__((warn_unused_result));
void	 repo_update_free(struct repo_update *);

/**
 * repo_verify(r, out, e):
 * Full fsck and a comparison of every file with its blob, by content.  0 if
 * the check ran: see out->sound.  Changes nothing but removes from .git what
 * git must not read.  Free with repo_verify_free.
 */
int	 repo_verify(struct repo *, struct repo_verify *, struct err *)
	    __attribute__((warn_unused_result));
void	 repo_verify_free(struct repo_verify *);

/**
 * repo_maintain(r, out, e):
 * For when nothing else is to be done: the full check of clone and submodules
 * if it is due, and one pack instead of many, without what no branch needs any
 * more.  Can be killed at any moment.  Damage is recorded and mended by the
 * next pull.
 */
int	 repo_maintain(struct repo *, struct repo_maintain *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * repo_reset(r, ch, e):
 * Clone beside and swap, whatever is there now.
 */
int	 repo_reset(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * repo_export(r, rev, dir, e):
 * Write the files of ${rev} with its submodules, and no .git, into ${dir},
 * which is ours and made anew; every file has the time of the commit.
 */
int	 repo_export(struct repo *, const char *rev, const char *dir,
	    struct err *) __attribute__((warn_unused_result));

/**
 * repo_accept(r, rev, ch, e):
 * An operator vouches for this one revision, whatever the trust settings say
 * of it; then repo_pull.
 */
int	 repo_accept(struct repo *, const char *rev, struct repo_change *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * repo_check(r, tip, e):
 * Can the branch be read with these credentials?  Stores its tip.  Touches
 * neither the clone nor the recorded status.
 */
int	 repo_check(struct repo *, char tip[REPO_REV], struct err *)
	    __attribute__((warn_unused_result));

/* HEAD of the clone without starting a process; -1 if there is none. */
int	 repo_head(const struct repo *, char rev[REPO_REV]);

/* Where the flake's lock file is in the repository: "flake.lock" or below
   the configured subdir. */
const char *repo_lock_path(const struct repo *);

/* Why the last call failed; REPO_FAIL_NONE after a success. */
enum repo_fail repo_last_fail(const struct repo *);

/* "host_key" and so on; the text for people is in the struct err. */
const char *repo_fail_name(enum repo_fail);

/**
 * repo_status(r, out, e):
 * What is there and how it went, also from an earlier process, without the
 * lock.  Counts the bytes on disk: not for a loop.  repo_status_free.
 */
int	 repo_status(const struct repo *, struct repo_status *, struct err *)
	    __attribute__((warn_unused_result));
void	 repo_status_free(struct repo_status *);

/**
 * repo_log(r, from, to, max, cb, cookie, e):
 * Call ${cb} for at most ${max} commits that ${to} has and ${from} has not,
 * newest first.  NULL ${to}: HEAD; NULL ${from}: from the beginning.  A
 * revision that the clone does not know is ERR_NOTFOUND.
 */
int	 repo_log(struct repo *, const char *from, const char *to, int max,
	    void (*cb)(void *, const struct repo_commit *), void *cookie,
	    struct err *) __attribute__((warn_unused_result));

/* Number of commits that ${to} has and ${from} has not; -1 as repo_log. */
int64_t	 repo_count(struct repo *, const char *from, const char *to,
	    struct err *);

/**
 * repo_show(r, rev, path, max, out, e):
 * Append the file ${path} as of ${rev} (NULL: HEAD).  ERR_NOTFOUND if it or
 * the revision is not there; more than ${max} bytes is ERR_INPUT.
 */
int	 repo_show(struct repo *, const char *rev, const char *path, size_t max,
	    struct buf *, struct err *) __attribute__((warn_unused_result));

/**
 * repo_askpass_wanted():
 * Did git start this program to be given a password?  A program that opens a
 * repository with a token calls this first in main and, if true, returns
 * repo_askpass_main.
 */
bool	 repo_askpass_wanted(void);

/**
 * repo_askpass_main(argc, argv):
 * Answer git's prompt: the token goes only to the configured host, and only
 * over https or to this machine.  Returns the exit status.
 */
int	 repo_askpass_main(int argc, char **argv);

#endif
