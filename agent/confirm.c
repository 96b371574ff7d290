#include <stdlib.h>
#include <string.h>

#include "confirm.h"
#include "file.h"
#include "http_client.h"
#include "str.h"
#include "tls_trust.h"
#include "url.h"

#define PROBE_LIMIT 10000
#define BODY_MAX 65536
#define SERVER_ERROR 500

static int
reach_hub(struct opctx *x, struct err *e)
{
	const struct settings *set = x->conf->set;
	struct http_client_request req = { .method = "GET",
		.max_body = BODY_MAX, .deadline = PROBE_LIMIT };
	struct http_client_response res = { 0 };
	struct url url = { 0 };
	char *text;
	int r = -1;

	if (settings_str(set, SET_URL) == NULL)
		return (err_set(e, ERR_NOTFOUND, "there is no hub"));
	if (url_base(settings_str(set, SET_URL), settings_bool(set,
	    SET_ALLOW_INSECURE_HTTP), &url, e) == -1)
		return (-1);
	if (url.tls && tls_trust_load(settings_str(set, SET_CA_FILE),
	    settings_str(set, SET_PINNED_PUBKEY), &req.trust, e) == -1)
		goto out;
	req.url = text = url_http(&url, "/health");
	r = http_client_run(&req, &res, e);
	if (r == 0 && res.status >= SERVER_ERROR)
		r = err_set(e, ERR_NET, "the hub answers with status %d",
		    res.status);
	else if (r == -1)
		err_wrap(e, "the hub");
	http_client_free(&res);
	free(text);
	tls_trust_free(&req.trust);
out:
	url_free(&url);
	return (r);
}

static int
reach_git(struct opctx *x, struct err *e)
{
	struct repo *quick = NULL;
	struct repo_conf rc;
	char tip[REPO_REV];
	int r = -1;

	if (x->conf->legacy_dir != NULL)
		return (err_set(e, ERR_NOTFOUND, "the checkout is a "
		    "person's"));
	agentconf_repo(x->conf, &rc);
	rc.fetch_timeout_ms = PROBE_LIMIT;
	if (repo_open(&rc, &quick, e) == 0)
		r = repo_check(quick, tip, e);
	if (r == -1)
		err_wrap(e, "the git server");
	repo_free(&quick);
	return (r);
}

static const struct {
	const char *name;
	int (*reach)(struct opctx *, struct err *);
} places[] = {
	{ "hub", reach_hub },
	{ "git", reach_git },
};
#define NPLACES (sizeof(places) / sizeof(*places))

static char *
note_path(const struct opctx *x)
{
	char *dir = journal_dir(x->journal, x->req.op_id);
	char *path = file_join(dir, "reached");

	free(dir);
	return (path);
}

/* The host's own tests, if they are to decide. */
static int
healthy(const struct opctx *x, struct err *e)
{
	struct deploy_conf quiet = x->deploy;
	struct deploy_tests t;

	if (!settings_bool(x->conf->set, SET_CONFIRM_TESTS))
		return (0);
	quiet.on_line = NULL;
	quiet.on_progress = NULL;
	if (quiet.test_timeout > quiet.confirm_timeout)
		quiet.test_timeout = quiet.confirm_timeout;
	if (deploy_tests_run(&quiet, x->conf->repo_dir, NULL, &t, e) == -1)
		return (-1);
	return (t.outcome == DEPLOY_OK ? 0 : err_set(e, ERR_CHILD, "%s",
	    t.message));
}

int
confirm_before(struct opctx *x, struct err *e)
{
	const char *name = "nothing";
	char *path;
	size_t i;
	int r;

	if (!deploy_confirms(&x->deploy))
		return (0);
	path = note_path(x);
	for (i = 0; i < NPLACES; i++)
		if (places[i].reach(x, NULL) == 0) {
			name = places[i].name;
			break;
		}
	r = file_write(path, name, strlen(name), 0600, e);
	free(path);
	return (r);
}

int
confirm_after(struct opctx *x, struct err *e)
{
	char *path = note_path(x);
	struct buf name = { 0 };
	size_t i;
	int r = 0;

	/* Without the note, whatever is first on the list. */
	if (file_read(path, 64, &name, NULL) == -1 || name.len == 0)
		buf_adds(&name, places[0].name);
	for (i = 0; i < NPLACES; i++)
		if (str_eq(places[i].name, name.data))
			r = places[i].reach(x, e);
	buf_free(&name);
	free(path);
	return (r == 0 ? healthy(x, e) : r);
}
