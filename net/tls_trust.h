#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include <libwebsockets.h>

#include "err.h"

/*
 * Whom a client believes to be the server: certificates signed by the
 * system's authorities, or only by those of a CA file; and, if pinned, only
 * one whose public key is among the pins.  Names are always checked, TLS is
 * 1.2 or newer.
 */
struct tls_trust;

/**
 * tls_trust_load(ca_file, pins, out, e):
 * ${ca_file}: PEM file that takes the place of the system's store, or NULL.
 * ${pins}: curl's syntax, "sha256//BASE64" several of them joined with ';',
 * or the name of a PEM or DER file with a public key or a certificate; or
 * NULL.  The files are read now; -1 says which is wrong and why.
 */
int	 tls_trust_load(const char *ca_file, const char *pins,
	    struct tls_trust **, struct err *)
	    __attribute__((warn_unused_result));

/**
 * tls_trust_also(trust, ca_file, e):
 * Believe those as well whom an authority of the PEM file ${ca_file} signed.
 */
int	 tls_trust_also(struct tls_trust *, const char *ca_file, struct err *)
	    __attribute__((warn_unused_result));

/**
 * tls_trust_apply(trust, info):
 * Make the clients of the lws context (or vhost) that ${info} describes trust
 * accordingly.  ${trust} must live as long as the context; NULL: no TLS.
 */
void	 tls_trust_apply(struct tls_trust *,
	    struct lws_context_creation_info *);

/**
 * tls_trust_failure(trust):
 * Why the server's certificate was not believed in the last handshake
 * ("hostname mismatch", "its public key is not the pinned one"), or NULL if it
 * was.
 */
const char *tls_trust_failure(const struct tls_trust *);

void	 tls_trust_free(struct tls_trust **);

#endif
