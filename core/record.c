#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "file.h"
#include "record.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

#define DEPTH_MAX 64
/* Of a wrong value this much is shown. */
#define SHOWN_MAX 80

static const char *const type_names[] = {
	[RECORD_STR] = "a string",
	[RECORD_INT] = "an integer",
	[RECORD_REAL] = "a number",
	[RECORD_BOOL] = "true or false",
	[RECORD_JSON] = "any value",
};

static void *
member(const struct record_field *f, void *base)
{
	return ((char *)base + f->offset);
}

/* The value of a member that ${type} says is there. */
#define MEMBER(type, f, base) \
	(*(type const *)(const void *)((const char *)(base) + (f)->offset))

/* ${v} as text for people, cut to SHOWN_MAX. */
static char *
shown(const json_t *v)
{
	char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT |
	    JSON_ENSURE_ASCII);
	char *out;

	if (s == NULL)
		return (str_dup("what cannot be shown"));
	if (strlen(s) <= SHOWN_MAX)
		return (s);
	out = str_printf("%.*s...", SHOWN_MAX, s);
	free(s);
	return (out);
}

static int
wrong_type(const struct record_field *f, const json_t *v, struct err *e)
{
	char *got = shown(v);

	err_set(e, ERR_INPUT, "field \"%s\" must be %s, not %s", f->name,
	    type_names[f->type], got);
	free(got);
	return (-1);
}

static int
wrong_word(const struct record_field *f, const json_t *v, const char *word,
    struct err *e)
{
	struct buf list = { 0 };
	const char *near;
	size_t n = 0;
	char *got;

	for (; f->allowed[n] != NULL; n++)
		buf_addf(&list, "%s%s", n == 0 ? "" : ", ", f->allowed[n]);
	near = str_nearest(word, f->allowed, n);
	got = shown(v);
	err_set(e, ERR_INPUT, "field \"%s\" must be one of %s, not %s%s%s%s",
	    f->name, list.data, got, near == NULL ? "" : " (did you mean ",
	    near == NULL ? "" : near, near == NULL ? "" : "?)");
	free(got);
	buf_free(&list);
	return (-1);
}

/* A NUL inside, which a C string cannot hold, becomes U+FFFD. */
static char *
string_of(const json_t *v)
{
	struct buf b = { 0 };

	utf8_clean(&b, json_string_value(v), json_string_length(v));
	return (buf_take(&b));
}

static int
decode_str(const struct record_field *f, json_t *v, void *out, struct err *e)
{
	char *s;

	if (!json_is_string(v))
		return (wrong_type(f, v, e));
	s = string_of(v);
	if (f->allowed != NULL) {
		size_t i = 0;

		while (f->allowed[i] != NULL && !str_eq(f->allowed[i], s))
			i++;
		if (f->allowed[i] == NULL) {
			wrong_word(f, v, s, e);
			free(s);
			return (-1);
		}
	}
	*(char **)out = s;
	return (0);
}

static int
decode_int(const struct record_field *f, json_t *v, void *out, struct err *e)
{
	double d;

	if (json_is_integer(v)) {
		*(int64_t *)out = json_integer_value(v);
		return (0);
	}
	d = json_real_value(v);
	/* 2^63 is the first that does not fit; a NaN fails every test. */
	if (!json_is_real(v) || !(d >= -0x1p63 && d < 0x1p63) ||
	    d != (double)(int64_t)d)
		return (wrong_type(f, v, e));
	*(int64_t *)out = (int64_t)d;
	return (0);
}

static int
decode_field(const struct record_field *f, json_t *v, void *out, struct err *e)
{
	switch (f->type) {
	case RECORD_STR:
		return (decode_str(f, v, out, e));
	case RECORD_INT:
		return (decode_int(f, v, out, e));
	case RECORD_REAL:
		if (!json_is_number(v))
			return (wrong_type(f, v, e));
		*(double *)out = json_number_value(v);
		return (0);
	case RECORD_BOOL:
		if (!json_is_boolean(v))
			return (wrong_type(f, v, e));
		*(bool *)out = json_is_true(v);
		return (0);
	case RECORD_JSON:
		*(json_t **)out = json_incref(v);
		return (0);
	}
	return (-1);
}

static size_t
size_of(enum record_type type)
{
	switch (type) {
	case RECORD_INT:
		return (sizeof(int64_t));
	case RECORD_REAL:
		return (sizeof(double));
	case RECORD_BOOL:
		return (sizeof(bool));
	default:
		return (sizeof(void *));
	}
}

static void
set_absent(const struct record_field *f, void *out)
{
	memset(out, 0, size_of(f->type));
	if (f->type == RECORD_INT && (f->flags & RECORD_NULL))
		*(int64_t *)out = RECORD_NONE;
}

int
record_decode(const struct record_field *fields, size_t n, const json_t *obj,
    void *out, struct err *e)
{
	json_t *v;

	for (size_t i = 0; i < n; i++)
		set_absent(&fields[i], member(&fields[i], out));
	if (!json_is_object(obj))
		return (err_set(e, ERR_INPUT, "a JSON object is needed"));
	for (size_t i = 0; i < n; i++) {
		v = json_object_get(obj, fields[i].name);
		if (v == NULL || json_is_null(v)) {
			if (!(fields[i].flags & RECORD_REQ))
				continue;
			err_set(e, ERR_INPUT, "field \"%s\" (%s) is missing",
			    fields[i].name, type_names[fields[i].type]);
			goto err1;
		}
		if (decode_field(&fields[i], v, member(&fields[i], out), e) ==
		    -1)
			goto err1;
	}
	return (0);

err1:
	record_free(fields, n, out);
	return (-1);
}

