#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tick.h"

/* 0001-01-01 and the end of 9999, in ms since 1970. */
#define TICK_FIRST INT64_C(-62135596800000)
#define TICK_LAST INT64_C(253402300799999)

/*
 * The clock that goes on while the machine sleeps.  Linux has one of its own
 * for that; where there is none CLOCK_MONOTONIC does, clock_gettime(3) of
 * macOS.
 */
#ifdef CLOCK_BOOTTIME
#define TICK_CLOCK CLOCK_BOOTTIME
#else
#define TICK_CLOCK CLOCK_MONOTONIC
#endif

static int64_t
now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

int64_t
tick_mono(void)
{
	return (now(TICK_CLOCK));
}

int64_t
tick_wall(void)
{
	return (now(CLOCK_REALTIME));
}

/* Date and time to the second; returns the milliseconds that remain. */
static int
render(int64_t ms, char out[TICK_TEXT])
{
	struct tm tm;
	time_t s;
	int frac;

	if (ms < TICK_FIRST)
		ms = TICK_FIRST;
	if (ms > TICK_LAST)
		ms = TICK_LAST;
	frac = (int)(((ms % 1000) + 1000) % 1000);
	s = (time_t)((ms - frac) / 1000);
	gmtime_r(&s, &tm);
	/* The remainders tell the compiler that the text fits. */
	snprintf(out, TICK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
	    (tm.tm_year + 1900) % 10000, tm.tm_mon % 12 + 1, tm.tm_mday % 32,
	    tm.tm_hour % 24, tm.tm_min % 60, tm.tm_sec % 61);
	return (frac);
}

char *
tick_text(int64_t ms, char out[TICK_TEXT])
{
	int frac = render(ms, out);
	size_t n = strlen(out);

	snprintf(out + n, TICK_TEXT - n, ".%03dZ", frac);
	return (out);
}

char *
tick_text_s(int64_t ms, char out[TICK_TEXT])
{
	size_t n;

	render(ms, out);
	n = strlen(out);
	snprintf(out + n, TICK_TEXT - n, "Z");
	return (out);
}

/* ${n} digits as a number within bounds; moves *${s} behind them. */
static int
digits(const char **s, int n, int min, int max, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (**s < '0' || **s > '9')
			return (-1);
		v = v * 10 + (*(*s)++ - '0');
	}
	if (v < min || v > max)
		return (-1);
	*out = v;
	return (0);
}

static int
skip(const char **s, const char *set)
{
	if (**s == '\0' || strchr(set, **s) == NULL)
		return (-1);
	(*s)++;
	return (0);
}

static int
fraction(const char **s, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (**s != '.')
		return (0);
	(*s)++;
	if (**s < '0' || **s > '9')
		return (-1);
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		*ms += (**s - '0') * scale;
		scale /= 10;
	}
	return (0);
}

/* "Z" or "+hh:mm", in minutes. */
static int
zone(const char **s, int *minutes)
{
	int h, m, sign = **s == '-' ? -1 : 1;

	*minutes = 0;
	if (skip(s, "Zz") == 0)
		return (0);
	if (skip(s, "+-") == -1 || digits(s, 2, 0, 23, &h) == -1 ||
	    skip(s, ":") == -1 || digits(s, 2, 0, 59, &m) == -1)
		return (-1);
	*minutes = sign * (h * 60 + m);
	return (0);
}

static int
month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (days[month - 1] + (month == 2 && leap));
}

int
tick_parse(const char *s, int64_t *out)
{
	struct tm tm = { 0 };
	int year, month, ms, minutes;

	if (digits(&s, 4, 1, 9999, &year) == -1 || skip(&s, "-") == -1 ||
	    digits(&s, 2, 1, 12, &month) == -1 || skip(&s, "-") == -1 ||
	    digits(&s, 2, 1, month_days(year, month), &tm.tm_mday) == -1 ||
	    skip(&s, "Tt") == -1 || digits(&s, 2, 0, 23, &tm.tm_hour) == -1 ||
	    skip(&s, ":") == -1 || digits(&s, 2, 0, 59, &tm.tm_min) == -1 ||
	    skip(&s, ":") == -1 || digits(&s, 2, 0, 60, &tm.tm_sec) == -1 ||
	    fraction(&s, &ms) == -1 || zone(&s, &minutes) == -1 || *s != '\0')
		return (-1);
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	*out = ((int64_t)timegm(&tm) - (int64_t)minutes * 60) * 1000 + ms;
	return (0);
}
