#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "assets.h"

/* The login page needs its looks before anybody has logged in. */
static void
test_assets_find(void **unused)
{
	size_t i;

	(void)unused;
	assert_null(assets_find("/assets/none.js"));
	assert_null(assets_find(""));
	for (i = 0; i < assets_count; i++) {
		const struct asset *a = &assets_table[i];

		assert_ptr_equal(assets_find(a->path), a);
		assert_int_equal(a->path[0], '/');
		assert_int_equal(a->etag[0], '"');
		assert_true(strchr(a->type, '/') != NULL);
		/* Text is used as a string, see page.c. */
		assert_int_equal(a->data[a->len], '\0');
		assert_true(a->gz == NULL || (a->gz[0] == 0x1f &&
		    a->gz[1] == 0x8b && a->gzlen < a->len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assets_find),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
