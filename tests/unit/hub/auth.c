#include "rig.h"

#include "auth.h"
#include "str.h"
#include "tick.h"
#include "totp.h"

#define BCRYPT "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static struct rig rig;

struct answer {
	bool came;
	enum auth_result result;
	char token[64], csrf[64];
};

static void
on_login(void *cookie, enum auth_result r, const struct auth_session *s,
    const char *token)
{
	struct answer *a = cookie;

	a->came = true;
	a->result = r;
	assert_int_equal(r == AUTH_OK, s != NULL);
	if (s == NULL)
		return;
	snprintf(a->token, sizeof(a->token), "%s", token);
	snprintf(a->csrf, sizeof(a->csrf), "%s", s->csrf_token);
}

static bool
came(void *cookie)
{
	return (((struct answer *)cookie)->came);
}

static struct answer
login(const char *addr, const char *password, const char *totp)
{
	struct answer a = { 0 };

	auth_login(rig.hub->auth, addr, password, totp, on_login, &a);
	assert_false(a.came);
	rig_wait(&rig, came, &a);
	return (a);
}

/* The first start makes a password that works, also after a restart, and is
   told once. */
static void
test_first_start(void **unused)
{
	struct answer a;
	char *password;

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig_up(&rig);
	assert_non_null(rig.printed);
	password = str_dup(rig.printed);
	rig_restart(&rig);
	assert_null(rig.printed);
	a = login("10.0.0.1", password, NULL);
	assert_int_equal(a.result, AUTH_OK);
	assert_int_equal(strlen(a.token), 43);
	a = login("10.0.0.1", "wrong", NULL);
	assert_int_equal(a.result, AUTH_BAD_PASSWORD);
	free(password);
	rig_down(&rig);
}

/* A session lasts over a restart, has its CSRF token, and ends at logout. */
static void
test_session(void **unused)
{
	const struct auth_session *s;
	struct answer a;

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig.extra[0] = "NIXFLEET_PASSWORD_HASH=" BCRYPT;
	rig_up(&rig);
	a = login("10.0.0.1", "U*U", NULL);
	assert_int_equal(a.result, AUTH_OK);
	rig_restart(&rig);
	assert_non_null(s = auth_session(rig.hub->auth, a.token));
	assert_true(auth_csrf(s, a.csrf));
	assert_false(auth_csrf(s, ""));
	assert_false(auth_csrf(s, NULL));
	assert_null(auth_session(rig.hub->auth, s->hash));
	assert_null(auth_session(rig.hub->auth, NULL));
	assert_null(auth_session(rig.hub->auth, ""));
	auth_logout(rig.hub->auth, a.token);
	assert_null(auth_session(rig.hub->auth, a.token));
	rig_restart(&rig);
	assert_null(auth_session(rig.hub->auth, a.token));
	rig_down(&rig);
}

/* Guessing from one address ends after a few, and locks out nobody else. */
static void
test_limit(void **unused)
{
	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig.extra[0] = "NIXFLEET_PASSWORD_HASH=" BCRYPT;
	rig.extra[1] = "NIXFLEET_RATE_LIMIT=3";
	rig_up(&rig);
	for (int i = 0; i < 3; i++)
		assert_int_equal(login("10.0.0.1", "no", NULL).result,
		    AUTH_BAD_PASSWORD);
	assert_int_equal(login("10.0.0.1", "U*U", NULL).result,
	    AUTH_TOO_MANY);
	assert_int_equal(login("10.0.0.2", "U*U", NULL).result, AUTH_OK);
	/* One network of IPv6 is one stranger. */
	assert_int_equal(login("2001:db8::1", "no", NULL).result,
	    AUTH_BAD_PASSWORD);
	assert_int_equal(login("2001:db8::2", "no", NULL).result,
	    AUTH_BAD_PASSWORD);
	assert_int_equal(login("2001:db8::3:4", "no", NULL).result,
	    AUTH_BAD_PASSWORD);
	assert_int_equal(login("2001:db8::5", "U*U", NULL).result,
	    AUTH_TOO_MANY);
	assert_int_equal(login("2001:db8:0:1::5", "U*U", NULL).result,
	    AUTH_OK);
	for (int i = 0; i < 5; i++)
		assert_true(auth_reboot_allowed(rig.hub->auth, "h1"));
	assert_false(auth_reboot_allowed(rig.hub->auth, "h1"));
	assert_true(auth_reboot_allowed(rig.hub->auth, "h2"));
	rig_down(&rig);
}

/* With a TOTP secret the password alone is not enough, and a code is good
   once. */
static void
test_totp(void **unused)
{
	struct totp t;
	struct err e;
	char code[8];

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig.extra[0] = "NIXFLEET_PASSWORD_HASH=" BCRYPT;
	rig.extra[1] = "NIXFLEET_TOTP_SECRET=" SECRET;
	rig_up(&rig);
	assert_true(auth_totp_on(rig.hub->auth));
	assert_int_equal(totp_init(&t, SECRET, &e), 0);
	snprintf(code, sizeof(code), "%06u",
	    totp_code(&t, tick_wall() / 1000 / TOTP_STEP, 6));
	assert_int_equal(login("10.0.0.1", "U*U", NULL).result, AUTH_BAD_TOTP);
	assert_int_equal(login("10.0.0.1", "U*U", code).result, AUTH_OK);
	assert_int_equal(login("10.0.0.1", "U*U", code).result, AUTH_BAD_TOTP);
	rig_down(&rig);
}

/* Who has got hold of a session cannot try all codes with it; another
   session is not locked out, and a code is good once. */
static void
test_totp_guessing(void **unused)
{
	const struct auth_session one = { .hash = "one" };
	const struct auth_session other = { .hash = "other" };
	struct auth *a;
	struct totp t;
	struct err e;
	char code[8];
	int wrong = 0;

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig.extra[0] = "NIXFLEET_TOTP_SECRET=" SECRET;
	rig_up(&rig);
	a = rig.hub->auth;
	assert_int_equal(auth_totp(a, &one, NULL), AUTH_BAD_TOTP);
	while (auth_totp(a, &one, "nonsense") == AUTH_BAD_TOTP)
		assert_true(++wrong < 100);
	assert_int_equal(wrong, 10);
	assert_int_equal(totp_init(&t, SECRET, &e), 0);
	snprintf(code, sizeof(code), "%06u",
	    totp_code(&t, tick_wall() / 1000 / TOTP_STEP, 6));
	assert_int_equal(auth_totp(a, &one, code), AUTH_TOO_MANY);
	assert_int_equal(auth_totp(a, &other, code), AUTH_OK);
	assert_int_equal(auth_totp(a, &other, code), AUTH_BAD_TOTP);
	rig_down(&rig);
}

/* The hub may end while a password is being checked. */
static void
test_ends_early(void **unused)
{
	struct answer a = { 0 };

	(void)unused;
	memset(&rig, 0, sizeof(rig));
	rig_up(&rig);
	auth_login(rig.hub->auth, "10.0.0.1", "x", NULL, on_login, &a);
	rig_down(&rig);
	assert_false(a.came);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_session), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_totp),
		cmocka_unit_test(test_totp_guessing),
		cmocka_unit_test(test_ends_early),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
