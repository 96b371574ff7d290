#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "password.h"
#include "rnd.h"
#include "str.h"

static const char *const kinds[] = { "$2a$", "$2b$", "$2y$", "$y$" };

/* A shell that expands "$2a$10$…" leaves something short. */
static bool
complete(const char *hash)
{
	size_t dollars = 0;

	if (str_prefix(hash, "$2"))
		return (strlen(hash) == 60);
	for (const char *p = hash; *p != '\0'; p++)
		dollars += *p == '$';
	return (dollars == 4 && !str_suffix(hash, "$"));
}

int
password_hash_check(const char *hash, struct err *e)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known = known || str_prefix(hash, kinds[i]);
	if (!known)
		return (err_set(e, ERR_INPUT, "the password hash must be "
		    "bcrypt ($2a$, $2b$, $2y$) or yescrypt ($y$)"));
	if (!complete(hash))
		return (err_set(e, ERR_INPUT, "the password hash is not "
		    "complete; in a shell or a compose file its $ signs must "
		    "be quoted"));
	return (0);
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
