#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "migrate_expr.h"
#include "migrate_option.h"
#include "migrate_setup.h"
#include "proc.h"
#include "record.h"
#include "str.h"

#define SERVICE	   "services.nixfleet-agent."
#define ANSWER_MAX (8 << 20)
/* A large configuration on a small machine, its inputs not fetched yet. */
#define DEADLINE (15 * 60 * 1000)

extern char **environ;

/* The line of ${file} where ${option} is set; 0 if it is not plain. */
static int
line_of(const char *file, const char *option)
{
	size_t len = strlen(option);
	struct buf b = { 0 };
	const char *p, *q;
	int found = 0, line = 1;

	if (file_read(file, 1 << 20, &b, NULL) == -1 || b.data == NULL) {
		buf_free(&b);
		return (0);
	}
	for (p = b.data; *p != '\0'; p++) {
		line += *p == '\n';
		if (strncmp(p, option, len) != 0 ||
		    (p > b.data && strchr(" \t\n.{;", p[-1]) == NULL))
			continue;
		q = p + len + strspn(p + len, " \t\n");
		if (*q == '=' && q[1] != '=')
			found = found == 0 ? line : -1;
	}
	buf_free(&b);
	return (found > 0 ? found : 0);
}

static char *
origin_of(const char *option, const char *file)
{
	int line = line_of(file, option);

	return (line == 0
		? str_printf("%s%s in %s", SERVICE, option, file)
		: str_printf("%s%s in %s:%d", SERVICE, option, file, line));
}

static char *
text_of(const json_t *v)
{
	if (json_is_string(v))
		return (str_dup(json_string_value(v)));
	if (json_is_integer(v))
		return (str_printf("%lld", (long long)json_integer_value(v)));
	return (json_is_boolean(v) ? str_dup(json_is_true(v) ? "true" : "false")
				   : NULL);
}

/* One option: a setting, the service's user, or something to keep. */
static void
take(struct migrate_setup *s, struct migrate_given *g, const char *option,
    const json_t *told)
{
	const char *file = json_string_value(json_object_get(told, "file"));
	json_t *value = json_object_get(told, "value");
	const struct migrate_option *o = migrate_option_find(option);
	char *text = text_of(value), *origin;

	if (str_eq(option, "user") && text != NULL && *text != '\0')
		s->user = str_dup(text);
	else if (o != NULL && text != NULL && !str_eq(option, "user")) {
		origin = origin_of(option, file == NULL ? "" : file);
		migrate_given_add(
		    g, settings_table[o->setting].name, text, origin);
		free(origin);
	} else if (!str_eq(option, "user"))
		json_object_set(s->more, option, value);
	free(text);
}

static int
setup_of(const json_t *found, const char *path, struct migrate_setup **out,
    struct err *e)
{
	struct migrate_setup *s = str_alloc(sizeof(*s));
	const char *kind = json_string_value(json_object_get(found, "kind"));
	const char *host = json_string_value(json_object_get(found, "host"));
	struct migrate_given g = { 0 };
	const char *option;
	json_t *told;

	s->source = str_dup(path);
	s->host = host == NULL || *host == '\0' ? NULL : str_dup(host);
	s->form = str_eq(kind, "home") ? MIGRATE_HOME
	    : str_eq(kind, "darwin")   ? MIGRATE_DARWIN
				       : MIGRATE_NIXOS;
	s->more = json_object();
	json_object_foreach (json_object_get(found, "options"), option, told)
		take(s, &g, option, told);
	if (migrate_given_take(&g, s, e) == -1) {
		migrate_setup_free(&s);
		return (-1);
	}
	s->v3 = json_is_true(json_object_get(found, "v3"));
	*out = s;
	return (0);
}

static char *
quoted(const char *s)
{
	struct buf b = { 0 };

	migrate_option_quote(&b, s);
	return (buf_take(&b));
}

/* What nix says last is why; what it says before is how it got there. */
static int
nix_failed(const struct proc_spec *spec, struct proc_result *res, struct err *e)
{
	char *why = NULL, *end;

	if (proc_check(spec, res, e) == 0)
		return (0);
	if (res->end != PROC_EXITED || res->err.data == NULL)
		return (-1);
	for (char *p = res->err.data; (p = strstr(p, "error: ")) != NULL; p++)
		why = p + strlen("error: ");
	if (why == NULL)
		return (-1);
	if ((end = strstr(why, "\n(use '--show-trace'")) != NULL)
		*end = '\0';
	return (err_set(e, ERR_CHILD, "%.700s", str_trim(why)));
}

static int
evaluate(const char *path, const char *host, json_t **out, struct err *e)
{
	const char *base =
	    strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
	char *p = quoted(path), *h = quoted(host == NULL ? "" : host);
	char *expression = str_printf("(%s) { path = %s; host = %s; "
				      "kind = \"%s\"; }",
	    migrate_expr, p, h, str_eq(base, "home.nix") ? "home" : "nixos");
	const char *argv[] = { "nix", "eval", "--impure", "--json",
		"--extra-experimental-features", "nix-command flakes", "--expr",
		expression, NULL };
	struct proc_spec spec = { .argv = argv,
		.env = (const char *const *)environ,
		.deadline = DEADLINE,
		.stop_fd = -1,
		.keep_out = ANSWER_MAX,
		.keep_err = 8192 };
	struct proc_result res = { 0 };
	int rc = -1;

	if (proc_run(&spec, &res, e) == 0 && nix_failed(&spec, &res, e) == 0)
		rc = record_parse(res.out.data, res.out.len, out, e);
	if (rc == -1)
		err_wrap(e, "%s: nix cannot evaluate it", path);
	proc_result_free(&res);
	free(expression);
	free(p);
	free(h);
	return (rc);
}

static int
nothing(const json_t *answer, const char *path, const char *host, struct err *e)
{
	struct buf names = { 0 };
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(answer, "names"), i, name)
		if (names.len < 300 && json_string_length(name) > 0)
			buf_addf(&names, "%s%s", names.len > 0 ? ", " : "",
			    json_string_value(name));
	if (names.len == 0)
		err_set(e, ERR_NOTFOUND,
		    "%s: no services.nixfleet-agent is "
		    "enabled in it",
		    path);
	else
		err_set(e, ERR_NOTFOUND,
		    "%s: no services.nixfleet-agent is "
		    "enabled for %s; its configurations are: %s (nixfleet "
		    "migrate %s HOST, or --all)",
		    path, host == NULL ? "any host" : host, names.data, path);
	buf_free(&names);
	return (-1);
}

int
migrate_setup_nix(const char *path, const char *host,
    struct migrate_setup **out, struct err *e)
{
	struct migrate_setup *list = NULL, **end = &list;
	char *real = realpath(path, NULL);
	json_t *answer = NULL, *found;
	size_t i;
	int rc;

	if (real == NULL)
		return (err_sys(e, "%s", path));
	rc = evaluate(real, host, &answer, e);
	json_array_foreach (json_object_get(answer, "found"), i, found) {
		if (rc == 0 && (rc = setup_of(found, path, end, e)) == 0)
			end = &(*end)->next;
	}
	if (rc == 0 && list == NULL)
		rc = nothing(answer, path, host, e);
	json_decref(answer);
	free(real);
	if (rc == 0)
		*out = list;
	else
		migrate_setup_free(&list);
	return (rc);
}
