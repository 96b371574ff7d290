#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/*
 * Length of the sequence at ${p}: 0 if it is not valid.  The bounds of the
 * second byte keep out overlong forms, surrogates and what is above U+10FFFF
 * (RFC 3629, section 4).
 */
static size_t
sequence(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return (p[0] != 0);
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return (0);
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return (0);
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return (0);
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	return (len);
}

/* Length of the valid text at the start of [p, p+n). */
static size_t
span(const char *p, size_t n)
{
	size_t at = 0, len;

	while (at < n) {
		len = sequence((const unsigned char *)p + at, n - at);
		if (len == 0)
			break;
		at += len;
	}
	return (at);
}

bool
utf8_valid(const char *p, size_t n)
{
	return (span(p, n) == n);
}

void
utf8_clean(struct buf *out, const char *p, size_t n)
{
	size_t good;

	while (n > 0) {
		good = span(p, n);
		buf_add(out, p, good);
		p += good;
		n -= good;
		if (n > 0) {
			buf_adds(out, REPLACEMENT);
			p++;
			n--;
		}
	}
}
