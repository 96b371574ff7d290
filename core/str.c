#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define NEAREST_MAX 64

static void *
checked(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return (p);
}

void *
str_alloc(size_t n)
{
	return (checked(calloc(1, n == 0 ? 1 : n)));
}

char *
str_dup(const char *s)
{
	return (s == NULL ? NULL : checked(strdup(s)));
}

char *
str_ndup(const char *s, size_t n)
{
	char *p = str_alloc(n + 1);

	if (n > 0)
		memcpy(p, s, n);
	return (p);
}

char *
str_printf(const char *fmt, ...)
{
	va_list ap;
	char *out = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return (checked(n < 0 ? NULL : out));
}

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == b);
	return (strcmp(a, b) == 0);
}

int
str_order(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

bool
str_prefix(const char *s, const char *prefix)
{
	return (strncmp(s, prefix, strlen(prefix)) == 0);
}

bool
str_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return (n >= m && memcmp(s + n - m, suffix, m) == 0);
}

static bool
is_blank(char c)
{
	return (c == ' ' || (c >= '\t' && c <= '\r'));
}

char *
str_trim(char *s)
{
	size_t n;

	while (is_blank(*s))
		s++;
	n = strlen(s);
	while (n > 0 && is_blank(s[n - 1]))
		n--;
	s[n] = '\0';
	return (s);
}

int
str_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = *s == '-';
	int64_t v = 0;

	if (minus)
		s++;
	if (*s == '\0')
		return (-1);
	/* Counted downwards: the range below zero is larger by one. */
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, *s - '0', &v))
			return (-1);
	}
	if (!minus && __builtin_sub_overflow(0, v, &v))
		return (-1);
	if (v < min || v > max)
		return (-1);
	*out = v;
	return (0);
}

static size_t
least(size_t a, size_t b)
{
	return (a < b ? a : b);
}

/* Edit distance with swaps of neighbours; both at most NEAREST_MAX long. */
static size_t
distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][NEAREST_MAX + 1], *before = rows[0], *prev = rows[1],
	    *cur = rows[2], *t, d;

	for (size_t j = 0; j <= m; j++)
		prev[j] = before[j] = j;
	for (size_t i = 1; i <= n; i++) {
		cur[0] = i;
		for (size_t j = 1; j <= m; j++) {
			d = prev[j - 1] + (a[i - 1] != b[j - 1]);
			d = least(d, least(prev[j], cur[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d = least(d, before[j - 2] + 1);
			cur[j] = d;
		}
		t = before;
		before = prev;
		prev = cur;
		cur = t;
	}
	return (prev[m]);
}

/* An abbreviation counts as two slips, however much is missing. */
static bool
abbreviates(const char *a, size_t n, const char *b, size_t m)
{
	return (n != m && least(n, m) >= 3 && memcmp(a, b, least(n, m)) == 0);
}

const char *
str_nearest(const char *word, const char *const *list, size_t n)
{
	size_t len = strlen(word), m, d, best = SIZE_MAX;
	const char *found = NULL;

	if (len > NEAREST_MAX)
		return (NULL);
	for (size_t i = 0; i < n; i++) {
		if ((m = strlen(list[i])) > NEAREST_MAX)
			continue;
		d = distance(word, len, list[i], m);
		if (d > 2 && abbreviates(word, len, list[i], m))
			d = 2;
		if (d < best && d * 3 <= (len > m ? len : m)) {
			best = d;
			found = list[i];
		}
	}
	return (found);
}

void
str_wipe(void *p, size_t n)
{
	volatile unsigned char *v = p;

	while (n-- > 0)
		*v++ = 0;
}

void
str_wipefree(char **s)
{
	if (*s == NULL)
		return;
	str_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

bool
str_secret_eq(const char *a, const char *b)
{
	size_t n, m;
	unsigned char diff;

	if (a == NULL || b == NULL)
		return (false);
	n = strlen(a);
	m = strlen(b);
	diff = n != m;
	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a[i] ^ b[m == 0 ? 0 : i % m]);
	return (diff == 0);
}
