#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "eventlog.h"
#include "file.h"
#include "hub.h"
#include "identity.h"
#include "password.h"
#include "ratelimit.h"
#include "rnd.h"
#include "str.h"
#include "strmap.h"
#include "tick.h"
#include "totp.h"

/* Password checks at a time: each costs a processor for a while. */
#define MAX_LOGINS 8
#define MAX_ADDRS 1024
#define REBOOTS 5
/* One-time codes that one session may try before it shows a right one. */
#define CODES 10
#define CODES_MS 600000
#define HOUR_MS 3600000

struct auth {
	struct hub *hub;
	char *hash;			/* of the password */
	struct totp totp;		/* len 0: none */
	struct ratelimit *logins, *reboots, *codes;
	struct strmap sessions;		/* by hash */
	int64_t duration_ms;
	int pending;
	bool closed;			/* freed with the last login */
	struct eventlog_quota wrong;	/* logins that failed */
};

struct login {
	uv_work_t work;
	struct auth *auth;
	char *addr, *password, *totp, *hash;
	bool right;
	enum auth_result early;		/* without a hash: why not even tried */
	auth_done *done;
	void *cookie;
};

/* The first start: make a password, keep its hash. */
static int
first_password(struct auth *a, const char *path, char **printed, struct err *e)
{
	char *password = password_make(), *line = NULL;
	int rc = -1;

	if ((a->hash = password_hash(password, e)) == NULL)
		goto out;
	line = str_printf("%s\n", a->hash);
	if (file_write(path, line, strlen(line), 0600, e) == -1)
		goto out;
	*printed = password;
	password = NULL;
	rc = 0;
out:
	free(line);
	str_wipefree(&password);
	return (rc);
}

static int
load_hash(struct auth *a, char **printed, struct err *e)
{
	char *path = file_join(a->hub->data_dir, "password_hash");
	struct buf text = { 0 };
	int rc = -1;

	if (settings_secret(a->hub->settings, SET_PASSWORD_HASH,
	    SET_PASSWORD_HASH_FILE, &a->hash, e) == -1)
		goto out;
	if (a->hash == NULL && !file_exists(path)) {
		rc = first_password(a, path, printed, e);
		goto out;
	}
	if (a->hash == NULL) {
		if (file_read(path, 1024, &text, e) == -1)
			goto out;
		a->hash = str_dup(text.data != NULL ? str_trim(text.data) : "");
		if ((rc = password_hash_check(a->hash, e)) == -1)
			err_wrap(e, "%s (remove the file for a new password)",
			    path);
		goto out;
	}
	if ((rc = password_hash_check(a->hash, e)) == -1)
		err_wrap(e, "NIXFLEET_PASSWORD_HASH");
out:
	buf_free(&text);
	free(path);
	return (rc);
}

static int
load_totp(struct auth *a, struct err *e)
{
	char *secret = NULL;
	int rc = 0;

	if (settings_secret(a->hub->settings, SET_TOTP_SECRET,
	    SET_TOTP_SECRET_FILE, &secret, e) == -1)
		return (-1);
	if (secret != NULL &&
	    (rc = totp_init(&a->totp, secret, e)) == -1) {
		totp_done(&a->totp);
		err_wrap(e, "NIXFLEET_TOTP_SECRET");
	}
	str_wipefree(&secret);
	return (rc);
}

static int
on_session(void *cookie, const void *row)
{
	const struct store_session *r = row;
	struct auth *a = cookie;
	struct auth_session *s;

	if (r->expires_at <= tick_wall() || r->csrf_token == NULL)
		return (0);
	s = str_alloc(sizeof(*s));
	snprintf(s->hash, sizeof(s->hash), "%s", r->hash);
	snprintf(s->csrf_token, sizeof(s->csrf_token), "%s", r->csrf_token);
	s->created_at = r->created_at;
	s->expires_at = r->expires_at;
	strmap_put(&a->sessions, s->hash, s);
	return (0);
}

static void
auth_destroy(struct auth *a)
{
	for (size_t i = 0; i < a->sessions.size; i++)
		free(a->sessions.slots[i].value);
	strmap_done(&a->sessions);
	ratelimit_free(&a->logins);
	ratelimit_free(&a->reboots);
	ratelimit_free(&a->codes);
	str_wipefree(&a->hash);
	totp_done(&a->totp);
	free(a);
}

