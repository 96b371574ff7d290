#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "file.h"
#include "settings.h"
#include "settings_file.h"
#include "settings_value.h"
#include "str.h"

#define PREFIX "NIXFLEET_"
#define FILE_MAX (1 << 20)
#define SECRET_MAX (1 << 16)

struct value {
	char *text;		/* NULL: unset */
	char *origin;		/* NULL: default or unset */
	int64_t number;
};

struct settings {
	unsigned program;
	struct value values[SET_COUNT];
	char **warnings;	/* NULL-terminated */
	size_t nwarnings;
};

/* What is collected while loading. */
struct load {
	struct settings *s;
	const char *file;	/* NULL: the environment */
	struct buf wrong;	/* a line for each */
	int nwrong;
};

static int
find(const char *name)
{
	for (int i = 0; i < SET_COUNT; i++)
		if (strcmp(settings_table[i].name, name) == 0)
			return (i);
	return (-1);
}

static bool
is_ours(const struct settings *s, const struct setting_def *def)
{
	return ((def->programs & s->program) != 0);
}

static void
report(struct load *l, const char *name, const char *origin, const char *text)
{
	buf_addf(&l->wrong, "%s%s (%s): %s", l->nwrong == 0 ? "" : "\n", name,
	    origin, text);
	l->nwrong++;
}

static void
report_unknown(struct load *l, const char *name, const char *origin)
{
	const char *names[SET_COUNT], *near;
	size_t n = 0;
	char *text;

	/* Without the prefix, which would make all names alike. */
	for (int i = 0; i < SET_COUNT; i++)
		if (is_ours(l->s, &settings_table[i]) &&
		    !(settings_table[i].flags & SETTING_IGNORED))
			names[n++] = settings_table[i].name + strlen(PREFIX);
	near = str_nearest(name + strlen(PREFIX), names, n);
	text = str_printf("there is no such setting%s%s%s",
	    near == NULL ? "" : "; did you mean " PREFIX,
	    near == NULL ? "" : near, near == NULL ? "" : "?");
	report(l, name, origin, text);
	free(text);
}

static void
warn(struct settings *s, char *text)
{
	char **w = str_alloc((s->nwarnings + 2) * sizeof(*w));

	if (s->nwarnings > 0)
		memcpy(w, s->warnings, s->nwarnings * sizeof(*w));
	free(s->warnings);
	s->warnings = w;
	s->warnings[s->nwarnings++] = text;
}

/* Names of other programs count as known, and as nothing more. */
static void
assign(struct load *l, const char *name, const char *value, const char *origin)
{
	const struct setting_def *def;
	struct value *v;
	int i;

	if (!str_prefix(name, PREFIX))
		return;
	if ((i = find(name)) == -1) {
		report_unknown(l, name, origin);
		return;
	}
	def = &settings_table[i];
	v = &l->s->values[i];
	if (!is_ours(l->s, def) || *value == '\0')
		return;
	/* What was read before it, the environment, wins over the file. */
	if (l->file != NULL && v->origin != NULL &&
	    !str_prefix(v->origin, l->file))
		return;
	str_wipefree(&v->text);
	free(v->origin);
	v->text = str_dup(value);
	v->origin = str_dup(origin);
}

static void
load_environment(struct load *l, const char *const *env)
{
	const char *equals;
	char *name;

	for (; *env != NULL; env++) {
		if ((equals = strchr(*env, '=')) == NULL)
			continue;
		name = str_ndup(*env, (size_t)(equals - *env));
		assign(l, name, equals + 1, "environment");
		free(name);
	}
}

static void
on_file_value(void *cookie, int line, const char *name, const char *value)
{
	struct load *l = cookie;
	char *origin = str_printf("%s:%d", l->file, line);

	assign(l, name, value, origin);
	free(origin);
}

static void
load_file(struct load *l)
{
	struct buf b = { 0 };
	struct err e;

	l->file = l->s->values[SET_CONFIG].text;
	if (l->file == NULL)
		return;
	if (file_read(l->file, FILE_MAX, &b, &e) == -1 ||
	    settings_file_parse(b.data, b.len, on_file_value, l, &e) == -1)
		report(l, settings_table[SET_CONFIG].name, l->file, e.text);
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
}

