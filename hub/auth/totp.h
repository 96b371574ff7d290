#ifndef TOTP_H
#define TOTP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Time-based one-time passwords, RFC 6238: SHA-1, 6 digits, 30 seconds. */
#define TOTP_STEP 30
#define TOTP_SECRET_MAX 128

struct totp {
	unsigned char secret[TOTP_SECRET_MAX];
	size_t len;
	int64_t used;		/* the newest step whose code was used */
};

/**
 * totp_init(t, text, e):
 * From a base32 secret (RFC 4648, any case, blanks, '-' and '=' skipped).
 * Less than 10 bytes is ERR_INPUT.
 */
int	 totp_init(struct totp *, const char *text, struct err *)
	    __attribute__((warn_unused_result));
/* Wipe. */
void	 totp_done(struct totp *);

/* The code of ${digits} (6 to 8) digits of step ${step}, as a number. */
uint32_t totp_code(const struct totp *, int64_t step, int digits);

/**
 * totp_check(t, code, now_s):
 * Is ${code} the one of the step of ${now_s}, or of the one before or after,
 * and was no code of that step or a later one used yet?  1 uses it up; else
 * 0.
 */
int	 totp_check(struct totp *, const char *code, int64_t now_s);

#endif