int
auth_new(struct hub *hub, struct auth **out, char **printed, struct err *e)
{
	const struct store_query q = { .table = STORE_SESSION };
	const struct settings *s = hub->settings;
	struct auth *a = str_alloc(sizeof(*a));

	a->hub = hub;
	*printed = NULL;
	a->duration_ms = settings_int(s, SET_SESSION_DURATION) * 1000;
	a->logins = ratelimit_new((size_t)settings_int(s, SET_RATE_LIMIT),
	    settings_int(s, SET_RATE_WINDOW) * 1000, MAX_ADDRS);
	a->reboots = ratelimit_new(REBOOTS, HOUR_MS, MAX_ADDRS);
	a->codes = ratelimit_new(CODES, CODES_MS, MAX_ADDRS);
	if (load_totp(a, e) == -1 || load_hash(a, printed, e) == -1 ||
	    store_load(hub->store, &q, on_session, a, e) == -1) {
		auth_destroy(a);
		return (-1);
	}
	*out = a;
	return (0);
}

void
auth_free(struct auth **ap)
{
	struct auth *a = *ap;

	if (a == NULL)
		return;
	*ap = NULL;
	a->closed = true;
	if (a->pending == 0)
		auth_destroy(a);
}

static struct auth_session *
session_make(struct auth *a, char **token)
{
	struct auth_session *s = str_alloc(sizeof(*s));
	struct store_session row = { 0 };
	char *csrf = rnd_token(32);

	*token = rnd_token(32);
	identity_hash(*token, s->hash);
	snprintf(s->csrf_token, sizeof(s->csrf_token), "%s", csrf);
	str_wipefree(&csrf);
	s->created_at = tick_wall();
	s->expires_at = s->created_at + a->duration_ms;
	strmap_put(&a->sessions, s->hash, s);
	row.hash = s->hash;
	row.csrf_token = s->csrf_token;
	row.created_at = s->created_at;
	row.expires_at = s->expires_at;
	store_put(a->hub->store, STORE_SESSION, &row, 1, NULL, NULL);
	return (s);
}

static void
audit(struct auth *a, const struct login *l, enum auth_result r)
{
	struct eventlog_entry en = { .category = "auth", .action = "login",
	    .level = r == AUTH_OK ? "success" : "warning",
	    .actor = r == AUTH_OK ? "operator" : NULL,
	    .quota = r == AUTH_OK ? NULL : &a->wrong };

	switch (r) {
	case AUTH_OK:
		eventlog_add(a->hub->events, &en, "Logged in from %s", l->addr);
		break;
	case AUTH_BAD_PASSWORD:
		eventlog_add(a->hub->events, &en, "Wrong password from %s",
		    l->addr);
		break;
	case AUTH_BAD_TOTP:
		eventlog_add(a->hub->events, &en, "Wrong TOTP code from %s",
		    l->addr);
		break;
	case AUTH_TOO_MANY:
	case AUTH_BUSY:
		/* Whoever floods must not fill the log. */
		break;
	}
}

static void
login_free(struct login *l)
{
	free(l->addr);
	free(l->hash);
	str_wipefree(&l->password);
	str_wipefree(&l->totp);
	free(l);
}

/* A stranger with IPv6 has a whole /64 of addresses. */
static void
limit_key(const char *addr, char out[INET6_ADDRSTRLEN])
{
	unsigned char a[16];

	if (inet_pton(AF_INET6, addr, a) != 1) {
		snprintf(out, INET6_ADDRSTRLEN, "%s", addr);
		return;
	}
	memset(a + 8, 0, 8);
	inet_ntop(AF_INET6, a, out, INET6_ADDRSTRLEN);
}

static void
login_end(struct login *l, enum auth_result r)
{
	struct auth *a = l->auth;
	const struct auth_session *s = NULL;
	char *token = NULL, key[INET6_ADDRSTRLEN];

	if (r == AUTH_OK) {
		limit_key(l->addr, key);
		ratelimit_reset(a->logins, key);
		s = session_make(a, &token);
	}
	audit(a, l, r);
	l->done(l->cookie, r, s, token);
	str_wipefree(&token);
}

