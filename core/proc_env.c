#include <stdlib.h>
#include <string.h>

#include "proc.h"
#include "str.h"

/* Where ${name} is, or goes. */
static size_t
place(const struct proc_env *env, const char *name)
{
	size_t len = strlen(name), i = 0;

	while (i < env->n && (strncmp(env->vars[i], name, len) != 0 ||
	    env->vars[i][len] != '='))
		i++;
	return (i);
}

void
proc_env_set(struct proc_env *env, const char *name, const char *value)
{
	size_t i = place(env, name);

	if (i == env->n) {
		char **vars = str_alloc((env->n + 2) * sizeof(*vars));

		if (env->n > 0)
			memcpy(vars, env->vars, env->n * sizeof(*vars));
		free(env->vars);
		env->vars = vars;
		env->n++;
	} else
		free(env->vars[i]);
	env->vars[i] = str_printf("%s=%s", name, value);
}

void
proc_env_keep(struct proc_env *env, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL)
		proc_env_set(env, name, value);
}

const char *const *
proc_env_get(const struct proc_env *env)
{
	static const char *const empty[] = { NULL };

	return (env->n == 0 ? empty : (const char *const *)env->vars);
}

void
proc_env_free(struct proc_env *env)
{
	for (size_t i = 0; i < env->n; i++)
		str_wipefree(&env->vars[i]);
	free(env->vars);
	*env = (struct proc_env){ 0 };
}
