#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

#include "err.h"

/*
 * Password hashes as crypt(5) knows them: bcrypt ($2a$, $2b$, $2y$) as users
 * have them, yescrypt ($y$) for new ones.  Slow on purpose: call these in the
 * thread pool.  Safe in any thread.
 */

/* Is ${hash} of a kind that we take?  ERR_INPUT says what is allowed. */
int	 password_hash_check(const char *hash, struct err *)
	    __attribute__((warn_unused_result));

/* Does the password fit? */
bool	 password_verify(const char *password, const char *hash);

/* A yescrypt hash; the caller frees. */
char	*password_hash(const char *password, struct err *);

/* A new password of 20 letters and digits that cannot be misread. */
char	*password_make(void);

#endif
