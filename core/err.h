#ifndef ERR_H
#define ERR_H

#include <stdarg.h>

#define ERR_TEXT 1024

/* What kind of failure; callers branch on this, people read the text. */
enum err_code {
	ERR_NONE,
	ERR_SYS,	/* a system call failed; err.sys holds errno */
	ERR_INPUT,	/* somebody gave us something we cannot use */
	ERR_NOTFOUND,
	ERR_BUSY,	/* somebody else holds it */
	ERR_TIMEOUT,	/* a deadline passed */
	ERR_STOPPED,	/* we were asked to stop */
	ERR_REFUSED,	/* policy or trust says no */
	ERR_AUTH,	/* credentials missing or wrong */
	ERR_NET,	/* the other side cannot be reached */
	ERR_PROTO,	/* the other side says what it must not */
	ERR_CHILD,	/* a child process failed */
	ERR_DAMAGED,	/* stored data is damaged */
	ERR_NOSPACE,	/* disk full */
};

struct err {
	enum err_code code;
	int sys;		/* errno, or 0 */
	char text[ERR_TEXT];	/* what failed, on what, why, what to do */
};

/**
 * err_set(e, code, fmt, ...):
 * Fill ${e} and return -1.  ${e} may be NULL, then only -1 is returned.
 * Arguments may point into the old e->text.
 */
int	 err_set(struct err *, enum err_code, const char *, ...)
	    __attribute__((format(printf, 3, 4)));

/**
 * err_sys(e, fmt, ...):
 * As err_set with ERR_SYS (ERR_NOSPACE for ENOSPC and EDQUOT, ERR_NOTFOUND
 * for ENOENT) and ": strerror(errno)" appended.  errno is kept.
 */
int	 err_sys(struct err *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/**
 * err_wrap(e, fmt, ...):
 * Put "text: " before what ${e} already says, keep its code, return -1.
 */
int	 err_wrap(struct err *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/**
 * err_name(code):
 * The code's stable lower-case word ("timeout"), for JSON and metrics.
 */
const char *err_name(enum err_code);

/* Reset ${e} to "no error". */
void	 err_clear(struct err *);

#endif
