#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "http_proxy.h"
#include "hubcheck.h"
#include "listener.h"
#include "mirror.h"
#include "password.h"
#include "repo.h"
#include "rnd.h"
#include "settings.h"
#include "str.h"

static int
check_listen(const struct settings *s, char *note, size_t len, struct err *e)
{
	const char *where = settings_str(s, SET_LISTEN);

	snprintf(note, len, "%s is free", where);
	if (listener_try(where, e) == -1)
		return (err_wrap(e, "NIXFLEET_LISTEN"));
	return (0);
}

static int
check_proxies(const struct settings *s, char *note, size_t len, struct err *e)
{
	const char *text = settings_str(s, SET_TRUSTED_PROXIES);
	struct http_proxies *p;

	snprintf(note, len, "%s", text == NULL ? "none: forwarded headers "
	    "are ignored" : text);
	if (http_proxy_parse(text, &p, e) == -1)
		return (-1);
	http_proxy_free(&p);
	return (0);
}

int
hubcheck_tls(const char *cert, const char *key, struct err *e)
{
	SSL_CTX *ctx;
	int rc = 0;

	if (cert == NULL && key == NULL)
		return (0);
	if (cert == NULL || key == NULL)
		return (err_set(e, ERR_INPUT, "NIXFLEET_TLS_CERT and "
		    "NIXFLEET_TLS_KEY are wanted together"));
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL)
		return (err_set(e, ERR_SYS, "OpenSSL cannot start"));
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		rc = err_set(e, ERR_INPUT, "NIXFLEET_TLS_CERT=%s: not a "
		    "readable PEM certificate", cert);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key,
	    SSL_FILETYPE_PEM) != 1)
		rc = err_set(e, ERR_INPUT, "NIXFLEET_TLS_KEY=%s: not a "
		    "readable PEM key, or not the one of %s", key, cert);
	SSL_CTX_free(ctx);
	return (rc);
}

static int
check_tls(const struct settings *s, char *note, size_t len, struct err *e)
{
	const char *cert = settings_str(s, SET_TLS_CERT);

	snprintf(note, len, "%s", cert == NULL ? "off: use it on this "
	    "machine or behind a proxy only" :
	    "certificate and key fit together");
	return (hubcheck_tls(cert, settings_str(s, SET_TLS_KEY), e));
}

static int
check_data(const struct settings *s, char *note, size_t len, struct err *e)
{
	const char *dir = settings_str(s, SET_DATA_DIR);

	snprintf(note, len, "%s", dir);
	if (file_try_dir(dir, e) == -1)
		return (err_wrap(e, "NIXFLEET_DATA_DIR=%s cannot be written "
		    "by this user", dir));
	return (0);
}

/* Look at the branch without leaving anything behind. */
static int
check_repo(const struct settings *s, char *note, size_t len, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *word, *state, *dir, tip[REPO_REV];
	struct repo_conf conf;
	struct repo *r = NULL;
	int rc = -1;

	snprintf(note, len, "none: hosts are not compared with a branch");
	if (settings_str(s, SET_REPO_URL) == NULL)
		return (0);
	word = rnd_token(6);
	state = str_printf("%s/nixfleet-check-%s", tmp != NULL ? tmp : "/tmp",
	    word);
	dir = file_join(state, "repo");
	mirror_conf(s, state, dir, &conf);
	if (file_mkdirs(state, 0700, e) == 0 && repo_open(&conf, &r, e) == 0)
		rc = repo_check(r, tip, e);
	if (rc == -1)
		err_wrap(e, "NIXFLEET_REPO_URL=%s", conf.url);
	else
		snprintf(note, len, "%s, branch %s is at %.12s", conf.url,
		    conf.branch, tip);
	repo_free(&r);
	(void)!file_rmtree(state, NULL);
	free(dir);
	free(state);
	free(word);
	return (rc);
}

/* A secret, or its absence with the words of ${without}. */
static int
check_secret(const struct settings *s, enum setting value, enum setting file,
    const char *without, char *note, size_t len, struct err *e)
{
	char *secret;

	if (settings_secret(s, value, file, &secret, e) == -1)
		return (-1);
	snprintf(note, len, "%s", secret == NULL ? without : "set");
	str_wipefree(&secret);
	return (0);
}

static int
check_token(const struct settings *s, char *note, size_t len, struct err *e)
{
	return (check_secret(s, SET_AGENT_TOKEN, SET_AGENT_TOKEN_FILE,
	    "not set: no new host can enrol", note, len, e));
}

static int
check_password(const struct settings *s, char *note, size_t len,
    struct err *e)
{
	char *hash;
	int rc = 0;

	if (settings_secret(s, SET_PASSWORD_HASH, SET_PASSWORD_HASH_FILE,
	    &hash, e) == -1)
		return (-1);
	snprintf(note, len, "%s", hash == NULL ? "not set: the first start "
	    "makes one and prints it" : "its hash is set");
	if (hash != NULL)
		rc = password_hash_check(hash, e);
	str_wipefree(&hash);
	return (rc);
}

static int
check_totp(const struct settings *s, char *note, size_t len, struct err *e)
{
	return (check_secret(s, SET_TOTP_SECRET, SET_TOTP_SECRET_FILE,
	    "not set: reboots cannot be asked for", note, len, e));
}

static const struct {
	const char *name;
	int (*check)(const struct settings *, char *, size_t, struct err *);
} checks[] = {
	{ "listen address", check_listen },
	{ "TLS", check_tls },
	{ "trusted proxies", check_proxies },
	{ "data directory", check_data },
	{ "repository", check_repo },
	{ "token of agents", check_token },
	{ "password", check_password },
	{ "one-time codes", check_totp },
};

int
hubcheck_run(const struct settings *s, FILE *f)
{
	const char *const *w;
	char note[1200];
	struct err e;
	size_t i;
	int bad = 0;

	settings_explain(s, f);
	for (w = settings_warnings(s); *w != NULL; w++)
		fprintf(f, "warning: %s\n", *w);
	fputc('\n', f);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].check(s, note, sizeof(note), &e) == -1) {
			fprintf(f, "WRONG  %s: %s\n", checks[i].name, e.text);
			bad = 1;
		} else
			fprintf(f, "ok     %s: %s\n", checks[i].name, note);
	}
	return (bad);
}
