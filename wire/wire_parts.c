#include <string.h>

#include "buf.h"
#include "utf8.h"
#include "wire.h"

/* The parts of messages that are JSON inside their structs. */

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
static json_t *
clean_string(const char *p, size_t n)
{
	struct buf b = { 0 };
	json_t *v;

	if (utf8_valid(p, n))
		return (json_stringn_nocheck(p, n));
	utf8_clean(&b, p, n);
	v = json_stringn_nocheck(b.data, b.len);
	buf_free(&b);
	return (v);
}

json_t *
wire_metrics_json(const struct wire_metrics *m)
{
	return (json_pack("{s:f,s:f,s:f,s:f}", "cpu", m->cpu, "ram", m->ram,
	    "swap", m->swap, "load", m->load));
}

bool
wire_metrics_get(const json_t *v, struct wire_metrics *m)
{
	*m = (struct wire_metrics){
		.cpu = json_number_value(json_object_get(v, "cpu")),
		.ram = json_number_value(json_object_get(v, "ram")),
		.swap = json_number_value(json_object_get(v, "swap")),
		.load = json_number_value(json_object_get(v, "load")),
	};
	return (json_is_object(v));
}

static void
set_text(json_t *obj, const char *key, const char *text)
{
	text = text != NULL ? text : "";
	json_object_set_new(obj, key, clean_string(text, strlen(text)));
}

void
wire_check_set(json_t *update_status, enum compartment c,
    const struct wire_check *check)
{
	json_t *obj = json_object();

	set_text(obj, "status", check->status);
	set_text(obj, "message", check->message);
	set_text(obj, "checked_at", check->checked_at);
	json_object_set_new(update_status, names_compartment(c), obj);
}

static const char *
get_text(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return (text != NULL ? text : "");
}

void
wire_check_get(const json_t *update_status, enum compartment c,
    struct wire_check *check)
{
	const json_t *obj = json_object_get(update_status,
	    names_compartment(c));

	check->status = get_text(obj, "status");
	check->message = get_text(obj, "message");
	check->checked_at = get_text(obj, "checked_at");
}

void
wire_lines_add(json_t *lines, int64_t ts0, const struct wire_line *line)
{
	json_t *obj = json_object();

	json_object_set_new(obj, "t", clean_string(line->text, line->len));
	json_object_set_new(obj, "s", json_string(names_stream(line->stream)));
	if (line->ts != ts0)
		json_object_set_new(obj, "d", json_integer(line->ts - ts0));
	json_array_append_new(lines, obj);
}

void
wire_lines_get(const struct wire_output *out, size_t i, struct wire_line *line)
{
	const json_t *obj = json_array_get(out->lines, i);
	const json_t *text = json_object_get(obj, "t");

	line->text = json_string_value(text);
	line->len = json_string_length(text);
	line->stream = (enum log_stream)names_stream_parse(
	    json_string_value(json_object_get(obj, "s")));
	line->ts = out->ts +
	    json_integer_value(json_object_get(obj, "d"));
}

void
wire_phases_add(json_t *phases, const char *name, int64_t ms)
{
	json_array_append_new(phases, json_pack("{s:s,s:I}", "name", name,
	    "ms", (json_int_t)ms));
}
