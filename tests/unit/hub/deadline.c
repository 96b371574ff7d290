#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deadline.h"
#include "rnd.h"
#include "tick.h"

struct item {
	struct deadline d;
	struct deadlines *ds;
	int *fired;
	int64_t want;
	int again;
};

static int64_t last_due;

static void
on_due(struct deadline *d)
{
	struct item *it = (struct item *)d;

	assert_true(d->at >= last_due);
	assert_true(tick_mono() >= d->at);
	last_due = d->at;
	(*it->fired)++;
	if (it->again-- > 0)
		deadline_arm(it->ds, d, 1);
}

/* Every one fires, in order, and the ones taken out do not. */
static void
test_order(void **unused)
{
	static struct item items[500];
	struct deadlines *ds;
	uv_loop_t loop;
	struct err e;
	int fired = 0, want = 0;

	(void)unused;
	uv_loop_init(&loop);
	assert_int_equal(deadlines_new(&loop, &ds, &e), 0);
	for (int i = 0; i < 500; i++) {
		items[i] = (struct item){ .d.on_due = on_due, .ds = ds,
		    .fired = &fired };
		deadline_arm(ds, &items[i].d, rnd_below(50));
	}
	for (int i = 0; i < 500; i++) {
		if (i % 3 == 0)
			deadline_disarm(ds, &items[i].d);
		else if (i % 3 == 1)
			deadline_arm(ds, &items[i].d, rnd_below(50));
		want += i % 3 != 0;
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(fired, want);
	deadlines_free(&ds);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* One that arms itself again fires again, and freeing disarms. */
static void
test_again(void **unused)
{
	struct deadlines *ds;
	uv_loop_t loop;
	struct err e;
	int fired = 0;
	struct item a = { .d.on_due = on_due, .fired = &fired, .again = 3 };
	struct item b = { .d.on_due = on_due, .fired = &fired };

	(void)unused;
	last_due = 0;
	uv_loop_init(&loop);
	assert_int_equal(deadlines_new(&loop, &ds, &e), 0);
	a.ds = b.ds = ds;
	deadline_arm(ds, &a.d, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(fired, 4);
	deadline_arm(ds, &b.d, 60000);
	deadlines_free(&ds);
	assert_int_equal(b.d.place, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(fired, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
