#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opstate.h"

/*
 * Every state × event, written down a second time: a change of the table
 * must be meant.  ".": cannot happen, "-": ignored, else the act's letter and
 * the next state's.
 */
static const char *const want[OP_STATE_COUNT] = {
	/* send sign rej res leave stop gone away known never unknown
	   deadline unstored removed */
	"Ss Er Ff Rf Ea Pf -q -q Er -q .q Tf Uf Pf",	/* queued */
	".s Er Ff Rf Ea Ko El Ea Er Ss If Oo -s If",	/* sent */
	".r -r Ff Rf Ea Ko El Ea -r If If Oo -r If",	/* running */
	".o -o Ff Rf Ea Ko Eo Ea Ko Pf If Tf -o If",	/* stopping */
	".l Er Ff Rf Ea Ko -l -l Er Ss If Tf -l If",	/* lost */
	".a -a Ff Rf -a If -a -a Er Bf Bf Tf -a If",	/* awaiting */
	".f -f -f Cf Cf .f -f -f -f -f -f .f -f -f",	/* finished */
};

static const char act_letters[] = {
	[OPSTATE_ILLEGAL] = '.', [OPSTATE_IGNORE] = '-', [OPSTATE_SEND] = 'S',
	[OPSTATE_ENTER] = 'E', [OPSTATE_ASK_STOP] = 'K',
	[OPSTATE_OVERDUE] = 'O', [OPSTATE_END_RESULT] = 'R',
	[OPSTATE_END_REFUSED] = 'F', [OPSTATE_END_STOPPED] = 'P',
	[OPSTATE_END_TIMED_OUT] = 'T', [OPSTATE_END_INTERRUPTED] = 'I',
	[OPSTATE_END_BACK] = 'B', [OPSTATE_END_UNSTORED] = 'U',
	[OPSTATE_CORRECT] = 'C',
};
static const char state_letters[] = "qsrolaf";

/* The whole table, so that no cell changes unseen. */
static void
test_every(void **unused)
{
	(void)unused;
	for (int s = 0; s < OP_STATE_COUNT; s++) {
		for (int ev = 0; ev < OPSTATE_EV_COUNT; ev++) {
			struct opstate_step st = opstate_step(s, ev);

			assert_int_equal(act_letters[st.act],
			    want[s][ev * 3]);
			assert_int_equal(state_letters[st.next],
			    want[s][ev * 3 + 1]);
		}
	}
}

/* No state is for ever: each open one ends by its deadline or asks to stop,
   and a stop that is not answered ends too. */
static void
test_ends(void **unused)
{
	(void)unused;
	for (int s = 0; s < OP_FINISHED; s++) {
		enum op_state at = s;
		int n = 0;

		while (at != OP_FINISHED && n++ < 3)
			at = opstate_step(at, OPSTATE_EV_DEADLINE).next;
		assert_int_equal(at, OP_FINISHED);
	}
}

/* Stop is possible in every open state. */
static void
test_stop(void **unused)
{
	(void)unused;
	for (int s = 0; s < OP_FINISHED; s++) {
		enum op_state next = opstate_step(s, OPSTATE_EV_STOP).next;

		assert_true(next == OP_STOPPING || next == OP_FINISHED);
	}
}

/* A broken link alone never ends an operation. */
static void
test_silence(void **unused)
{
	(void)unused;
	for (int s = 0; s < OP_FINISHED; s++) {
		assert_int_not_equal(opstate_step(s, OPSTATE_EV_GONE).next,
		    OP_FINISHED);
		assert_int_not_equal(opstate_step(s, OPSTATE_EV_AWAY).next,
		    OP_FINISHED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_stop), cmocka_unit_test(test_silence),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
