#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "settings_value.h"
#include "str.h"
#include "utf8.h"
#include "weekhours.h"

#define SHOWN_MAX 60

/* "is VALUE, but ALLOWED". */
static int
wrong(const struct setting_def *def, const char *value, const char *allowed,
    struct err *e)
{
	struct buf shown = { 0 };
	size_t n = strlen(value);

	if (def->flags & SETTING_SECRET)
		return (err_set(e, ERR_INPUT, "must be %s", allowed));
	utf8_clean(&shown, value, n < SHOWN_MAX ? n : SHOWN_MAX);
	for (char *p = shown.data; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	err_set(e, ERR_INPUT, "must be %s, not \"%s%s\"", allowed,
	    shown.data == NULL ? "" : shown.data, n > SHOWN_MAX ? "..." : "");
	buf_free(&shown);
	return (-1);
}

static int64_t
unit(char c)
{
	switch (c) {
	case 's':
		return (1);
	case 'm':
		return (60);
	case 'h':
		return (3600);
	case 'd':
		return (86400);
	default:
		return (0);
	}
}

int
settings_value_seconds(const char *s, int64_t *out)
{
	int64_t total = 0, part;
	size_t n;
	char *digits;

	if (str_int(s, 0, INT32_MAX, out) == 0)
		return (0);
	for (; *s != '\0'; s += n + 1) {
		n = strspn(s, "0123456789");
		digits = str_ndup(s, n);
		if (unit(s[n]) == 0 ||
		    str_int(digits, 0, INT32_MAX, &part) == -1) {
			free(digits);
			return (-1);
		}
		free(digits);
		total += part * unit(s[n]);
	}
	*out = total;
	return (total <= INT32_MAX ? 0 : -1);
}

/* A number of seconds in its largest even unit. */
static void
add_seconds(struct buf *b, int64_t v)
{
	static const char units[] = "dhms";

	for (const char *u = units; *u != '\0'; u++)
		if (v % unit(*u) == 0 && (v != 0 || *u == 's')) {
			buf_addf(b, "%lld%c", (long long)(v / unit(*u)), *u);
			return;
		}
}

static int
check_number(const struct setting_def *def, const char *value, int64_t *number,
    struct err *e)
{
	bool time = def->type == SETTING_SECONDS;
	struct buf b = { 0 };
	int64_t v;

	if ((time ? settings_value_seconds(value, &v) :
	    str_int(value, INT64_MIN, INT64_MAX, &v)) == 0 && v >= def->min &&
	    v <= def->max) {
		*number = v;
		return (0);
	}
	if (time) {
		buf_adds(&b, "a time (such as 90, 90s, 5m, 1h30m) from ");
		add_seconds(&b, def->min);
		buf_adds(&b, " to ");
		add_seconds(&b, def->max);
	} else
		buf_addf(&b, "a whole number from %lld to %lld",
		    (long long)def->min, (long long)def->max);
	wrong(def, value, b.data, e);
	buf_free(&b);
	return (-1);
}

static int
check_bool(const struct setting_def *def, const char *value, int64_t *number,
    struct err *e)
{
	static const char *const yes[] = { "true", "1", "yes", "on", "t" };
	static const char *const no[] = { "false", "0", "no", "off", "f" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(value, yes[i]) == 0)
			*number = 1;
		else if (strcasecmp(value, no[i]) == 0)
			*number = 0;
		else
			continue;
		return (0);
	}
	return (wrong(def, value, "true or false", e));
}

static int
check_word(const struct setting_def *def, const char *value, struct err *e)
{
	struct buf b = { 0 };
	const char *near;
	size_t n = 0;

	for (; def->words[n] != NULL; n++) {
		if (strcmp(value, def->words[n]) == 0) {
			buf_free(&b);
			return (0);
		}
		buf_addf(&b, "%s%s", n == 0 ? "one of " : ", ", def->words[n]);
	}
	wrong(def, value, b.data, e);
	near = str_nearest(value, def->words, n);
	if (near != NULL && e != NULL)
		err_set(e, ERR_INPUT, "%s (did you mean %s?)", e->text, near);
	buf_free(&b);
	return (-1);
}

static int
check_url(const struct setting_def *def, const char *value, struct err *e)
{
	static const char *const schemes[] = { "http://", "https://", "ws://",
		"wss://" };
	size_t n;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i]);
		if (strncasecmp(value, schemes[i], n) == 0 &&
		    strcspn(value + n, "/?# ") > 0 && !strchr(value, ' '))
			return (0);
	}
	return (wrong(def, value, "an address such as https://HOST", e));
}

static int
check_address(const struct setting_def *def, const char *value, struct err *e)
{
	const char *colon = strrchr(value, ':');
	bool bracketed = colon != NULL && value[0] == '[' && colon[-1] == ']';
	int64_t port;

	if (colon == NULL || str_int(colon + 1, 0, 65535, &port) == -1 ||
	    strchr(value, ' ') != NULL ||
	    (!bracketed && strchr(value, ':') != colon))
		return (wrong(def, value,
		    "HOST:PORT, [HOST]:PORT or :PORT", e));
	return (0);
}

static int
check_colour(const struct setting_def *def, const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (value[0] == '#' && (n == 4 || n == 7) &&
	    strspn(value + 1, "0123456789abcdefABCDEF") == n - 1)
		return (0);
	return (wrong(def, value, "a colour as #rgb or #rrggbb", e));
}

int
settings_value_check(const struct setting_def *def, const char *value,
    int64_t *number, struct err *e)
{
	struct weekhours hours;

	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return (wrong(def, value,
			    "text without control characters", e));
	switch (def->type) {
	case SETTING_INT:
	case SETTING_SECONDS:
		return (check_number(def, value, number, e));
	case SETTING_BOOL:
		return (check_bool(def, value, number, e));
	case SETTING_WORD:
		return (check_word(def, value, e));
	case SETTING_URL:
		return (check_url(def, value, e));
	case SETTING_ADDRESS:
		return (check_address(def, value, e));
	case SETTING_COLOUR:
		return (check_colour(def, value, e));
	case SETTING_HOURS:
		if (weekhours_parse(value, &hours, NULL) == 0)
			return (0);
		return (wrong(def, value, WEEKHOURS_SYNTAX, e));
	case SETTING_PATH:
		if (value[0] == '/')
			return (0);
		return (wrong(def, value, "an absolute path", e));
	case SETTING_STR:
	case SETTING_LIST:
		break;
	}
	return (0);
}
