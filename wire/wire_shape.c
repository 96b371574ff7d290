#include <string.h>

#include "names.h"
#include "ulid.h"
#include "wire_shape.h"

typedef int	shape_check(const char *, void *, struct err *);

static int
want(const char *field, const char *what, struct err *e)
{
	return (err_set(e, ERR_INPUT, "field %s must be %s", field, what));
}

static int
check_ulid(const char *field, void *v, struct err *e)
{
	if (!ulid_valid(v))
		return (want(field, "an operation id (ULID)", e));
	return (0);
}

static int
check_object(const char *field, void *v, struct err *e)
{
	if (!json_is_object((json_t *)v))
		return (want(field, "an object", e));
	return (0);
}

static int
check_resume(const char *field, void *v, struct err *e)
{
	const char *op_id;
	json_t *seq;

	if (check_object(field, v, e) == -1)
		return (-1);
	json_object_foreach (v, op_id, seq)
		if (!ulid_valid(op_id) || !json_is_integer(seq))
			return (want(field, "operation ids with the number "
			    "of the next record each", e));
	return (0);
}

static int
check_metrics(const char *field, void *v, struct err *e)
{
	const char *key;
	json_t *num;

	if (check_object(field, v, e) == -1)
		return (-1);
	json_object_foreach (v, key, num)
		if (!json_is_number(num) && !json_is_null(num) &&
		    (strcmp(key, "cpu") == 0 || strcmp(key, "ram") == 0 ||
		    strcmp(key, "swap") == 0 || strcmp(key, "load") == 0))
			return (err_set(e, ERR_INPUT,
			    "field %s.%s must be a number", field, key));
	return (0);
}

/* One compartment: {status, message, checked_at}, or null. */
static int
check_compartment(const char *field, const char *name, const json_t *c,
    struct err *e)
{
	static const char *const members[] = { "status", "message",
		"checked_at" };
	const json_t *v;

	if (c == NULL || json_is_null(c))
		return (0);
	if (!json_is_object(c))
		return (err_set(e, ERR_INPUT, "field %s.%s must be an object",
		    field, name));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if ((v = json_object_get(c, members[i])) != NULL &&
		    !json_is_string(v) && !json_is_null(v))
			return (err_set(e, ERR_INPUT, "field %s.%s.%s must be "
			    "a string", field, name, members[i]));
	return (0);
}

static int
check_update_status(const char *field, void *v, struct err *e)
{
	if (check_object(field, v, e) == -1)
		return (-1);
	for (int c = 0; c < COMPARTMENT_COUNT; c++)
		if (check_compartment(field, names_compartment(c),
		    json_object_get(v, names_compartment(c)), e) == -1)
			return (-1);
	return (0);
}

static int
check_lines(const char *field, void *v, struct err *e)
{
	const json_t *line, *t, *d;
	size_t i;

	if (!json_is_array((json_t *)v))
		return (want(field, "an array", e));
	json_array_foreach (v, i, line) {
		t = json_object_get(line, "t");
		if (!json_is_string(t) || memchr(json_string_value(t), '\0',
		    json_string_length(t)) != NULL)
			return (err_set(e, ERR_INPUT, "field %s[%zu].t must "
			    "be a string without NUL", field, i));
		if (names_stream_parse(json_string_value(
		    json_object_get(line, "s"))) == -1)
			return (err_set(e, ERR_INPUT, "field %s[%zu].s must "
			    "be \"stdout\", \"stderr\" or \"note\"", field, i));
		if ((d = json_object_get(line, "d")) != NULL &&
		    !json_is_integer(d))
			return (err_set(e, ERR_INPUT, "field %s[%zu].d must "
			    "be an integer", field, i));
	}
	return (0);
}

static int
check_phases(const char *field, void *v, struct err *e)
{
	const json_t *phase;
	size_t i;

	if (!json_is_array((json_t *)v))
		return (want(field, "an array", e));
	json_array_foreach (v, i, phase)
		if (!json_is_string(json_object_get(phase, "name")) ||
		    !json_is_integer(json_object_get(phase, "ms")))
			return (err_set(e, ERR_INPUT, "field %s[%zu] must have "
			    "a string \"name\" and an integer \"ms\"", field,
			    i));
	return (0);
}

static const struct {
	const char *field;
	shape_check *check;
} shapes[] = {
	{ "op_id", check_ulid },
	{ "resume", check_resume },
	{ "metrics", check_metrics },
	{ "update_status", check_update_status },
	{ "facts", check_object },
	{ "lines", check_lines },
	{ "phases", check_phases },
	{ "changes", check_object },
	{ "args", check_object },
	{ "progress", check_object },
};

int
wire_shape_check(const struct record_field *f, void *v, struct err *e)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (strcmp(shapes[i].field, f->name) == 0)
			return (shapes[i].check(f->name, v, e));
	return (0);
}
