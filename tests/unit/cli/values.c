#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "values.h"

static void
on_value(void *cookie, int line, const char *key, const char *value)
{
	buf_addf(cookie, "%d:%s=%s;", line, key, value);
}

void
values_are(values_parse *parse, const char *text, const char *want)
{
	struct buf b = { 0 };
	struct err e;

	buf_adds(&b, "");
	if (parse(text, strlen(text), on_value, &b, &e) == -1)
		assert_string_equal(e.text, want);
	else
		assert_string_equal(b.data, want);
	buf_free(&b);
}
