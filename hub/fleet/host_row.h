#ifndef HOST_ROW_H
#define HOST_ROW_H

#include "fleet.h"
#include "store.h"

struct intern;

/* A host's members and its row in the store. */

/* Every string of a new, zeroed host; as the row says, or not known. */
void	 host_row_load(struct intern *, struct fleet_host *,
	    const struct store_host *);

/* The strings are borrowed from the host. */
void	 host_row_fill(const struct fleet_host *, struct store_host *);

/* Let go of all that the host holds. */
void	 host_row_done(struct intern *, struct fleet_host *);

#endif