/* The JSON value, which is NULL for what is to be left out. */
static json_t *
encode_str(const struct record_field *f, const char *s)
{
	struct buf b = { 0 };
	json_t *v;

	if ((s == NULL || *s == '\0') && (f->flags & RECORD_OMIT))
		return (NULL);
	if (s == NULL)
		return (f->flags & RECORD_NULL ? json_null() : json_string(""));
	if ((v = json_string(s)) != NULL)
		return (v);
	utf8_clean(&b, s, strlen(s));
	v = json_stringn(b.data, b.len);
	buf_free(&b);
	return (v);
}

static json_t *
encode_int(const struct record_field *f, int64_t v)
{
	if ((v == 0 || v == RECORD_NONE) && (f->flags & RECORD_OMIT))
		return (NULL);
	if (v == RECORD_NONE && (f->flags & RECORD_NULL))
		return (json_null());
	return (json_integer(v));
}

static json_t *
encode_field(const struct record_field *f, const void *in)
{
	bool omit = f->flags & RECORD_OMIT;
	json_t *v;

	switch (f->type) {
	case RECORD_STR:
		return (encode_str(f, MEMBER(char *, f, in)));
	case RECORD_INT:
		return (encode_int(f, MEMBER(int64_t, f, in)));
	case RECORD_REAL:
		if (omit && fpclassify(MEMBER(double, f, in)) == FP_ZERO)
			return (NULL);
		/* JSON knows no infinity and no NaN. */
		v = json_real(MEMBER(double, f, in));
		return (v == NULL ? json_null() : v);
	case RECORD_BOOL:
		if (omit && !MEMBER(bool, f, in))
			return (NULL);
		return (json_boolean(MEMBER(bool, f, in)));
	case RECORD_JSON:
		v = MEMBER(json_t *, f, in);
		if (v == NULL)
			return (omit ? NULL : json_null());
		return (json_incref(v));
	}
	return (NULL);
}

json_t *
record_encode(const struct record_field *fields, size_t n, const void *in)
{
	json_t *obj = json_object(), *v;

	for (size_t i = 0; i < n; i++) {
		v = encode_field(&fields[i], in);
		if (v != NULL &&
		    json_object_set_new(obj, fields[i].name, v) == -1)
			abort();
	}
	return (obj);
}

json_t *
record_time(int64_t ms)
{
	char text[TICK_TEXT];

	return (ms > 0 ? json_string(tick_text(ms, text)) : json_null());
}

json_t *
record_time_s(int64_t ms)
{
	char text[TICK_TEXT];

	return (ms > 0 ? json_string(tick_text_s(ms, text)) : json_null());
}

void
record_free(const struct record_field *fields, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++) {
		void *p = member(&fields[i], base);

		if (fields[i].type == RECORD_STR)
			free(*(char **)p);
		else if (fields[i].type == RECORD_JSON)
			json_decref(*(json_t **)p);
		else
			continue;
		memset(p, 0, sizeof(void *));
	}
}

/* Nesting of [p, p+n); jansson itself would go down 2048 levels. */
static bool
too_deep(const char *p, size_t n)
{
	bool string = false;
	int depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (string && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			string = !string;
		else if (!string && (p[i] == '{' || p[i] == '[')) {
			if (++depth > DEPTH_MAX)
				return (true);
		} else if (!string && (p[i] == '}' || p[i] == ']'))
			depth--;
	}
	return (false);
}

int
record_parse(const char *text, size_t len, json_t **out, struct err *e)
{
	json_error_t why;
	json_t *v;

	if (too_deep(text, len))
		return (err_set(e, ERR_INPUT,
		    "JSON is nested more than %d levels deep", DEPTH_MAX));
	if ((v = json_loadb(text, len, JSON_ALLOW_NUL, &why)) == NULL)
		return (err_set(e, ERR_INPUT, "not JSON: line %d: %s", why.line,
		    why.text));
	if (!json_is_object(v)) {
		json_decref(v);
		return (err_set(e, ERR_INPUT, "not a JSON object"));
	}
	*out = v;
	return (0);
}

int
record_read(const char *path, size_t max, const struct record_field *fields,
    size_t n, void *out, struct err *e)
{
	struct buf text = { 0 };
	json_t *obj = NULL;
	int rc = -1;

	if (file_read(path, max, &text, e) == -1)
		goto out;
	if (record_parse(text.data != NULL ? text.data : "", text.len, &obj,
	    e) == -1 || record_decode(fields, n, obj, out, e) == -1) {
		err_wrap(e, "%s", path);
		if (e != NULL)
			e->code = ERR_DAMAGED;
		goto out;
	}
	rc = 0;
out:
	json_decref(obj);
	buf_free(&text);
	return (rc);
}

int
record_write(const char *path, mode_t mode, const struct record_field *fields,
    size_t n, const void *in, struct err *e)
{
	json_t *obj = record_encode(fields, n, in);
	char *text = json_dumps(obj, JSON_INDENT(1));
	int rc;

	json_decref(obj);
	if (text == NULL)
		abort();
	rc = file_write(path, text, strlen(text), mode, e);
	str_wipefree(&text);
	return (rc);
}
