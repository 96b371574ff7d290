#include <stdlib.h>
#include <string.h>

#include "confirm.h"
#include "file.h"
#include "http_client.h"
#include "probe.h"
#include "str.h"
#include "tick.h"
#include "tls_trust.h"
#include "url.h"

#define REACH_LIMIT 10000
#define BODY_MAX 65536
#define SERVER_ERROR 500
#define NOTE_MAX 65536

static int64_t
at_most(int64_t ms, int64_t limit)
{
	return (ms < limit ? ms : limit);
}

/* At least something, which a deadline may well be. */
static int64_t
left(int64_t end)
{
	const int64_t ms = end - tick_mono();

	return (ms > 0 ? ms : 1);
}

static int
reach_hub(struct opctx *x, int64_t limit, struct err *e)
{
	const struct settings *set = x->conf->set;
	struct http_client_request req = { .method = "GET",
		.max_body = BODY_MAX, .deadline = at_most(REACH_LIMIT, limit) };
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
reach_git(struct opctx *x, int64_t limit, struct err *e)
{
	struct repo *quick = NULL;
	struct repo_conf rc;
	char tip[REPO_REV];
	int r = -1;

	if (x->conf->legacy_dir != NULL)
		return (err_set(e, ERR_NOTFOUND, "the checkout is a "
		    "person's"));
	agentconf_repo(x->conf, &rc);
	rc.fetch_timeout_ms = at_most(REACH_LIMIT, limit);
	if (repo_open(&rc, &quick, e) == 0)
		r = repo_check(quick, tip, e);
	if (r == -1)
		err_wrap(e, "the git server");
	repo_free(&quick);
	return (r);
}

static const struct {
	const char *name;
	int (*reach)(struct opctx *, int64_t, struct err *);
} places[] = {
	{ "hub", reach_hub },
	{ "git", reach_git },
};
#define NPLACES (sizeof(places) / sizeof(*places))

/* A file of the operation's that another worker finds again. */
static char *
note_path(const struct opctx *x, const char *name)
{
	char *dir = journal_dir(x->journal, x->req.op_id);
	char *path = file_join(dir, name);

	free(dir);
	return (path);
}

static int
note(const struct opctx *x, const char *name, const char *text, struct err *e)
{
	char *path = note_path(x, name);
	int r = file_write(path, text, strlen(text), 0600, e);

	free(path);
	return (r);
}

/* What was noted, ended by a NUL; the caller frees. */
static char *
noted(const struct opctx *x, const char *name)
{
	char *path = note_path(x, name);
	struct buf b = { 0 };

	if (file_read(path, NOTE_MAX, &b, NULL) == -1)
		buf_clear(&b);
	free(path);
	return (b.len > 0 ? buf_take(&b) : str_dup(""));
}

/* The host's own tests, if they are to decide. */
static int
healthy(const struct opctx *x, int64_t limit, struct err *e)
{
	struct deploy_conf quiet = x->deploy;
	struct deploy_tests t;

	if (!settings_bool(x->conf->set, SET_CONFIRM_TESTS))
		return (0);
	quiet.on_line = NULL;
	quiet.on_progress = NULL;
	quiet.test_timeout = at_most(quiet.test_timeout, limit);
	if (deploy_tests_run(&quiet, x->conf->flake_dir, NULL, &t, e) == -1)
		return (-1);
	return (t.outcome == DEPLOY_OK ? 0 : err_set(e, ERR_CHILD, "%s",
	    t.message));
}

/* ---- probes ---- */

/* Is ${line} one of the lines of ${text}? */
static bool
has_line(const char *text, const char *line)
{
	size_t n = strlen(line), len;

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len == n && memcmp(text, line, n) == 0)
			return (true);
	}
	return (false);
}

static struct probe_place
place_of(const struct opctx *x)
{

	return ((struct probe_place){ .home = x->conf->state_dir,
		.ca_file = settings_str(x->conf->set, SET_CA_FILE) });
}

/* Twice, as one that is found to fail protects nobody any more. */
static bool
well(const struct opctx *x, const struct probe *p, struct err *e)
{
	const struct probe_place place = place_of(x);

	return (probe_run(p, p->within, &place, e) == 0 ||
	    probe_run(p, p->within, &place, e) == 0);
}

/* What fails already is nobody's fault later. */
static int
probes_before(const struct opctx *x, struct err *e)
{
	const struct probe_list *l = &x->conf->probes;
	struct buf failing = { 0 };
	struct err why;
	size_t i;
	int r;

	for (i = 0; i < l->n; i++) {
		if (well(x, &l->list[i], &why))
			continue;
		joblog_note(x->log, "%s; it fails before the activation and "
		    "does not count after it", why.text);
		buf_addf(&failing, "%s\n", l->list[i].text);
	}
	r = note(x, "failing", failing.len > 0 ? failing.data : "", e);
	buf_free(&failing);
	return (r);
}

/* All of them, so that everything that is wrong is told. */
static int
probes_after(const struct opctx *x, int64_t end, struct err *e)
{
	const struct probe_list *l = &x->conf->probes;
	const struct probe_place place = place_of(x);
	char *failing = noted(x, "failing");
	struct buf all = { 0 };
	struct err why;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (!has_line(failing, l->list[i].text) &&
		    probe_run(&l->list[i], left(end), &place, &why) == -1)
			buf_addf(&all, "%s%s", all.len > 0 ? "; " : "",
			    why.text);
	}
	free(failing);
	if (all.len > 0)
		err_set(e, ERR_CHILD, "%s", all.data);
	i = all.len;
	buf_free(&all);
	return (i > 0 ? -1 : 0);
}

/* ---- ---- */

int
confirm_before(struct opctx *x, struct err *e)
{
	const char *name = "nothing";
	size_t i;

	if (!deploy_confirms(&x->deploy))
		return (0);
	for (i = 0; i < NPLACES; i++)
		if (places[i].reach(x, REACH_LIMIT, NULL) == 0) {
			name = places[i].name;
			break;
		}
	if (note(x, "reached", name, e) == -1)
		return (-1);
	return (probes_before(x, e));
}

int
confirm_after(struct opctx *x, int64_t limit, struct err *e)
{
	const int64_t end = tick_mono() + limit;
	char *name = noted(x, "reached");
	size_t i;
	int r = 0;

	for (i = 0; i < NPLACES; i++)
		/* Without the note, whatever is first on the list. */
		if (str_eq(places[i].name, name[0] != '\0' ? name :
		    places[0].name))
			r = places[i].reach(x, limit, e);
	free(name);
	if (r == 0)
		r = probes_after(x, end, e);
	return (r == 0 ? healthy(x, left(end), e) : r);
}
