#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "str.h"
#include "wire.h"
#include "wire_shape.h"
#include "wire_table.h"

const char *
wire_name(enum wire_type type)
{
	return (wire_table[type].name);
}

int
wire_dialect(enum wire_type type)
{
	return (wire_table[type].dialect);
}

static int
find_type(const char *name, enum wire_dir from)
{
	for (int i = 0; i < WIRE_TYPE_COUNT; i++)
		if (wire_table[i].from == from &&
		    strcmp(wire_table[i].name, name) == 0)
			return (i);
	return (-1);
}

/* The inner form of every string and JSON member that came. */
static int
check_members(const struct wire_row *row, struct wire_msg *msg, struct err *e)
{
	const struct record_field *f;
	void *v;

	for (f = row->fields; f < row->fields + row->n; f++) {
		if (f->type != RECORD_STR && f->type != RECORD_JSON)
			continue;
		memcpy(&v, (char *)&msg->u + f->offset, sizeof(v));
		if (v != NULL && wire_shape_check(f, v, e) == -1)
			return (-1);
	}
	return (0);
}

static int
decode_payload(enum wire_type type, const json_t *obj, struct wire_msg *msg,
    struct err *e)
{
	const struct wire_row *row = &wire_table[type];
	struct wire_msg m = { .type = type };
	const json_t *payload = json_object_get(obj, "payload");

	if (!json_is_object(payload))
		return (err_set(e, ERR_INPUT, "message %s: field payload must "
		    "be an object", row->name));
	if (record_decode(row->fields, row->n, payload, &m.u, e) == -1)
		return (err_wrap(e, "message %s", row->name));
	if (check_members(row, &m, e) == -1) {
		wire_free(&m);
		return (err_wrap(e, "message %s", row->name));
	}
	*msg = m;
	return (0);
}

int
wire_decode(const char *text, size_t len, enum wire_dir from,
    struct wire_msg *msg, struct err *e)
{
	const char *name;
	json_t *obj;
	int type, rc;

	if (record_parse(text, len, &obj, e) == -1)
		return (err_wrap(e, "message"));
	if ((name = json_string_value(json_object_get(obj, "type"))) == NULL)
		rc = err_set(e, ERR_INPUT, "message: field type must be a "
		    "string");
	else if ((type = find_type(name, from)) == -1)
		rc = err_set(e, ERR_NOTFOUND, "message type \"%.64s\" is not "
		    "known", name);
	else
		rc = decode_payload((enum wire_type)type, obj, msg, e);
	json_decref(obj);
	return (rc);
}

/*
 * Go writes these as \u escapes wherever they stand, and they can stand only
 * inside strings.
 */
static void
add_escaped(struct buf *out, const char *text)
{
	size_t n;

	for (;;) {
		n = strcspn(text, "<>&");
		buf_add(out, text, n);
		text += n;
		if (*text == '\0')
			return;
		buf_addf(out, "\\u%04x", (unsigned)*text++);
	}
}

static json_t *
encode_payload(const struct wire_row *row, const struct wire_msg *msg,
    int dialect)
{
	struct record_field sparse[WIRE_FIELDS_MAX];

	if (dialect < 4)
		return (record_encode(row->fields, row->nold, &msg->u));
	if (!row->sparse)
		return (record_encode(row->fields, row->n, &msg->u));
	assert(row->n <= WIRE_FIELDS_MAX);
	memcpy(sparse, row->fields, row->n * sizeof(sparse[0]));
	for (size_t i = 0; i < row->n; i++)
		sparse[i].flags |= RECORD_OMIT;
	return (record_encode(sparse, row->n, &msg->u));
}

char *
wire_encode(const struct wire_msg *msg, int dialect)
{
	const struct wire_row *row = &wire_table[msg->type];
	struct buf out = { 0 };
	json_t *payload;
	char *text;

	assert(dialect >= row->dialect);
	payload = encode_payload(row, msg, dialect);
	text = json_dumps(payload, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(payload);
	assert(text != NULL);
	buf_addf(&out, "{\"type\":\"%s\",\"payload\":", row->name);
	add_escaped(&out, text);
	buf_adds(&out, "}");
	free(text);
	return (buf_take(&out));
}

void
wire_free(struct wire_msg *msg)
{
	const struct wire_row *row = &wire_table[msg->type];

	if (msg->type == WIRE_REGISTERED && msg->u.registered.token != NULL)
		str_wipe(msg->u.registered.token,
		    strlen(msg->u.registered.token));
	record_free(row->fields, row->n, &msg->u);
	memset(msg, 0, sizeof(*msg));
}
