#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "str.h"
#include "tls_trust.h"

#define PIN_LEN 32	/* SHA-256 */
#define PIN_PREFIX "sha256//"
#define PIN_FILE_MAX (256 * 1024)

struct tls_trust {
	SSL_CTX *ctx;
	unsigned char (*pins)[PIN_LEN];
	size_t npins;
	char failure[256];
};

/* The reason of the newest failure in OpenSSL's queue, which is emptied. */
static const char *
openssl_reason(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return (why != NULL ? why : "not readable");
}

static void
add_pin(struct tls_trust *t, const unsigned char pin[PIN_LEN])
{
	t->pins = realloc(t->pins, (t->npins + 1) * sizeof(t->pins[0]));
	if (t->pins == NULL)
		abort();
	memcpy(t->pins[t->npins++], pin, PIN_LEN);
}

/* SHA-256 of a public key in DER (SubjectPublicKeyInfo). */
static int
hash_key(X509_PUBKEY *key, unsigned char out[PIN_LEN])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(key, &der), rc = -1;

	if (n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(),
	    NULL) == 1)
		rc = 0;
	OPENSSL_free(der);
	return (rc);
}

/* "BASE64" of exactly one SHA-256, ${n} characters. */
static int
add_hash(struct tls_trust *t, const char *b64, size_t n, struct err *e)
{
	unsigned char pin[36];

	/* 32 bytes are 43 characters and one '='. */
	if (n != 44 || b64[43] != '=' || b64[42] == '=' ||
	    EVP_DecodeBlock(pin, (const unsigned char *)b64, 44) != 33)
		return (err_set(e, ERR_INPUT, "pinned public key "
		    "\"" PIN_PREFIX "%.*s\" must be 44 characters of base64",
		    (int)n, b64));
	add_pin(t, pin);
	return (0);
}

static int
add_hashes(struct tls_trust *t, const char *s, struct err *e)
{
	size_t n;

	for (;; s += n + 1) {
		n = strcspn(s, ";");
		if (n < strlen(PIN_PREFIX) || !str_prefix(s, PIN_PREFIX))
			return (err_set(e, ERR_INPUT, "pinned public key "
			    "\"%.*s\" must begin with " PIN_PREFIX, (int)n, s));
		if (add_hash(t, s + strlen(PIN_PREFIX), n - strlen(PIN_PREFIX),
		    e) == -1)
			return (-1);
		if (s[n] == '\0')
			return (0);
	}
}

static int
hash_pkey(EVP_PKEY *pkey, unsigned char pin[PIN_LEN])
{
	X509_PUBKEY *key = NULL;
	int rc = X509_PUBKEY_set(&key, pkey) == 1 ? hash_key(key, pin) : -1;

	X509_PUBKEY_free(key);
	EVP_PKEY_free(pkey);
	return (rc);
}

/*
 * The pin of a certificate's or a bare public key, in PEM or DER.  The key is
 * hashed where it is: X509_PUBKEY_dup() of OpenSSL 3.0 changes the encoding of
 * every second one.
 */
static int
hash_file(const struct buf *b, unsigned char pin[PIN_LEN])
{
	const unsigned char *p = (const unsigned char *)b->data;
	BIO *bio = BIO_new_mem_buf(b->data, (int)b->len);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *pkey = NULL;
	int rc = -1;

	if (cert == NULL)
		cert = d2i_X509(NULL, &p, (long)b->len);
	(void)BIO_reset(bio);
	p = (const unsigned char *)b->data;
	if (cert != NULL)
		rc = hash_key(X509_get_X509_PUBKEY(cert), pin);
	else if ((pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL ||
	    (pkey = d2i_PUBKEY(NULL, &p, (long)b->len)) != NULL)
		rc = hash_pkey(pkey, pin);
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return (rc);
}

static int
add_key_file(struct tls_trust *t, const char *path, struct err *e)
{
	struct buf b = { 0 };
	unsigned char pin[PIN_LEN];
	int rc = -1;

	if (file_read(path, PIN_FILE_MAX, &b, e) == -1)
		err_wrap(e, "pinned public key (NIXFLEET_PINNED_PUBKEY)");
	else if (b.len == 0 || hash_file(&b, pin) == -1)
		err_set(e, ERR_INPUT, "pinned public key: %s holds neither a "
		    "public key nor a certificate (PEM or DER)", path);
	else {
		add_pin(t, pin);
		rc = 0;
	}
	buf_free(&b);
	return (rc);
}

static bool
is_pinned(const struct tls_trust *t, X509 *cert)
{
	unsigned char pin[PIN_LEN];

	if (cert == NULL || hash_key(X509_get_X509_PUBKEY(cert), pin) == -1)
		return (false);
	for (size_t i = 0; i < t->npins; i++)
		if (memcmp(pin, t->pins[i], PIN_LEN) == 0)
			return (true);
	return (false);
}

/* Takes the place of OpenSSL's own verification of the server's chain. */
static int
on_verify(X509_STORE_CTX *store, void *cookie)
{
	struct tls_trust *t = cookie;
	const char *why;

	t->failure[0] = '\0';
	if (X509_verify_cert(store) != 1) {
		why = X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(store));
	} else if (t->npins > 0 &&
	    !is_pinned(t, X509_STORE_CTX_get0_cert(store))) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		why = "its public key is not the pinned one";
	} else
		return (1);
	snprintf(t->failure, sizeof(t->failure), "%s", why);
	return (0);
}

static int
add_authorities(SSL_CTX *ctx, const char *ca_file, struct err *e)
{

	if (SSL_CTX_load_verify_file(ctx, ca_file) == 1)
		return (0);
	return (err_set(e, ERR_INPUT, "CA file %s: %s", ca_file,
	    openssl_reason()));
}

static SSL_CTX *
new_context(const char *ca_file, struct tls_trust *t, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL) {
		err_set(e, ERR_SYS, "TLS: %s", openssl_reason());
		return (NULL);
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, t);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (ca_file == NULL) {
		SSL_CTX_set_default_verify_paths(ctx);
		ERR_clear_error();
	} else if (add_authorities(ctx, ca_file, e) == -1) {
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

int
tls_trust_load(const char *ca_file, const char *pins, struct tls_trust **out,
    struct err *e)
{
	struct tls_trust *t = str_alloc(sizeof(*t));
	int rc = 0;

	if (pins != NULL)
		rc = str_prefix(pins, PIN_PREFIX) ? add_hashes(t, pins, e) :
		    add_key_file(t, pins, e);
	if (rc == -1 || (t->ctx = new_context(ca_file, t, e)) == NULL) {
		tls_trust_free(&t);
		return (-1);
	}
	*out = t;
	return (0);
}

int
tls_trust_also(struct tls_trust *t, const char *ca_file, struct err *e)
{

	return (add_authorities(t->ctx, ca_file, e));
}

void
tls_trust_apply(struct tls_trust *t, struct lws_context_creation_info *info)
{
	info->provided_client_ssl_ctx = t != NULL ? t->ctx : NULL;
}

const char *
tls_trust_failure(const struct tls_trust *t)
{
	return (t->failure[0] != '\0' ? t->failure : NULL);
}

void
tls_trust_free(struct tls_trust **tp)
{
	struct tls_trust *t = *tp;

	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t->pins);
	free(t);
	*tp = NULL;
}
