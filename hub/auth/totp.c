#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "totp.h"

/* 0 … 31; -1: to be skipped; -2: no base32 at all. */
static int
base32_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a');
	if (c >= '2' && c <= '7')
		return (c - '2' + 26);
	return (c == ' ' || c == '-' || c == '=' ? -1 : -2);
}

int
totp_init(struct totp *t, const char *text, struct err *e)
{
	uint32_t acc = 0;
	int bits = 0, v;

	memset(t, 0, sizeof(*t));
	for (; *text != '\0'; text++) {
		if ((v = base32_value(*text)) == -1)
			continue;
		if (v == -2)
			return (err_set(e, ERR_INPUT,
			    "the TOTP secret must be base32: A-Z and 2-7"));
		acc = (acc << 5 | (uint32_t)v) & 0xfff;
		bits += 5;
		if (bits < 8)
			continue;
		bits -= 8;
		if (t->len == TOTP_SECRET_MAX)
			return (err_set(e, ERR_INPUT,
			    "the TOTP secret is longer than %d bytes",
			    TOTP_SECRET_MAX));
		t->secret[t->len++] = (unsigned char)(acc >> bits);
	}
	if (t->len < 10)
		return (err_set(e, ERR_INPUT, "the TOTP secret has only %zu "
		    "bytes; it must have at least 10 (16 characters)", t->len));
	return (0);
}

void
totp_done(struct totp *t)
{
	str_wipe(t, sizeof(*t));
}

uint32_t
totp_code(const struct totp *t, int64_t step, int digits)
{
	unsigned char msg[8], mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0, at;
	uint32_t v, mod = 1;

	for (int i = 0; i < 8; i++)
		msg[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	if (HMAC(EVP_sha1(), t->secret, (int)t->len, msg, sizeof(msg), mac,
	    &len) == NULL || len != 20)
		return (UINT32_MAX);
	at = mac[19] & 0xf;
	v = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
	    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	while (digits-- > 0)
		mod *= 10;
	return (v % mod);
}

int
totp_check(struct totp *t, const char *code, int64_t now_s)
{
	int64_t step = now_s / TOTP_STEP, found = -1;
	char want[8];

	if (code == NULL || strlen(code) != 6)
		return (0);
	for (int64_t s = step - 1; s <= step + 1; s++) {
		snprintf(want, sizeof(want), "%06u", totp_code(t, s, 6));
		if (str_secret_eq(want, code) && s > t->used)
			found = s;
	}
	if (found == -1)
		return (0);
	t->used = found;
	return (1);
}
