#ifndef WIRE_SHAPE_H
#define WIRE_SHAPE_H

#include "err.h"
#include "record.h"

/**
 * wire_shape_check(field, value, e):
 * Does ${value}, a decoded member (char * or json_t *, not NULL), have the
 * inner form that its field asks for, beyond its type?  A field means the
 * same in every message that has it.  0, or -1 with ERR_INPUT naming it.
 */
int	 wire_shape_check(const struct record_field *, void *value,
	    struct err *) __attribute__((warn_unused_result));

#endif
