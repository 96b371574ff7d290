#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "str.h"

#include "weekhours.h"

#define DAY (24 * 60)

static const char *const days[] = { "sunday", "monday", "tuesday", "wednesday",
	"thursday", "friday", "saturday" };

/* The day that the ${n} letters at ${s} name, at least three of them. */
static int
day_of(const char *s, size_t n)
{
	for (int i = 0; i < 7; i++)
		if (n >= 3 && n <= strlen(days[i]) &&
		    strncasecmp(s, days[i], n) == 0)
			return (i);
	return (-1);
}

static size_t
letters(const char *s)
{
	return (strspn(s,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
}

/* "Mon", "Mon-Fri" or nothing, which is every day; what follows, or NULL. */
static const char *
take_days(const char *s, int *first, int *last)
{
	size_t n = letters(s);

	*first = 0;
	*last = 6;
	if (n == 0)
		return (s);
	if ((*first = *last = day_of(s, n)) == -1)
		return (NULL);
	s += n;
	if (*s == '-') {
		n = letters(++s);
		if ((*last = day_of(s, n)) == -1)
			return (NULL);
		s += n;
	}
	n = strspn(s, " ");
	return (n > 0 ? s + n : NULL);
}

static bool
digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* "6:30", "06:30", "24:00"; what follows, or NULL. */
static const char *
take_time(const char *s, int *minute)
{
	int hours, minutes;

	if (!digit(*s))
		return (NULL);
	hours = *s++ - '0';
	if (digit(*s))
		hours = 10 * hours + *s++ - '0';
	if (s[0] != ':' || !digit(s[1]) || !digit(s[2]))
		return (NULL);
	minutes = 10 * (s[1] - '0') + s[2] - '0';
	*minute = 60 * hours + minutes;
	return (minutes < 60 && *minute <= DAY ? s + 3 : NULL);
}

static void
add(struct weekhours *w, int from, int n)
{
	for (int i = from; i < from + n; i++)
		w->bits[i % WEEKHOURS_MINUTES / 8] |=
		    (unsigned char)(1U << (i % 8));
}

static int
take_range(const char *s, struct weekhours *w)
{
	int first, last, from, to;

	if ((s = take_days(s, &first, &last)) == NULL ||
	    (s = take_time(s, &from)) == NULL || *s != '-' ||
	    (s = take_time(s + 1, &to)) == NULL || *s != '\0' || from == to ||
	    from == DAY)
		return (-1);
	if (last < first)
		last += 7;
	for (int day = first; day <= last; day++)
		add(w, day * DAY + from,
		    (to - from + DAY) % DAY == 0 ? DAY
						 : (to - from + DAY) % DAY);
	return (0);
}

int
weekhours_parse(const char *s, struct weekhours *out, struct err *e)
{
	struct weekhours w = { 0 };
	char *part, *range;
	size_t n;
	int rc = 0;

	for (;; s += n + 1) {
		n = strcspn(s, ",");
		part = str_ndup(s, n);
		range = str_trim(part);
		if (take_range(range, &w) == -1)
			rc = err_set(e, ERR_INPUT,
			    "\"%.60s\" is not " WEEKHOURS_SYNTAX, range);
		free(part);
		if (rc == -1 || s[n] == '\0')
			break;
	}
	if (rc == 0)
		*out = w;
	return (rc);
}

int
weekhours_wait(const struct weekhours *w, int minute)
{
	int i, at;

	for (i = 0; i < WEEKHOURS_MINUTES; i++) {
		at = (minute + i) % WEEKHOURS_MINUTES;
		if (w->bits[at / 8] & (1U << (at % 8)))
			break;
	}
	return (i);
}

int64_t
weekhours_next(const struct weekhours *w, int64_t now)
{
	time_t s = (time_t)(now / 1000), then;
	struct tm tm;
	int wait;

	/* The zone may have changed since we started. */
	tzset();
	if (localtime_r(&s, &tm) == NULL)
		return (now);
	wait =
	    weekhours_wait(w, tm.tm_wday * DAY + tm.tm_hour * 60 + tm.tm_min);
	if (wait == 0)
		return (now);
	tm.tm_min += wait;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	then = mktime(&tm);
	return (then == -1 || then < s ? now + wait * INT64_C(60000)
				       : then * INT64_C(1000));
}
