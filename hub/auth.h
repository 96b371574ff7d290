#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct auth;
struct hub;

/*
 * Who may use the hub's HTTP API.  Loop thread; passwords are checked in the
 * uv thread pool.
 */

/* A session; its token is known to nobody but the caller, we keep a hash. */
struct auth_session {
	char hash[65];
	char csrf_token[44];		/* URL-safe base64 */
	int64_t created_at, expires_at;	/* ms since 1970 */
};

/**
 * auth_new(hub, out, e):
 * Load sessions and secrets (before store_start).  Without a password hash
 * in the settings or the store, one is made: *${printed} is then the new
 * password that the program prints once (the caller wipes and frees it with
 * str_wipefree), else NULL; its hash is in DATA_DIR/password_hash, 0600.
 */
int	 auth_new(struct hub *, struct auth **, char **printed, struct err *)
	    __attribute__((warn_unused_result));
void	 auth_free(struct auth **);

enum auth_result {
	AUTH_OK, AUTH_BAD_PASSWORD, AUTH_BAD_TOTP, AUTH_TOO_MANY, AUTH_BUSY
};

/**
 * auth_login(a, addr, password, totp, done, cookie):
 * ${addr} is the real peer's address (the rate limit's key).  ${done} runs
 * once on the loop, never inside: with AUTH_OK the session and its token
 * (URL-safe base64 of 32 bytes, 43 characters), valid during the call.
 * ${totp} may be NULL.
 */
typedef void auth_done(void *cookie, enum auth_result,
	    const struct auth_session *, const char *token);
void	 auth_login(struct auth *, const char *addr, const char *password,
	    const char *totp, auth_done *, void *cookie);

/* The session of a token, or NULL: unknown or over. */
const struct auth_session *auth_session(struct auth *, const char *token);
void	 auth_logout(struct auth *, const char *token);

/* Is ${sent} the session's CSRF token?  Constant time; NULL is not. */
bool	 auth_csrf(const struct auth_session *, const char *sent);

/* Is a TOTP secret configured? */
bool	 auth_totp_on(const struct auth *);

/**
 * auth_totp(a, session, code):
 * AUTH_OK: it is a code of now, ±1 step, not used before, and used up by
 * this.  AUTH_TOO_MANY: the session has shown too many wrong ones.
 */
enum auth_result auth_totp(struct auth *, const struct auth_session *,
	    const char *code);

/**
 * auth_reboot_allowed(a, host_id):
 * Count one reboot of the host; false beyond 5 in an hour (then not counted).
 */
bool	 auth_reboot_allowed(struct auth *, const char *host_id);

/* Drop sessions that are over.  Called each minute. */
void	 auth_sweep(struct auth *);

#endif
