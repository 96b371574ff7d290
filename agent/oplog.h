#ifndef OPLOG_H
#define OPLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "names.h"

/*
 * The log of one operation: one record a line, "SEQ TS STREAM TEXT", numbers
 * from 1 without gaps.  The file only ever grows.  Beyond OPLOG_HEAD lines go
 * to side files that keep the newest OPLOG_TAIL bytes; closing the log (also
 * by somebody else after its writer died) appends them after a note that says
 * how much is missing.
 */
#define OPLOG_HEAD (48 * 1024 * 1024)
#define OPLOG_TAIL (16 * 1024 * 1024)

struct oplog_record {
	int64_t seq;
	int64_t ts;		/* ms since 1970 */
	enum log_stream stream;
	const char *text;	/* borrowed, no newline, not terminated */
	size_t len;
};

/**
 * oplog_parse(line, len, rec):
 * One line without its newline.  0, or -1 if it is no record.
 */
int	 oplog_parse(const char *line, size_t len, struct oplog_record *);

/* ---- writing: one process at a time ---- */
struct oplog;

/**
 * oplog_open(dir, out, e):
 * Append to ${dir}/log, made if missing; half a line at its end is removed.
 */
int	 oplog_open(const char *dir, struct oplog **, struct err *)
	    __attribute__((warn_unused_result));

/* Other limits than OPLOG_HEAD and OPLOG_TAIL. */
void	 oplog_limits(struct oplog *, int64_t head, int64_t tail);

/**
 * oplog_add(log, stream, text, len):
 * Append one record now.  Any byte may come: what is not UTF-8 becomes U+FFFD,
 * control characters other than tab and ESC are left out.  The first failure
 * is kept and ends writing; oplog_close reports it.
 */
void	 oplog_add(struct oplog *, enum log_stream, const char *, size_t);

/* Append a note of ours. */
void	 oplog_note(struct oplog *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Number of the newest record in the log, 0: none. */
int64_t	 oplog_last(const struct oplog *);

/**
 * oplog_close(log, last, e):
 * Append what was kept aside, flush to disk, release; the number of the last
 * record goes to *${last} (may be NULL).  -1 with the first failure since
 * oplog_open.
 */
int	 oplog_close(struct oplog **, int64_t *last, struct err *);

/* ---- reading: any process, while it is written ---- */
struct oplog_reader;

/**
 * oplog_reader_new(dir, seq):
 * A reader whose first record is number ${seq} or the next one that is there.
 * The log need not be there yet.
 */
struct oplog_reader *oplog_reader_new(const char *dir, int64_t seq);

/**
 * oplog_read(reader, rec):
 * The next record: 1, valid until the next call; 0: none yet; -1: the file
 * cannot be read.  A damaged line is skipped.
 */
int	 oplog_read(struct oplog_reader *, struct oplog_record *);

/* Start again at ${seq}. */
void	 oplog_reader_seek(struct oplog_reader *, int64_t seq);
void	 oplog_reader_free(struct oplog_reader **);

#endif
