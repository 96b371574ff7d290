#ifndef HANDLE_H
#define HANDLE_H

#include "remote.h"
#include "repo.h"

/* Local work of git that needs no network gives up after this (ms). */
#define HANDLE_LOCAL_MS (15 * 60 * 1000)
#define HANDLE_FETCH_MS (120 * 1000)

/* The inside of the handle; only the files of repo/ look at it. */
struct repo {
	char *url, *branch, *dir, *state_dir;
	char *ssh_key, *known_hosts, *token_file, *askpass, *legacy_dir;
	char *commit_name, *commit_email, *signing_key;
	char *subdir, *seed;
	char *lock_path;	/* of flake.lock in the repository */
	char *signers, *gpg_keys;	/* files; NULL: not checked */
	bool ff_only;
	bool submodules;
	bool sha256;		/* names where there is no branch yet */
	int depth;
	int64_t net_ms, local_ms;	/* limits of one run of git */
	int64_t upkeep_s, upkeep_ms;
	int stop_fd;
	void (*on_line)(void *, enum proc_stream, const char *, size_t);
	void (*on_note)(void *, const char *);
	void *cookie;

	struct remote remote;
	char *home;		/* STATE_DIR/git: our files beside the clone */
	char *fresh, *old;	/* DIR.new, DIR.old */
	char *tracking;		/* refs/remotes/origin/BRANCH */
	char *refspec;		/* what a fetch asks for */
	int nix_syntax;		/* 0: not asked yet */
	bool unasked;		/* the operation needed no server */
	enum repo_fail fail;
	char refused[REPO_REV];	/* the revision that trust.c refused; "" */
};

#endif