static void
check_value(struct load *l, const struct setting_def *def, struct value *v)
{
	struct err e;
	int rc;

	if (def->flags & SETTING_IGNORED) {
		if (v->text != NULL)
			warn(l->s, str_printf("%s (%s) has no effect: %s",
			    def->name, v->origin, def->help));
		return;
	}
	if (v->text == NULL) {
		if (def->fallback == NULL)
			return;
		v->text = str_dup(def->fallback);
		rc = settings_value_check(def, v->text, &v->number, &e);
		assert(rc == 0);
		(void)rc;
		return;
	}
	if (settings_value_check(def, v->text, &v->number, &e) == -1)
		report(l, def->name, v->origin, e.text);
	if (def->flags & SETTING_DEPRECATED)
		warn(l->s, str_printf("%s (%s) is deprecated: %s", def->name,
		    v->origin, def->help));
}

/* All that is wrong, or as many whole lines of it as an error can hold. */
static int
fail(const struct load *l, struct err *e)
{
	const size_t room = ERR_TEXT - 64;
	const char *text = l->wrong.data;
	int shown = 0;
	size_t n = 0, len;

	while (shown < l->nwrong) {
		len = strcspn(text + n, "\n");
		if (n + len > room && shown > 0)
			break;
		n += len + 1;
		shown++;
	}
	if (shown == l->nwrong)
		return (err_set(e, ERR_INPUT, "%s", text));
	return (err_set(e, ERR_INPUT, "%.*s\n(and %d more)", (int)(n - 1), text,
	    l->nwrong - shown));
}

static struct load
begin(unsigned program)
{
	struct load l = { .s = str_alloc(sizeof(struct settings)) };

	l.s->program = program;
	l.s->warnings = str_alloc(sizeof(*l.s->warnings));
	return (l);
}

/* All but the environment is the same for everybody. */
static int
finish(struct load *l, struct settings **out, struct err *e)
{
	int rc = 0;

	load_file(l);
	for (int i = 0; i < SET_COUNT; i++)
		if (is_ours(l->s, &settings_table[i]))
			check_value(l, &settings_table[i], &l->s->values[i]);
	if (l->nwrong > 0) {
		rc = fail(l, e);
		settings_free(&l->s);
	} else
		*out = l->s;
	buf_free(&l->wrong);
	return (rc);
}

int
settings_load(unsigned program, const char *const *env, struct settings **out,
    struct err *e)
{
	struct load l = begin(program);

	load_environment(&l, env);
	return (finish(&l, out, e));
}

int
settings_load_given(unsigned program, const struct settings_given *given,
    size_t n, struct settings **out, struct err *e)
{
	struct load l = begin(program);

	for (size_t i = 0; i < n; i++)
		assign(&l, given[i].name, given[i].value, given[i].origin);
	return (finish(&l, out, e));
}

void
settings_free(struct settings **s)
{
	if (*s == NULL)
		return;
	for (int i = 0; i < SET_COUNT; i++) {
		str_wipefree(&(*s)->values[i].text);
		free((*s)->values[i].origin);
	}
	for (size_t i = 0; i < (*s)->nwarnings; i++)
		free((*s)->warnings[i]);
	free((*s)->warnings);
	free(*s);
	*s = NULL;
}

const char *
settings_str(const struct settings *s, enum setting i)
{
	assert(is_ours(s, &settings_table[i]));
	return (s->values[i].text);
}

int64_t
settings_int(const struct settings *s, enum setting i)
{
	assert(is_ours(s, &settings_table[i]));
	assert(settings_table[i].type == SETTING_INT ||
	    settings_table[i].type == SETTING_SECONDS);
	return (s->values[i].number);
}

bool
settings_bool(const struct settings *s, enum setting i)
{
	assert(is_ours(s, &settings_table[i]));
	assert(settings_table[i].type == SETTING_BOOL);
	return (s->values[i].number != 0);
}

