/*
 * Prints agent.conf or hub.conf: every setting as a comment, from the table.
 * What the units themselves set is left out.
 */

#include <stdio.h>

#include "settings.h"
#include "str.h"

static const struct program {
	const char *word, *name;
	unsigned bit;
} programs[] = {
	{ "agent", "nixfleet-agent", SETTINGS_AGENT },
	{ "hub", "nixfleet-hub", SETTINGS_HUB },
};

static void
print_words(const struct setting_def *d)
{
	for (size_t i = 0; d->words[i] != NULL; i++)
		printf("%s%s", i == 0 ? "" : ", ", d->words[i]);
}

static void
print_setting(const struct setting_def *d)
{
	printf("\n# %s", d->help);
	if (d->type == SETTING_WORD) {
		printf(":\n# ");
		print_words(d);
	}
	printf("\n#%s=%s\n", d->name, d->fallback == NULL ? "" : d->fallback);
}

static void
print_conf(const struct program *p)
{
	printf(
	    "# Settings of %s; see %s(8).\n"
	    "# NAME=value lines, as systemd reads an EnvironmentFile.  A "
	    "comment shows the\n# default; an empty value means unset.  After "
	    "a change:\n#\tsystemctl restart %s\n",
	    p->name, p->name, p->name);
	for (int i = 0; i < SET_COUNT; i++)
		if ((settings_table[i].programs & p->bit) != 0 &&
		    (settings_table[i].flags &
			(SETTING_IGNORED | SETTING_DEPRECATED)) == 0 &&
		    i != SET_CONFIG && i != SET_DATA_DIR)
			print_setting(&settings_table[i]);
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (argc == 2 && str_eq(argv[1], programs[i].word)) {
			print_conf(&programs[i]);
			return (0);
		}
	fprintf(stderr, "usage: conf-example agent|hub\n");
	return (2);
}
