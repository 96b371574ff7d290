/* Prints docs/reference/settings.md from the table of settings. */

#include <stdio.h>

#include "settings.h"

static const char *const type_names[] = {
	[SETTING_STR] = "text", [SETTING_INT] = "number",
	[SETTING_BOOL] = "true or false", [SETTING_WORD] = "one of",
	[SETTING_PATH] = "absolute path", [SETTING_SECONDS] = "duration",
	[SETTING_URL] = "URL", [SETTING_LIST] = "comma-separated list",
	[SETTING_COLOUR] = "colour",
	[SETTING_ADDRESS] = "address and port",
	[SETTING_HOURS] = "hours of the week",
};

static void
print_words(const struct setting_def *d)
{
	size_t i;

	for (i = 0; d->words[i] != NULL; i++)
		printf(" `%s`", d->words[i]);
}

static void
print_row(const struct setting_def *d)
{
	printf("| `%s` | %s", d->name, type_names[d->type]);
	if (d->type == SETTING_WORD)
		print_words(d);
	else if (d->type == SETTING_INT || d->type == SETTING_SECONDS)
		printf(", %lld to %lld%s", (long long)d->min,
		    (long long)d->max, d->type == SETTING_INT ? "" : " s");
	printf(" | %s%s%s | %s%s |\n", d->fallback == NULL ? "" : "`",
	    d->fallback == NULL ? "" : d->fallback,
	    d->fallback == NULL ? "" : "`",
	    d->flags & SETTING_DEPRECATED ? "deprecated: " : "", d->help);
}

static void
print_program(unsigned program, const char *title)
{
	size_t i;

	printf("\n## %s\n\n| setting | type | default | meaning |\n"
	    "|---|---|---|---|\n", title);
	for (i = 0; i < SET_COUNT; i++)
		if ((settings_table[i].programs & program) != 0 &&
		    (settings_table[i].flags & SETTING_IGNORED) == 0)
			print_row(&settings_table[i]);
}

static void
print_ignored(void)
{
	size_t i;

	printf("\n## Known from NixFleet v3, without effect\n\n"
	    "Accepted with a warning, so that an existing environment can be "
	    "kept.\n\n| setting | why |\n|---|---|\n");
	for (i = 0; i < SET_COUNT; i++)
		if (settings_table[i].flags & SETTING_IGNORED)
			printf("| `%s` | %s |\n", settings_table[i].name,
			    settings_table[i].help);
}

int
main(void)
{
	printf("# Settings\n\n"
	    "Made from `core/settings_table.c` by `make docs`. A setting comes "
	    "from the environment, else from the\nfile that "
	    "`NIXFLEET_CONFIG` names (`NAME=value` lines), else it has its "
	    "default. An empty value means unset.\nA name that starts with "
	    "`NIXFLEET_` and is not known is an error.\n\n"
	    "Durations are seconds, or numbers with `d`, `h`, `m` or `s`: "
	    "`1h30m`.\n");
	print_program(SETTINGS_AGENT, "nixfleet-agent");
	print_program(SETTINGS_HUB, "nixfleet-hub");
	print_program(SETTINGS_CLI, "nixfleet");
	print_ignored();
	return (0);
}
