#ifndef AGENTUNIT_H
#define AGENTUNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

static inline int
begin(void **unused)
{

	(void)unused;
	scratch_begin();
	return (0);
}

static inline int
end(void **unused)
{

	(void)unused;
	scratch_end();
	return (0);
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
