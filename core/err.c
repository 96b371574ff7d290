#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

static const char *const err_names[] = {
	[ERR_NONE] = "none",
	[ERR_SYS] = "system",
	[ERR_INPUT] = "input",
	[ERR_NOTFOUND] = "not_found",
	[ERR_BUSY] = "busy",
	[ERR_TIMEOUT] = "timeout",
	[ERR_STOPPED] = "stopped",
	[ERR_REFUSED] = "refused",
	[ERR_AUTH] = "auth",
	[ERR_NET] = "network",
	[ERR_PROTO] = "protocol",
	[ERR_CHILD] = "child",
	[ERR_DAMAGED] = "damaged",
	[ERR_NOSPACE] = "no_space",
};

/* A text that was cut off must not end inside a UTF-8 sequence. */
static void
trim_partial(char *s)
{
	size_t n = strlen(s), back = 0;

	while (back < n && back < 3 && (s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && (s[n - 1 - back] & 0xc0) == 0xc0)
		s[n - 1 - back] = '\0';
}

static int store(struct err *, enum err_code, int, const char *, const char *,
    const char *, va_list) __attribute__((format(printf, 6, 0)));

/* The new text is put together aside: its parts may lie in the old one. */
static int
store(struct err *e, enum err_code code, int sys, const char *sep,
    const char *tail, const char *fmt, va_list ap)
{
	char text[ERR_TEXT];
	int n, m = 0;

	if (e == NULL)
		return (-1);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= 0 && (size_t)n < sizeof(text))
		m = snprintf(text + n, sizeof(text) - (size_t)n, "%s%s", sep,
		    tail);
	if (n < 0)
		text[0] = '\0';
	if ((size_t)n + (size_t)m >= sizeof(text))
		trim_partial(text);
	memcpy(e->text, text, sizeof(text));
	e->code = code;
	e->sys = sys;
	return (-1);
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	store(e, code, 0, "", "", fmt, ap);
	va_end(ap);
	return (-1);
}

static enum err_code
code_of(int sys)
{
	switch (sys) {
	case ENOENT:
		return (ERR_NOTFOUND);
	case ENOSPC:
	case EDQUOT:
		return (ERR_NOSPACE);
	default:
		return (ERR_SYS);
	}
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	store(e, code_of(saved), saved, ": ", strerror(saved), fmt, ap);
	va_end(ap);
	errno = saved;
	return (-1);
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return (-1);
	va_start(ap, fmt);
	store(e, e->code, e->sys, ": ", e->text, fmt, ap);
	va_end(ap);
	return (-1);
}

const char *
err_name(enum err_code code)
{
	if ((size_t)code >= sizeof(err_names) / sizeof(err_names[0]))
		return ("unknown");
	return (err_names[code]);
}

void
err_clear(struct err *e)
{
	if (e == NULL)
		return;
	e->code = ERR_NONE;
	e->sys = 0;
	e->text[0] = '\0';
}
