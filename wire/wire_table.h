#ifndef WIRE_TABLE_H
#define WIRE_TABLE_H

#include "wire.h"

/* One row per message; fields are in the order of dialect 3's encoder. */
struct wire_row {
	const char *name;
	enum wire_dir from;
	int dialect;		/* the first that has the message */
	const struct record_field *fields;
	size_t nold;		/* the first nold of them are dialect 3's */
	size_t n;
	bool sparse;		/* dialect 4 leaves out all that is empty */
};

#define WIRE_FIELDS_MAX 24

extern const struct wire_row wire_table[WIRE_TYPE_COUNT];

#endif