/* Thread pool. */
static void
on_work(uv_work_t *w)
{
	struct login *l = w->data;

	if (l->hash != NULL)
		l->right = password_verify(l->password, l->hash);
}

/* It is used up by this. */
static bool
right_code(struct auth *a, const char *code)
{
	return (totp_check(&a->totp, code, tick_wall() / 1000));
}

static void
on_worked(uv_work_t *w, int status)
{
	struct login *l = w->data;
	struct auth *a = l->auth;

	a->pending--;
	if (a->closed || status != 0) {
		if (!a->closed)
			login_end(l, AUTH_BUSY);
		else if (a->pending == 0)
			auth_destroy(a);
	} else if (l->hash == NULL) {
		login_end(l, l->early);
	} else if (!l->right) {
		login_end(l, AUTH_BAD_PASSWORD);
	} else if (a->totp.len > 0 && !right_code(a, l->totp)) {
		login_end(l, AUTH_BAD_TOTP);
	} else {
		login_end(l, AUTH_OK);
	}
	login_free(l);
}

void
auth_login(struct auth *a, const char *addr, const char *password,
    const char *totp, auth_done *done, void *cookie)
{
	struct login *l = str_alloc(sizeof(*l));
	char key[INET6_ADDRSTRLEN];

	limit_key(addr, key);
	l->work.data = l;
	l->auth = a;
	l->addr = str_dup(addr);
	l->password = str_dup(password != NULL ? password : "");
	l->totp = str_dup(totp);
	l->done = done;
	l->cookie = cookie;
	if (a->pending >= MAX_LOGINS)
		l->early = AUTH_BUSY;
	else if (!ratelimit_take(a->logins, key, tick_mono()))
		l->early = AUTH_TOO_MANY;
	else
		l->hash = str_dup(a->hash);
	a->pending++;
	if (uv_queue_work(a->hub->loop, &l->work, on_work, on_worked) != 0)
		abort();
}

const struct auth_session *
auth_session(struct auth *a, const char *token)
{
	const struct auth_session *s;
	char hash[65];

	if (token == NULL)
		return (NULL);
	identity_hash(token, hash);
	s = strmap_get(&a->sessions, hash);
	return (s != NULL && s->expires_at > tick_wall() ? s : NULL);
}

static void
session_drop(struct auth *a, struct auth_session *s)
{
	strmap_del(&a->sessions, s->hash);
	store_drop(a->hub->store, STORE_SESSION, s->hash, NULL, NULL);
	str_wipe(s, sizeof(*s));
	free(s);
}

void
auth_logout(struct auth *a, const char *token)
{
	struct auth_session *s;
	char hash[65];

	if (token == NULL)
		return;
	identity_hash(token, hash);
	if ((s = strmap_get(&a->sessions, hash)) != NULL)
		session_drop(a, s);
}

bool
auth_csrf(const struct auth_session *s, const char *sent)
{
	return (sent != NULL && str_secret_eq(s->csrf_token, sent));
}

bool
auth_totp_on(const struct auth *a)
{
	return (a->totp.len > 0);
}

enum auth_result
auth_totp(struct auth *a, const struct auth_session *s, const char *code)
{
	if (code == NULL || a->totp.len == 0)
		return (AUTH_BAD_TOTP);
	if (!ratelimit_take(a->codes, s->hash, tick_mono()))
		return (AUTH_TOO_MANY);
	if (!right_code(a, code))
		return (AUTH_BAD_TOTP);
	ratelimit_reset(a->codes, s->hash);
	return (AUTH_OK);
}

bool
auth_reboot_allowed(struct auth *a, const char *host_id)
{
	return (ratelimit_take(a->reboots, host_id, tick_mono()));
}

void
auth_sweep(struct auth *a)
{
	int64_t now = tick_wall();

	for (size_t i = 0; i < a->sessions.size;) {
		struct auth_session *s = a->sessions.slots[i].value;

		/* Dropping moves others into this slot. */
		if (s != NULL && s->expires_at <= now)
			session_drop(a, s);
		else
			i++;
	}
}
