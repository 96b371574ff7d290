#ifndef AGENTHOST_H
#define AGENTHOST_H

/* What an agent on Linux and one on macOS do differently. */

/* host_type of dialect 3: "macos", or "nixos" on any other system. */
extern const char agenthost_type[];

/* The status by which a replaced agent ends, so that it is started again. */
extern const int agenthost_exit_updated;

/*
 * Where installed agents are, in the order to look: "%u" is our user's name,
 * "%h" its home, each at most once.  NULL-terminated.
 */
extern const char *const agenthost_programs[];

/* The machine's own directory for our state; NULL if it is not for us. */
const char *agenthost_state_dir(void);

/* A name better than gethostname's; NULL if there is none.  Caller frees. */
char	*agenthost_name(void);

#endif