const char *
settings_origin(const struct settings *s, enum setting i)
{
	const struct value *v = &s->values[i];

	if (v->origin != NULL)
		return (v->origin);
	return (v->text == NULL ? "unset" : "default");
}

const char *const *
settings_warnings(const struct settings *s)
{
	return ((const char *const *)s->warnings);
}

struct wanted {
	const char *name;
	char *value;
};

static void
on_secret_value(void *cookie, int line, const char *name, const char *value)
{
	struct wanted *w = cookie;

	(void)line;
	if (strcmp(name, w->name) != 0)
		return;
	str_wipefree(&w->value);
	w->value = str_dup(value);
}

/* Is there a line NIXFLEET_...= in the text? */
static bool
has_assignment(const char *text)
{
	const char *p = text;
	size_t n;

	while ((p = strstr(p, PREFIX)) != NULL) {
		n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		if ((p == text || strchr("\n \t", p[-1]) != NULL) &&
		    p[n + strspn(p + n, " \t")] == '=')
			return (true);
		p += n;
	}
	return (false);
}

/* ${text} is changed. */
static int
secret_in(const char *path, const char *name, char *text, char **out,
    struct err *e)
{
	struct wanted w = { .name = name };
	char *bare;

	if (!has_assignment(text)) {
		bare = str_trim(text);
		if (*bare == '\0')
			return (err_set(e, ERR_INPUT, "%s is empty", path));
		if (strpbrk(bare, "\r\n") != NULL)
			return (err_set(e, ERR_INPUT,
			    "%s holds more than one line: it must hold the "
			    "bare secret or %s=...", path, name));
		*out = str_dup(bare);
		return (0);
	}
	if (settings_file_parse(text, strlen(text), on_secret_value, &w, e) ==
	    -1) {
		str_wipefree(&w.value);
		return (err_wrap(e, "%s", path));
	}
	if (w.value == NULL || w.value[0] == '\0') {
		str_wipefree(&w.value);
		return (err_set(e, ERR_INPUT, "%s does not set %s", path,
		    name));
	}
	*out = w.value;
	return (0);
}

int
settings_secret(const struct settings *s, enum setting value, enum setting file,
    char **out, struct err *e)
{
	const char *path = settings_str(s, file);
	struct buf b = { 0 };
	int rc;

	if (settings_str(s, value) != NULL || path == NULL) {
		*out = str_dup(settings_str(s, value));
		return (0);
	}
	if ((rc = file_read(path, SECRET_MAX, &b, e)) == 0) {
		buf_adds(&b, "");
		if (strlen(b.data) != b.len)
			rc = err_set(e, ERR_INPUT, "%s holds a NUL", path);
		else
			rc = secret_in(path, settings_table[value].name,
			    b.data, out, e);
	}
	if (rc == -1)
		err_wrap(e, "%s (%s)", settings_table[file].name,
		    settings_origin(s, file));
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
	return (rc);
}

void
settings_explain(const struct settings *s, FILE *f)
{
	const struct setting_def *def;
	const char *text;

	fprintf(f, "%-30s %-32s %-20s %s\n", "SETTING", "VALUE", "ORIGIN",
	    "MEANING");
	for (int i = 0; i < SET_COUNT; i++) {
		def = &settings_table[i];
		text = s->values[i].text;
		if (!is_ours(s, def) || (def->flags & SETTING_IGNORED))
			continue;
		if (text == NULL)
			text = "-";
		else if (def->flags & SETTING_SECRET)
			text = "set";
		fprintf(f, "%-30s %-32s %-20s %s\n", def->name, text,
		    settings_origin(s, (enum setting)i), def->help);
	}
}

void
settings_help(unsigned program, FILE *f)
{
	const struct setting_def *def;

	for (int i = 0; i < SET_COUNT; i++) {
		def = &settings_table[i];
		if (!(def->programs & program) ||
		    (def->flags & SETTING_IGNORED))
			continue;
		fprintf(f, "  %-30s %s", def->name, def->help);
		if (def->fallback != NULL)
			fprintf(f, " (default: %s)", def->fallback);
		fputc('\n', f);
	}
}
