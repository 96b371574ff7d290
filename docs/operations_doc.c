/* Prints docs/reference/operations.md from the table of operations. */

#include <stdio.h>

#include "names.h"
#include "wire_op.h"

static const struct {
	unsigned flag;
	const char *word, *meaning;
} marks[] = {
	{ WIRE_OP_REPO, "writes the clone",
	    "what the clone holds may be "
	    "another revision afterwards" },
	{ WIRE_OP_SYSTEM, "changes the system",
	    "activates a configuration, "
	    "this host's new or an older one" },
	{ WIRE_OP_DISRUPTIVE, "disruptive",
	    "ends what people use for a "
	    "moment" },
	{ WIRE_OP_TOTP, "one-time code",
	    "only with a code, when it is asked "
	    "for through a hub" },
	{ WIRE_OP_IMMEDIATE, "at once",
	    "runs beside another operation "
	    "instead of waiting for its end" },
	{ WIRE_OP_ONLINE_ONLY, "only connected hosts",
	    "does not wait in the "
	    "hub's queue for a host that is offline" },
	{ WIRE_OP_LOCAL, "only on the host", "no hub may ask for it" },
};
#define NMARKS (sizeof(marks) / sizeof(marks[0]))

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_OK] = "it did what was asked, or there was nothing to do",
	[OUTCOME_FAILED] = "it did not; the message says why, the log how",
	[OUTCOME_REFUSED] = "it was not begun: a rule, the trust settings or "
			    "an argument speak against it",
	[OUTCOME_STOPPED] = "somebody asked to stop it",
	[OUTCOME_TIMED_OUT] = "its deadline passed; everything that it had "
			      "started was ended",
	[OUTCOME_ROLLED_BACK] = "it was activated, found bad and taken back",
	[OUTCOME_INTERRUPTED] = "its worker, the agent or the machine went "
				"away in the middle",
};

static void
print_operation(const struct wire_op *op)
{
	const char *before = "";

	printf("| `%s` | %s | ", op->name, op->help);
	for (const char *const *a = op->args; *a != NULL; a++, before = ", ")
		printf("%s`%s`", before, *a);
	printf(" | %d min | ", (op->deadline_s + 59) / 60);
	before = "";
	for (size_t i = 0; i < NMARKS; i++)
		if (op->flags & marks[i].flag) {
			printf("%s%s", before, marks[i].word);
			before = ", ";
		}
	printf(" | %d |\n", op->dialect);
}

int
main(void)
{
	printf(
	    "# Operations\n\n"
	    "Made from `wire/wire_op.c` by `make docs`. Nothing else can be "
	    "asked of a host. How one lives is in\n"
	    "[how an operation lives](../explanation/operation.md).\n\n"
	    "On the host: `nixfleet NAME`, for those of the clone `nixfleet "
	    "repo verify`, `repo reset` and so on. Through a hub: `nixfleet "
	    "run NAME HOST`.\n\n"
	    "| operation | what it does | arguments | deadline | marks | since "
	    "dialect |\n|---|---|---|---|---|---|\n");
	for (int i = 0; i < wire_op_count; i++)
		print_operation(&wire_op_table[i]);
	printf("\nThe deadline is the operation's own when nobody names "
	       "another.\n\n## Marks\n\n| mark | meaning |\n|---|---|\n");
	for (size_t i = 0; i < NMARKS; i++)
		printf("| %s | %s |\n", marks[i].word, marks[i].meaning);
	printf("\n## Outcomes\n\nEvery operation ends with one of these; an "
	       "outcome is what the host reported and is never made from "
	       "silence.\n\n| outcome | meaning |\n|---|---|\n");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		printf("| `%s` | %s |\n", names_outcome((enum outcome)i),
		    outcomes[i]);
	return (0);
}
