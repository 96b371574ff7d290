#ifndef JOBLOG_H
#define JOBLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "names.h"

/*
 * The log of one operation: one record a line, "SEQ TS STREAM TEXT", numbers
 * from 1 without gaps.  The file only ever grows.  Beyond JOBLOG_HEAD lines go
 * to side files that keep the newest JOBLOG_TAIL bytes; closing the log (also
 * by somebody else after its writer died) appends them after a note that says
 * how much is missing.
 */
#define JOBLOG_HEAD (48 * 1024 * 1024)
#define JOBLOG_TAIL (16 * 1024 * 1024)

struct joblog_record {
	int64_t seq;
	int64_t ts;		/* ms since 1970 */
	enum log_stream stream;
	const char *text;	/* borrowed, no newline, not terminated */
	size_t len;
};

/**
 * joblog_parse(line, len, rec):
 * One line without its newline.  0, or -1 if it is no record.
 */
int	 joblog_parse(const char *line, size_t len, struct joblog_record *);

/* ---- writing: one process at a time ---- */
struct joblog;

/**
 * joblog_open(dir, out, e):
 * Append to ${dir}/log, made if missing; half a line at its end is removed.
 */
int	 joblog_open(const char *dir, struct joblog **, struct err *)
	    __attribute__((warn_unused_result));

/* Other limits than JOBLOG_HEAD and JOBLOG_TAIL. */
void	 joblog_limits(struct joblog *, int64_t head, int64_t tail);

/**
 * joblog_add(log, stream, text, len):
 * Append one record now.  Any byte may come: what is not UTF-8 becomes U+FFFD,
 * control characters other than tab and ESC are left out.  The first failure
 * is kept and ends writing; joblog_close reports it, there and in the log.
 */
void	 joblog_add(struct joblog *, enum log_stream, const char *, size_t);

/* Append a note of ours. */
void	 joblog_note(struct joblog *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Number of the newest record in the log, 0: none. */
int64_t	 joblog_last(const struct joblog *);

/**
 * joblog_close(log, last, e):
 * Append what was kept aside, flush to disk, release; the number of the last
 * record goes to *${last} (may be NULL).  -1 with the first failure since
 * joblog_open.
 */
int	 joblog_close(struct joblog **, int64_t *last, struct err *);

/* ---- reading: any process, while it is written ---- */
struct joblog_reader;

/**
 * joblog_reader_new(dir, seq):
 * A reader whose first record is number ${seq} or the next one that is there.
 * The log need not be there yet.
 */
struct joblog_reader *joblog_reader_new(const char *dir, int64_t seq);

/**
 * joblog_read(reader, rec):
 * The next record: 1, valid until the next call; 0: none yet; -1: the file
 * cannot be read.  A damaged line is skipped.
 */
int	 joblog_read(struct joblog_reader *, struct joblog_record *);

/* Start again at ${seq}. */
void	 joblog_reader_seek(struct joblog_reader *, int64_t seq);
void	 joblog_reader_free(struct joblog_reader **);

#endif
