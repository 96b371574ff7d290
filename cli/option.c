#include <string.h>

#include "option.h"
#include "str.h"

#define LIMIT_MAX 500

/* clang-format off */
const struct option_def option_table[] = {
	{ "json", 'j', OPTION_JSON, NULL, "print JSON" },
	{ "all", 'a', OPTION_ALL, NULL, "every host of the fleet" },
	{ "follow", 'f', OPTION_FOLLOW, NULL,
	    "go on until the operation is over" },
	{ "no-follow", 0, OPTION_NO_FOLLOW, NULL,
	    "do not wait for the operation's end" },
	{ "force", 0, OPTION_FORCE, NULL,
	    "also where the hub's checks advise against it; without asking" },
	{ "dry-run", 0, OPTION_DRY, NULL, "show what an update would change" },
	{ "inputs", 0, OPTION_INPUTS, "NAME,...",
	    "flake inputs to update; all if not given" },
	{ "generation", 'g', OPTION_GENERATION, "N",
	    "generation to roll back to; the previous if not given" },
	{ "reason", 0, OPTION_REASON, "TEXT", "why, for those who wonder" },
	{ "totp", 0, OPTION_TOTP, "CODE", "one-time code" },
	{ "password-file", 0, OPTION_PASSWORD_FILE, "FILE",
	    "read the password from a file; - is standard input" },
	{ "limit", 'n', OPTION_LIMIT, "N", "at most this many" },
	{ "help", 'h', 0, NULL, "print this help" },
	{ "version", 'V', 0, NULL, "print the version" },
};
/* clang-format on */
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

static const struct option_def *
find(const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *d = &option_table[i];

		if (letter != 0 ? d->letter == letter :
		    strlen(d->name) == len && memcmp(d->name, name, len) == 0)
			return (d);
	}
	return (NULL);
}

static int
unknown(const char *arg, struct err *e)
{
	const char *names[sizeof(option_table) / sizeof(option_table[0])];
	const char *near;

	for (size_t i = 0; i < option_count; i++)
		names[i] = option_table[i].name;
	near = str_prefix(arg, "--") ?
	    str_nearest(arg + 2, names, option_count) : NULL;
	return (err_set(e, ERR_INPUT, "there is no option %s%s%s%s", arg,
	    near == NULL ? "" : "; did you mean --", near == NULL ? "" : near,
	    near == NULL ? "" : "?"));
}

static int
set_value(const struct option_def *d, const char *value,
    struct verb_call *call, struct err *e)
{
	switch (d->bit) {
	case OPTION_INPUTS:
		call->inputs = value;
		break;
	case OPTION_REASON:
		call->reason = value;
		break;
	case OPTION_TOTP:
		call->totp = value;
		break;
	case OPTION_PASSWORD_FILE:
		call->password_file = value;
		break;
	case OPTION_GENERATION:
		if (str_int(value, 1, INT64_MAX, &call->generation) == -1)
			return (err_set(e, ERR_INPUT, "--generation must be a "
			    "generation's number, not \"%s\"", value));
		break;
	case OPTION_LIMIT:
		if (str_int(value, 1, LIMIT_MAX, &call->limit) == -1)
			return (err_set(e, ERR_INPUT, "--limit must be a whole "
			    "number from 1 to %d, not \"%s\"", LIMIT_MAX,
			    value));
		break;
	}
	return (0);
}

/* The option at argv[*i], with its value behind '=' or in the next word. */
static int
one(int argc, char **argv, int *i, struct verb_call *call,
    enum option_wish *wish, struct err *e)
{
	const char *arg = argv[*i], *equals = strchr(arg, '=');
	bool is_long = str_prefix(arg, "--");
	const struct option_def *d;
	size_t len = is_long && equals != NULL ? (size_t)(equals - arg) :
	    strlen(arg);

	if (!is_long && len != 2)
		return (unknown(arg, e));
	d = is_long ? find(arg + 2, len - 2, 0) : find(NULL, 0, arg[1]);
	if (d == NULL)
		return (unknown(arg, e));
	if (d->bit == 0)
		*wish = d->letter == 'h' ? OPTION_HELP : OPTION_VERSION;
	call->options |= d->bit;
	if (d->value == NULL) {
		if (!is_long || equals == NULL)
			return (0);
		return (err_set(e, ERR_INPUT, "--%s takes no value", d->name));
	}
	if (is_long && equals != NULL)
		return (set_value(d, equals + 1, call, e));
	if (*i + 1 >= argc)
		return (err_set(e, ERR_INPUT, "--%s needs a value: %s",
		    d->name, d->value));
	return (set_value(d, argv[++*i], call, e));
}

int
option_parse(int argc, char **argv, struct verb_call *call,
    const char **words, enum option_wish *wish, struct err *e)
{
	bool rest = false;

	*wish = OPTION_RUN;
	for (int i = 1; i < argc; i++) {
		if (rest || argv[i][0] != '-' || argv[i][1] == '\0')
			words[call->nargs++] = argv[i];
		else if (str_eq(argv[i], "--"))
			rest = true;
		else if (one(argc, argv, &i, call, wish, e) == -1)
			return (-1);
	}
	return (0);
}

const char *
option_refused(unsigned given, unsigned allowed)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].bit & given & ~allowed)
			return (option_table[i].name);
	return (NULL);
}
