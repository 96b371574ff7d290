#ifndef RECORD_H
#define RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * C structs to JSON objects and back, by a table of fields.  Messages,
 * journal files and state files all go through here.
 *
 *	type		C member	absent or null when decoding
 *	RECORD_STR	char *		NULL
 *	RECORD_INT	int64_t		0, or RECORD_NONE with RECORD_NULL
 *	RECORD_REAL	double		0
 *	RECORD_BOOL	bool		false
 *	RECORD_JSON	json_t *	NULL (any value, reference owned)
 */
enum record_type { RECORD_STR, RECORD_INT, RECORD_REAL, RECORD_BOOL,
	RECORD_JSON };

/* An integer that is not there. */
#define RECORD_NONE INT64_MIN

enum {
	RECORD_REQ = 1,		/* decoding: must be there and not null */
	RECORD_OMIT = 2,	/* encoding: left out when empty, 0, false,
				   NULL, RECORD_NONE */
	RECORD_NULL = 4,	/* encoding: NULL / RECORD_NONE becomes null (a
				   NULL string without it becomes "") */
};

struct record_field {
	const char *name;
	enum record_type type;
	unsigned flags;
	size_t offset;
	const char *const *allowed;	/* RECORD_STR: the words, or NULL */
};

/* One row of a table for member ${m} of struct ${s}, same name in JSON. */
#define RECORD_ROW(s, m, t, f) { #m, (t), (f), offsetof(struct s, m), NULL }

/**
 * record_decode(fields, n, obj, out, e):
 * Fill the struct ${out}, which is zeroed first.  Unknown keys are ignored;
 * a wrong type, a missing required field or a word that is not allowed is
 * ERR_INPUT naming the field, what came and what is allowed (and the nearest
 * allowed word).  A float with an integral value is accepted as integer.
 * On failure ${out} holds nothing to free.
 */
int	 record_decode(const struct record_field *, size_t n, const json_t *obj,
	    void *out, struct err *) __attribute__((warn_unused_result));

/* A new JSON object of the struct; never NULL. */
json_t	*record_encode(const struct record_field *, size_t n, const void *);

/* The time as a JSON string, to the millisecond or the second; null for 0. */
json_t	*record_time(int64_t ms);
json_t	*record_time_s(int64_t ms);

/* Free what record_decode (or a caller, with str_dup) put into the struct. */
void	 record_free(const struct record_field *, size_t n, void *);

/**
 * record_parse(text, len, out, e):
 * A JSON object from untrusted text: strict UTF-8, at most 64 levels deep.
 * Duplicate keys: the last one wins (dialect 3).
 */
int	 record_parse(const char *, size_t, json_t **, struct err *)
	    __attribute__((warn_unused_result));

/**
 * record_read(path, max, fields, n, out, e):
 * record_decode a file of at most ${max} bytes.  As file_read; ERR_DAMAGED if
 * it does not hold such a record.
 */
int	 record_read(const char *path, size_t max, const struct record_field *,
	    size_t n, void *out, struct err *)
	    __attribute__((warn_unused_result));

/* Replace a file with the struct: as file_write. */
int	 record_write(const char *path, mode_t, const struct record_field *,
	    size_t n, const void *, struct err *)
	    __attribute__((warn_unused_result));

#endif
