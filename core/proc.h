#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

enum proc_stream { PROC_OUT, PROC_ERR };

/* A line of output is handed on in pieces of at most this many bytes. */
#define PROC_LINE_MAX 8192

/* Time between SIGTERM and SIGKILL of a child's group, milliseconds. */
#define PROC_GRACE 5000

#define PROC_QUIET 300

struct proc_spec {
	const char *const *argv;	/* argv[0] is looked up in env's PATH */
	const char *const *env;		/* all of it, NULL-terminated */
	const char *cwd;		/* NULL: unchanged */
	const void *input;		/* fed to its stdin; NULL: /dev/null */
	size_t inputlen;
	int64_t deadline;		/* ms from now, > 0 */
	int stop_fd;			/* readable: stop the child; -1: none */
	size_t keep_out, keep_err;	/* bytes of raw output to keep */
	/*
	 * Every line of both outputs without its newline, as it comes.  May
	 * hold any byte.  NULL: none.
	 */
	void (*on_line)(void *, enum proc_stream, const char *, size_t);
	/* Once when PROC_QUIET ms passed since the last output.  NULL: none. */
	void (*on_quiet)(void *);
	void *cookie;
};

enum proc_end { PROC_EXITED, PROC_SIGNALLED, PROC_TIMEOUT, PROC_STOPPED };

struct proc_result {
	enum proc_end end;
	int code;		/* exit status, or the signal */
	struct buf out, err;	/* first keep_out, last keep_err bytes */
	bool out_cut, err_cut;	/* there was more than that */
	int64_t ms;		/* how long it ran */
};

/**
 * proc_run(spec, res, e):
 * Run a child in its own process group and wait for it.  After the deadline
 * or a stop: SIGTERM to the group, PROC_GRACE, SIGKILL to the group.  Does
 * not wait for grandchildren that keep the pipes open after the child ended
 * (they are killed with the group).  On Linux the child dies with its parent
 * thread.  Safe in any thread.  0 if the child could be started (look at
 * res->end), else -1; ${res} is to be given to proc_result_free either way.
 */
int	 proc_run(const struct proc_spec *, struct proc_result *, struct err *)
	    __attribute__((warn_unused_result));
void	 proc_result_free(struct proc_result *);

/**
 * proc_check(spec, res, e):
 * 0 if ${res} is exit status 0; else -1 with ${e} saying which program ended
 * how, and its last line on stderr (ERR_CHILD, ERR_TIMEOUT, ERR_STOPPED).
 */
int	 proc_check(const struct proc_spec *, const struct proc_result *,
	    struct err *);

/**
 * proc_detach(argv, env, cwd, out_fd, e):
 * Start a program in its own session, not our child any more, stdin from
 * /dev/null, both outputs to ${out_fd}.  Returns its pid, or -1 also when the
 * program could not be executed.
 */
pid_t	 proc_detach(const char *const *argv, const char *const *env,
	    const char *cwd, int out_fd, struct err *);

/**
 * proc_kill_session(sid, sig):
 * Signal every process of session ${sid}.  Returns how many there were.
 */
int	 proc_kill_session(pid_t sid, int sig);

/* The child's environment, built up; all zeroes is empty. */
struct proc_env {
	char **vars;
	size_t n;
};
void	 proc_env_set(struct proc_env *, const char *name, const char *value);
/* Copy ${name} from our own environment if it is there. */
void	 proc_env_keep(struct proc_env *, const char *name);
const char *const *proc_env_get(const struct proc_env *);
void	 proc_env_free(struct proc_env *);

#endif
