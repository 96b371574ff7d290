#include <stdlib.h>

#include "enrolment.h"
#include "eventlog.h"
#include "hub.h"
#include "ratelimit.h"
#include "str.h"
#include "tick.h"

/* Addresses that are counted. */
#define SOURCES 256
#define HOUR_MS 3600000

struct enrolment {
	struct hub *hub;
	int64_t limit;
	struct ratelimit *taken;	/* by address; NULL: none may */
	struct ratelimit *refused;	/* the events of those */
	struct eventlog_quota quota;
};

struct enrolment *
enrolment_new(struct hub *hub)
{
	struct enrolment *en = str_alloc(sizeof(*en));

	en->hub = hub;
	en->limit = settings_int(hub->settings, SET_ENROL_LIMIT);
	if (en->limit > 0)
		en->taken = ratelimit_new((size_t)en->limit, HOUR_MS, SOURCES);
	en->refused = ratelimit_new(1, HOUR_MS, SOURCES);
	return (en);
}

void
enrolment_free(struct enrolment **enp)
{
	struct enrolment *en = *enp;

	if (en == NULL)
		return;
	*enp = NULL;
	ratelimit_free(&en->taken);
	ratelimit_free(&en->refused);
	free(en);
}

bool
enrolment_take(struct enrolment *en, const char *addr)
{
	const struct eventlog_entry entry = { .category = "identity",
	    .level = "warning", .action = "enrol", .quota = &en->quota };
	int64_t now = tick_mono();

	if (en->taken != NULL && ratelimit_take(en->taken, addr, now))
		return (true);
	/* Once is enough: who is refused comes again and again. */
	if (ratelimit_take(en->refused, addr, now))
		eventlog_add(en->hub->events, &entry, "Refused a new host from "
		    "%s: more than %lld within an hour "
		    "(NIXFLEET_ENROL_LIMIT)", addr, (long long)en->limit);
	return (false);
}
