#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "url.h"

/* One look at whether a service does its job: NIXFLEET_CONFIRM_PROBES. */
struct probe {
	char *text;		/* as it was written */
	enum { PROBE_TCP, PROBE_HTTP, PROBE_EXEC } kind;
	struct url url;		/* tcp, http */
	char **argv;		/* exec: NULL-terminated; argv[0] absolute */
	int status;		/* http: that is wanted; 0: 200 to 399 */
	int64_t within;		/* ms */
};

struct probe_list {
	struct probe *list;
	size_t n;
};

/**
 * probe_parse(text, out, e):
 * A list of probes, separated by commas.  Each is [within=SECONDS]
 * [status=CODE] and its target: tcp://HOST:PORT, http://…, https://…, or
 * exec:/PROGRAM with arguments, split at blanks.  Neither a target nor an
 * argument can hold a comma.  NULL is an empty list.
 */
int	 probe_parse(const char *, struct probe_list *, struct err *)
	    __attribute__((warn_unused_result));
void	 probe_free(struct probe_list *);

/* What probes need of their surroundings. */
struct probe_place {
	const char *home;	/* HOME of programs if we have none */
	const char *ca_file;	/* trusted besides the system's; or NULL */
};

/**
 * probe_run(p, limit, place, e):
 * 0 if all is well, within ${limit} ms even if the probe may take longer; else
 * -1 with what was wrong.  Programs run as we do.  An https server must have a
 * certificate for its name that is trusted.
 */
int	 probe_run(const struct probe *, int64_t limit,
	    const struct probe_place *, struct err *)
	    __attribute__((warn_unused_result));

#endif
