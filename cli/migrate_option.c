#include <stddef.h>

#include "migrate_option.h"
#include "str.h"

const struct migrate_option migrate_options[] = {
	{ "url", SET_URL },
	{ "tokenFile", SET_TOKEN_FILE },
	{ "repoUrl", SET_REPO_URL },
	{ "configRepo", SET_NIXCFG },
	{ "branch", SET_BRANCH },
	{ "sshKeyFile", SET_SSH_KEY },
	{ "repoTokenFile", SET_REPO_TOKEN_FILE },
	{ "depth", SET_REPO_DEPTH },
	{ "hostname", SET_HOSTNAME },
	{ "interval", SET_INTERVAL },
	{ "logLevel", SET_LOG_LEVEL },
	{ "version", SET_AGENT_VERSION },
	{ "nixpkgsVersion", SET_NIXPKGS_VERSION },
	{ "themeColor", SET_THEME_COLOR },
	{ "location", SET_LOCATION },
	{ "deviceType", SET_DEVICE_TYPE },
	{ "caFile", SET_CA_FILE },
	{ "pinnedPubkey", SET_PINNED_PUBKEY },
	{ "allowInsecureHttp", SET_ALLOW_INSECURE_HTTP },
	{ "flakeAttr", SET_FLAKE_ATTR },
	{ "rebuildCommand", SET_REBUILD_COMMAND },
};
const size_t migrate_option_count =
    sizeof(migrate_options) / sizeof(migrate_options[0]);

const struct migrate_option *
migrate_option_find(const char *name)
{
	for (size_t i = 0; i < migrate_option_count; i++)
		if (str_eq(migrate_options[i].name, name))
			return (&migrate_options[i]);
	return (NULL);
}

void
migrate_option_quote(struct buf *b, const char *s)
{
	buf_adds(b, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			buf_adds(b, "\\n");
			continue;
		}
		if (*s == '"' || *s == '\\' || (*s == '$' && s[1] == '{'))
			buf_adds(b, "\\");
		buf_add(b, s, 1);
	}
	buf_adds(b, "\"");
}

void
migrate_option_value(struct buf *b, const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(v)) {
		migrate_option_quote(b, json_string_value(v));
	} else if (json_is_array(v)) {
		buf_adds(b, "[ ");
		json_array_foreach (v, i, item) {
			migrate_option_value(b, item);
			buf_adds(b, " ");
		}
		buf_adds(b, "]");
	} else if (json_is_object(v)) {
		buf_adds(b, "{ ");
		json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
			migrate_option_quote(b, key);
			buf_adds(b, " = ");
			migrate_option_value(b, item);
			buf_adds(b, "; ");
		}
		buf_adds(b, "}");
	} else {
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		buf_adds(b, text == NULL ? "null" : text);
		free(text);
	}
}
