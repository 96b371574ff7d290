#ifndef WEEKHOURS_H
#define WEEKHOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define WEEKHOURS_MINUTES (7 * 24 * 60)

/*
 * Hours of the week, such as "Mon-Fri 22:00-06:00, Sat 00:00-24:00": a bit
 * for each minute since Sunday, 00:00.
 */
struct weekhours {
	unsigned char bits[WEEKHOURS_MINUTES / 8];
};

/* What weekhours_parse takes, for messages. */
#define WEEKHOURS_SYNTAX "hours such as \"22:00-06:00\" or " \
	"\"Mon-Fri 22:00-06:00, Sun 00:00-24:00\""

/**
 * weekhours_parse(s, w, e):
 * Ranges separated by commas: an optional day or range of days in English,
 * then FROM-TO.  A range that ends before it begins goes over midnight and
 * belongs to the day on which it begins.  0, or -1 with the part that is not
 * understood.
 */
int	 weekhours_parse(const char *, struct weekhours *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * weekhours_wait(w, minute):
 * Minutes from ${minute} of the week until it is one of the hours; 0 if it is.
 */
int	 weekhours_wait(const struct weekhours *, int minute);

/**
 * weekhours_next(w, now):
 * The first time from ${now} on that is in the hours, on this host's clock
 * and in its time zone; ms since 1970, ${now} itself if it is.
 */
int64_t	 weekhours_next(const struct weekhours *, int64_t now);

#endif
