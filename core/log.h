#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

/*
 * Structured logging to stderr.  A record is a level, a message for people
 * and pairs of key and value.  Form: coloured text on a terminal; text with a
 * journald priority "<6>" in front when JOURNAL_STREAM is set; else one JSON
 * object a line.  Programs log, libraries return errors.  A line is one
 * write(2).  Values are escaped, so a stranger cannot forge a record.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* "debug", "info", "warn", "error" → level; -1 if it is none of them. */
int	 log_level_parse(const char *);

/* Name of the program and least level written; call once at start. */
void	 log_open(const char *program, enum log_level);
bool	 log_on(enum log_level);

/* Pairs (const char *key, const char *value; value NULL: left out), NULL. */
void	 log_write(enum log_level, const char *msg, ...)
	    __attribute__((sentinel));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__, (char *)0)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__, (char *)0)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__, (char *)0)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__, (char *)0)

#endif
