#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "password.h"
#include "rnd.h"
#include "str.h"

static const char *const kinds[] = { "$2a$", "$2b$", "$2y$", "$y$" };

int
password_hash_check(const char *hash, struct err *e)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known = known || str_prefix(hash, kinds[i]);
	if (!known)
		return (err_set(e, ERR_INPUT, "the password hash must be "
		    "bcrypt ($2a$, $2b$, $2y$) or yescrypt ($y$)"));
	switch (crypt_checksalt(hash)) {
	case CRYPT_SALT_OK:
	case CRYPT_SALT_TOO_CHEAP:
		return (0);
	default:
		return (err_set(e, ERR_INPUT, "the password hash is not "
		    "complete; in a shell or a compose file its $ signs must "
		    "be quoted"));
	}
}

bool
password_verify(const char *password, const char *hash)
{
	struct crypt_data *data = str_alloc(sizeof(*data));
	const char *got;
	bool same;

	got = crypt_r(password, hash, data);
	same = got != NULL && got[0] != '*' && str_secret_eq(got, hash);
	str_wipe(data, sizeof(*data));
	free(data);
	return (same);
}

char *
password_hash(const char *password, struct err *e)
{
	struct crypt_data *data = str_alloc(sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], *hash = NULL;
	const char *got;

	if (crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof(salt)) == NULL) {
		err_sys(e, "make a salt for the password");
		goto out;
	}
	if ((got = crypt_r(password, salt, data)) == NULL || got[0] == '*') {
		err_sys(e, "hash the password");
		goto out;
	}
	hash = str_dup(got);
out:
	str_wipe(data, sizeof(*data));
	free(data);
	return (hash);
}

char *
password_make(void)
{
	static const char letters[] =
	    "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	char *s = str_alloc(21);

	for (int i = 0; i < 20; i++)
		s[i] = letters[rnd_below(sizeof(letters) - 1)];
	return (s);
}
