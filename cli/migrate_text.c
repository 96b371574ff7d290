#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "migrate_option.h"
#include "migrate_text.h"
#include "str.h"

#define KEYS_MAX (1 << 16)
#define SAFE                                                                   \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	"_-./:@%+,="

/* NAME=value as the settings file and systemd read it. */
static void
env_line(struct buf *b, const char *name, const char *value)
{
	bool safe = strspn(value, SAFE) == strlen(value);

	buf_addf(b, "%s=%s", name, safe ? "" : "\"");
	for (; *value != '\0'; value++) {
		if (!safe && strchr("\"\\`$", *value) != NULL)
			buf_adds(b, "\\");
		buf_add(b, value, 1);
	}
	buf_adds(b, safe ? "\n" : "\"\n");
}

static void
nix_option(
    struct buf *b, const struct migrate_plan *p, const struct migrate_option *o)
{
	const struct setting_def *d = &settings_table[o->setting];
	const char *value = p->value[o->setting];

	if (value == NULL)
		return;
	buf_addf(b, "    %s = ", o->name);
	if (d->type == SETTING_INT || d->type == SETTING_SECONDS)
		buf_addf(b, "%lld",
		    (long long)settings_int(p->setup->set, o->setting));
	else if (d->type == SETTING_BOOL)
		buf_adds(b, value);
	else
		migrate_option_quote(b, value);
	buf_adds(b, ";\n");
}

static bool
is_option(enum setting i)
{
	for (size_t n = 0; n < migrate_option_count; n++)
		if (migrate_options[n].setting == i)
			return (true);
	return (false);
}

/* A module takes the keys themselves, not their file. */
static bool
known_hosts(struct buf *b, const char *file)
{
	struct buf keys = { 0 };
	bool read =
	    file_read(file, KEYS_MAX, &keys, NULL) == 0 && keys.data != NULL;

	if (read) {
		buf_adds(b, "    sshKnownHosts = ");
		migrate_option_quote(b, str_trim(keys.data));
		buf_adds(b, ";\n");
	}
	buf_free(&keys);
	return (read);
}

/* What has no option of its own, and what the module alone knows. */
static void
nix_rest(struct buf *b, const struct migrate_plan *p)
{
	const char *name;
	json_t *value;

	for (int i = 0; i < SET_COUNT; i++) {
		if (p->value[i] == NULL || is_option((enum setting)i) ||
		    (i == SET_SSH_KNOWN_HOSTS && known_hosts(b, p->value[i])))
			continue;
		buf_addf(b, "    settings.%s = ", settings_table[i].name);
		migrate_option_quote(b, p->value[i]);
		buf_adds(b, ";\n");
	}
	json_object_foreach (p->setup->more, name, value) {
		buf_addf(b, "    %s = ", name);
		migrate_option_value(b, value);
		buf_adds(b, ";\n");
	}
}

char *
migrate_text(const struct migrate_plan *p)
{
	struct buf b = { 0 };

	buf_adds(&b, "");
	if (p->setup->form == MIGRATE_ENV ||
	    p->setup->form == MIGRATE_LAUNCHD) {
		for (int i = 0; i < SET_COUNT; i++)
			if (p->value[i] != NULL)
				env_line(
				    &b, settings_table[i].name, p->value[i]);
		return (buf_take(&b));
	}
	buf_adds(&b, "{\n  services.nixfleet-agent = {\n    enable = true;\n");
	for (size_t i = 0; i < migrate_option_count; i++)
		nix_option(&b, p, &migrate_options[i]);
	nix_rest(&b, p);
	buf_adds(&b, "  };\n}\n");
	return (buf_take(&b));
}
