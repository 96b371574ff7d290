#ifndef PAUSE_H
#define PAUSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* STATE_DIR/pause.json: somebody wants this host to be left as it is. */
struct pause {
	char *reason;		/* "" none given */
	char *by;
	int64_t since;		/* ms since 1970 */
	int64_t until;		/* ms since 1970; 0: until it is cancelled */
};

/**
 * pause_load(dir, now, p):
 * Is there a pause at ${now}?  A file that cannot be read is one, too.
 */
bool	 pause_load(const char *dir, int64_t now, struct pause *);
int	 pause_save(const char *dir, const struct pause *, struct err *)
	    __attribute__((warn_unused_result));
/* No pause any more; fine if there is none. */
int	 pause_remove(const char *dir, struct err *)
	    __attribute__((warn_unused_result));
void	 pause_free(struct pause *);

/* {since, until or null, reason, by}. */
json_t	*pause_json(const struct pause *);

#endif
