#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"
#include "out.h"
#include "str.h"
#include "term.h"
#include "verb.h"

extern char **environ;

static const char *const group_names[] = {
	[VERB_LOCAL] = "This machine's agent:",
	[VERB_FLEET] = "The fleet, through a hub:",
	[VERB_OTHER] = "Else:",
};

static void
print_options(unsigned allowed)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *o = &option_table[i];
		char name[64];

		if (o->bit != 0 && !(o->bit & allowed))
			continue;
		snprintf(name, sizeof(name), "%c%c%s--%s%s%s",
		    o->letter == 0 ? ' ' : '-', o->letter == 0 ? ' ' :
		    o->letter, o->letter == 0 ? "  " : ", ", o->name,
		    o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);
		printf("  %-28s %s\n", name, o->help);
	}
}

static void
print_verb(const struct verb *v)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", v->name, v->args);
	printf("  %-28s %s\n", name, verb_help(v));
}

static void
print_help(void)
{
	printf("nixfleet: the fleet from a terminal\n\n"
	    "usage: nixfleet VERB [OPTION...] [ARGUMENT...]\n");
	for (int g = VERB_LOCAL; g <= VERB_OTHER; g++) {
		printf("\n%s\n", group_names[g]);
		for (size_t i = 0; i < verb_count; i++)
			if ((int)verb_table[i].group == g)
				print_verb(&verb_table[i]);
	}
	printf("\nOptions (nixfleet VERB --help shows a verb's):\n");
	print_options(~0U);
	printf("\nSettings from the environment:\n");
	settings_help(SETTINGS_CLI, stdout);
	printf("\nExit status: 0 done, 1 failed, 2 misused, "
	    "3 the agent or hub cannot be reached.\n");
}

static void
print_verb_help(const struct verb *v)
{
	printf("usage: nixfleet %s%s%s\n\n%s\n\n", v->name,
	    v->args[0] == '\0' ? "" : " ", v->args,
	    verb_help(v));
	print_options(v->options);
}

static int
misuse(const char *text)
{
	struct err e;

	err_set(&e, ERR_INPUT, "%s", text);
	return (out_error(&e));
}

static int
unknown_verb(const struct verb_call *call)
{
	const char *near = verb_nearest(call->args, call->nargs);
	struct err e;

	err_set(&e, ERR_INPUT, "there is no verb %s%s%s%s", call->args[0],
	    near == NULL ? "; see nixfleet --help" : "; did you mean ",
	    near == NULL ? "" : near, near == NULL ? "" : "?");
	return (out_error(&e));
}

/* Does the call fit the verb's row? */
static int
check(const struct verb_call *call)
{
	const struct verb *v = call->verb;
	const char *option = option_refused(call->options, v->options);
	struct err e;

	if (option != NULL)
		err_set(&e, ERR_INPUT, "%s takes no option --%s", v->name,
		    option);
	else if ((call->options & OPTION_FOLLOW) &&
	    (call->options & OPTION_NO_FOLLOW))
		err_set(&e, ERR_INPUT, "--follow or --no-follow, not both");
	else if (call->nargs < v->min || call->nargs > v->max)
		err_set(&e, ERR_INPUT, "usage: nixfleet %s%s%s", v->name,
		    v->args[0] == '\0' ? "" : " ", v->args);
	else
		return (VERB_OK);
	return (out_error(&e));
}

static int
run(struct verb_call *call)
{
	struct settings *set;
	const char *const *w;
	struct err e;
	int code;

	if ((code = check(call)) != VERB_OK)
		return (code);
	if (settings_load(SETTINGS_CLI, (const char *const *)environ, &set,
	    &e) == -1)
		return (out_error(&e));
	for (w = settings_warnings(set); *w != NULL; w++)
		term_error("nixfleet", *w);
	out_open(settings_str(set, SET_COLOR));
	call->settings = set;
	code = call->verb->run(call);
	settings_free(&set);
	return (code);
}

static int
choose(struct verb_call *call, enum option_wish wish)
{
	size_t words = 0;

	if (wish == OPTION_VERSION) {
		printf("nixfleet %s\n", NIXFLEET_VERSION);
		return (VERB_OK);
	}
	if (call->nargs > 0 && str_eq(call->args[0], "help")) {
		wish = OPTION_HELP;
		call->args++;
		call->nargs--;
	}
	call->verb = verb_find(call->args, call->nargs, &words);
	if (call->nargs > 0 && call->verb == NULL)
		return (unknown_verb(call));
	if (wish == OPTION_HELP && call->verb != NULL) {
		print_verb_help(call->verb);
		return (VERB_OK);
	}
	if (wish == OPTION_HELP) {
		print_help();
		return (VERB_OK);
	}
	if (call->verb == NULL)
		return (misuse("what shall be done? See nixfleet --help"));
	call->args += words;
	call->nargs -= words;
	return (run(call));
}

int
main(int argc, char **argv)
{
	struct verb_call call = { 0 };
	enum option_wish wish;
	const char **words;
	struct err e;
	int code;

	/* Who stops reading is noticed when we write. */
	signal(SIGPIPE, SIG_IGN);
	words = str_alloc((size_t)argc * sizeof(*words));
	if (option_parse(argc, argv, &call, words, &wish, &e) == -1) {
		code = out_error(&e);
	} else {
		call.args = words;
		code = choose(&call, wish);
	}
	free(words);
	return (code);
}
