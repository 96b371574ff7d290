#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "agentconf.h"
#include "file.h"
#include "hosttoken.h"
#include "hublink.h"
#include "rnd.h"
#include "str.h"
#include "term.h"
#include "tls_trust.h"

#include "check.h"
#include "loop.h"

#define PROGRAM "nixfleet-agent"
#define HANDSHAKE_LIMIT 20000

static int
say(const char *what, const char *text, int ok)
{

	printf("%-12s %s  %s\n", what, ok ? "ok  " : "FAIL", text);
	return (ok ? 0 : 1);
}

static int
check_state(const struct agentconf *c)
{
	struct err e = { 0 };

	if (file_try_dir(c->state_dir, &e) == 0)
		return (say("state", c->state_dir, 1));
	err_wrap(&e, "%s cannot be written by user %s (set NIXFLEET_STATE_DIR "
	    "or give it to that user)", c->state_dir, c->user);
	return (say("state", e.text, 0));
}

static int
check_repo(const struct agentconf *c)
{
	struct repo_conf rc;
	struct repo *r = NULL;
	char tip[REPO_REV], *text, *scratch;
	struct err e = { 0 };
	int bad;

	if (c->legacy_dir != NULL)
		return (say("repository", file_is_dir(c->legacy_dir) ?
		    "NIXFLEET_NIXCFG (deprecated: set NIXFLEET_REPO_URL)" :
		    "NIXFLEET_NIXCFG is not a directory",
		    file_is_dir(c->legacy_dir)));
	agentconf_repo(c, &rc);
	scratch = rnd_token(6);
	text = str_printf("%s/nixfleet-check-%s", getenv("TMPDIR") != NULL ?
	    getenv("TMPDIR") : "/tmp", scratch);
	free(scratch);
	scratch = text;
	/* Look without leaving anything in a state that is not there yet. */
	if (!file_is_dir(c->state_dir))
		rc.state_dir = scratch;
	if ((rc.state_dir == scratch &&
	    file_mkdirs(scratch, 0700, &e) == -1) ||
	    repo_open(&rc, &r, &e) == -1 || repo_check(r, tip, &e) == -1) {
		bad = say("repository", e.text, 0);
	} else {
		text = str_printf("%s, branch %s is at %.12s", rc.url,
		    rc.branch, tip);
		bad = say("repository", text, 1);
		free(text);
	}
	repo_free(&r);
	if (file_rmtree(scratch, &e) == -1)
		bad |= say("repository", e.text, 0);
	free(scratch);
	return (bad);
}

/* Is what this host builds in the clone that is there? */
static int
check_attr(const struct agentconf *c, const struct deploy_conf *dc)
{
	char head[REPO_REV] = "";
	struct repo_conf rc;
	struct repo *r = NULL;
	struct err e = { 0 };

	if (dc->flake_attr == NULL)
		return (0);
	agentconf_repo(c, &rc);
	if (repo_open(&rc, &r, &e) == 0 && repo_head(r, head) == -1)
		head[0] = '\0';
	repo_free(&r);
	if (head[0] == '\0')
		return (say("attribute", "not looked at: there is no clone "
		    "yet", 1));
	if (deploy_attr_check(dc, head, &e) == 0)
		return (say("attribute", dc->flake_attr, 1));
	if (e.code == ERR_TIMEOUT)
		return (say("attribute", "not known: nix takes too long to "
		    "evaluate it", 1));
	err_wrap(&e, "NIXFLEET_FLAKE_ATTR=%s", dc->flake_attr);
	return (say("attribute", e.text, 0));
}

static int
check_build(const struct agentconf *c)
{
	struct deploy_conf dc;
	struct err e = { 0 };

	agentconf_deploy(c, &dc);
	if (deploy_check(&dc, &e) == -1 || deploy_check_service(&dc, &e) == -1)
		return (say("system", e.text, 0));
	return (say("system", deploy_kind_name(c->kind), 1) |
	    check_attr(c, &dc));
}

/* ---- hub: one real handshake ---- */

struct attempt {
	uv_loop_t loop;
	uv_timer_t limit;
	struct hublink *link;
	struct hosttoken token;
	bool open, own_refused;
	char why[256];
};

static const char *
on_token(void *cookie)
{
	struct attempt *p = cookie;

	return (hosttoken_current(&p->token));
}

static bool
on_refused(void *cookie)
{
	struct attempt *p = cookie;
	bool other = hosttoken_refused(&p->token);

	p->own_refused |= other;
	return (other);
}

