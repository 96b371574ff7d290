#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agenthost.h"
#include "file.h"
#include "str.h"

#include "installed.h"

#define STORE "/nix/store/"
#define PROGRAM "nixfleet-agent"

static char *
expand(const char *place, const struct passwd *pw)
{
	const char *mark = strchr(place, '%'), *value, *env = getenv("HOME");

	if (mark == NULL)
		return (str_dup(place));
	if (mark[1] == 'u')
		value = pw != NULL ? pw->pw_name : "";
	else
		value = env != NULL ? env : pw != NULL ? pw->pw_dir : "";
	return (str_printf("%.*s%s%s", (int)(mark - place), place, value,
	    mark + 2));
}

static char *
by_path(void)
{
	const char *p = getenv("PATH"), *end;
	char *dir, *file;

	for (; p != NULL && *p != '\0'; p = *end == ':' ? end + 1 : end) {
		end = p + strcspn(p, ":");
		dir = str_ndup(p, (size_t)(end - p));
		file = file_join(dir, PROGRAM);
		free(dir);
		if (file[0] == '/' && access(file, X_OK) == 0)
			return (file);
		free(file);
	}
	return (NULL);
}

char *
installed_agent(void)
{
	const struct passwd *pw = getpwuid(getuid());
	char *path;
	const char *const *place;

	for (place = agenthost_programs; *place != NULL; place++) {
		path = expand(*place, pw);
		if (access(path, X_OK) == 0)
			return (path);
		free(path);
	}
	return (by_path());
}

bool
installed_changed(const char *running, const char *candidate)
{
	char *resolved;
	bool changed;

	if (!str_prefix(running, STORE) || candidate == NULL ||
	    (resolved = realpath(candidate, NULL)) == NULL)
		return (false);
	changed = str_prefix(resolved, STORE) && !str_eq(resolved, running);
	free(resolved);
	return (changed);
}
