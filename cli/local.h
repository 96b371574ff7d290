#ifndef LOCAL_H
#define LOCAL_H

#include <jansson.h>

#include "verb.h"

/* The verbs that speak to the agent of this machine. */
int	 local_status(const struct verb_call *);
int	 local_generations(const struct verb_call *);
int	 local_rollback(const struct verb_call *);
int	 local_repo_status(const struct verb_call *);
int	 local_operation(const struct verb_call *);
int	 local_update(const struct verb_call *);
int	 local_accept(const struct verb_call *);
int	 local_stop(const struct verb_call *);
int	 local_pause(const struct verb_call *);
int	 local_resume(const struct verb_call *);
int	 local_logs(const struct verb_call *);
int	 local_watch(const struct verb_call *);

/* The arguments of an operation that the options ask for, or NULL. */
json_t	*local_args(const struct verb_call *);

#endif