static void
on_open(void *cookie)
{
	struct attempt *p = cookie;

	p->open = true;
	hublink_close(p->link);
}

static void
on_message(void *cookie, const char *text, size_t len)
{

	(void)cookie;
	(void)text;
	(void)len;
}

static void
on_arrived(void *cookie, uint64_t n)
{

	(void)cookie;
	(void)n;
}

static void
on_room(void *cookie)
{

	(void)cookie;
}

static void
on_state(void *cookie)
{
	struct attempt *p = cookie;
	enum hublink_state state = hublink_state(p->link);

	/* A second token is tried at once, everything else ends here. */
	if (state == HUBLINK_WAITING &&
	    !(p->own_refused && p->token.use_shared && p->why[0] == '\0')) {
		snprintf(p->why, sizeof(p->why), "%s",
		    hublink_reason(p->link));
		uv_stop(&p->loop);
	} else if (state == HUBLINK_WAITING) {
		snprintf(p->why, sizeof(p->why), "%s",
		    hublink_reason(p->link));
	} else if (state == HUBLINK_CLOSED)
		uv_stop(&p->loop);
}

static void
on_limit(uv_timer_t *t)
{
	struct attempt *p = t->data;

	snprintf(p->why, sizeof(p->why), "no answer within %d s",
	    HANDSHAKE_LIMIT / 1000);
	uv_stop(&p->loop);
}

static int
handshake(const struct agentconf *c, struct attempt *p, struct err *e)
{
	struct hublink_conf hc = { .loop = &p->loop, .url = &c->url,
	    .token = on_token, .on_refused = on_refused, .on_open = on_open,
	    .on_message = on_message, .on_arrived = on_arrived,
	    .on_room = on_room, .on_state = on_state, .cookie = p };
	struct tls_trust *trust = NULL;
	int rc = -1;

	if (c->url.tls && tls_trust_load(settings_str(c->set, SET_CA_FILE),
	    settings_str(c->set, SET_PINNED_PUBKEY), &trust, e) == -1)
		return (-1);
	hc.trust = trust;
	loop_init(&p->loop);
	(void)uv_timer_init(&p->loop, &p->limit);
	p->limit.data = p;
	if (hublink_new(&hc, &p->link, e) == 0) {
		(void)uv_timer_start(&p->limit, on_limit, HANDSHAKE_LIMIT, 0);
		hublink_start(p->link);
		(void)uv_run(&p->loop, UV_RUN_DEFAULT);
		rc = p->open ? 0 : err_set(e, ERR_NET, "%s", p->why);
		hublink_free(&p->link);
	}
	uv_close((uv_handle_t *)&p->limit, NULL);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&p->loop);
	tls_trust_free(&trust);
	return (rc);
}

static int
check_hub(const struct agentconf *c)
{
	struct attempt p = { 0 };
	struct err e = { 0 };
	char *text;
	int bad;

	if (c->url_text == NULL)
		return (say("hub", "none: NIXFLEET_URL is not set", 1));
	if (hosttoken_load(c, &p.token, &e) == -1) {
		bad = say("token", e.text, 0);
	} else if (handshake(c, &p, &e) == -1) {
		text = str_printf("%s: %s", c->url_text, e.text);
		bad = say("hub", text, 0);
		free(text);
	} else {
		text = str_printf("%s takes %s", c->url_text,
		    p.token.own == NULL ? "the shared token; it will give "
		    "this host one of its own" : p.own_refused ?
		    "the shared token, not this host's own" :
		    "this host's own token");
		bad = say("hub", text, 1);
		free(text);
	}
	hosttoken_free(&p.token);
	return (bad);
}

int
check_main(const char *const *env)
{
	struct agentconf *c = NULL;
	struct settings *partial = NULL;
	const char *const *w;
	struct err e = { 0 };
	int bad;

	if (agentconf_load(AGENTCONF_DAEMON, env, &c, &partial, &e) == -1) {
		if (partial != NULL)
			settings_explain(partial, stdout);
		settings_free(&partial);
		term_error(PROGRAM, e.text);
		return (1);
	}
	settings_explain(c->set, stdout);
	for (w = settings_warnings(c->set); *w != NULL; w++)
		printf("warning: %s\n", *w);
	printf("\n%-12s ok    %s\n", "host", c->hostname);
	(void)fflush(stdout);
	bad = check_state(c);
	bad |= check_repo(c);
	bad |= check_build(c);
	bad |= check_hub(c);
	agentconf_free(&c);
	return (bad);
}
