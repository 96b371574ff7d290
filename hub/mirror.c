#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "compartment.h"
#include "eventlog.h"
#include "feed.h"
#include "file.h"
#include "fleet.h"
#include "hub.h"
#include "mirror.h"
#include "mirror_job.h"
#include "repo.h"
#include "str.h"
#include "strmap.h"

/* Revisions that are counted for one head. */
#define MAX_COUNTS 2000
/* At least that, of hosts that shorten. */
#define MIN_REVISION 7

struct known {
	int64_t behind;
	bool asked;			/* in a job, or answered */
	char revision[];
};

struct mirror {
	struct hub *hub;
	uv_timer_t timer;
	uv_work_t work;
	struct mirror_job *job;		/* running, or NULL */
	struct repo *repo;
	const char *version_url;
	struct mirror_state state;
	struct strmap known;		/* by revision, of this head */
	size_t wanted;			/* known, not asked */
	int64_t poll_ms;
	int stop_pipe[2];
	bool closed, again;
};

static void
forget_counts(struct mirror *m)
{
	for (size_t i = 0; i < m->known.size; i++)
		free(m->known.slots[i].value);
	strmap_done(&m->known);
	m->wanted = 0;
}

static void
mirror_destroy(struct mirror *m)
{
	forget_counts(m);
	mirror_job_free(&m->job);
	mirror_job_clear(&m->state);
	repo_free(&m->repo);
	close(m->stop_pipe[0]);
	close(m->stop_pipe[1]);
	free(m);
}

static void
on_closed(uv_handle_t *t)
{
	struct mirror *m = t->data;

	if (m->job == NULL)
		mirror_destroy(m);
	else
		m->timer.data = NULL;	/* on_looked does it */
}

static void
tell(struct mirror *m, const char *level, const char *what, const char *text)
{
	const struct eventlog_entry en = { .category = "repo",
	    .level = level, .action = "mirror" };

	eventlog_add(m->hub->events, &en, "%s%s", what, text);
}

/* A new head: all that was counted is of no use. */
static void
take_head(struct mirror *m, struct mirror_state *from)
{
	struct mirror_state *s = &m->state;
	struct mirror_state old = *s;
	char text[128];

	if (!str_eq(old.head, from->head)) {
		snprintf(text, sizeof(text), "%.7s %.100s", from->head,
		    from->subject != NULL ? from->subject : "");
		tell(m, "info", "The newest revision is ", text);
		forget_counts(m);
	}
	*s = *from;
	s->configured = true;
	s->url = old.url;
	if (s->branch == NULL)
		s->branch = old.branch;
	else
		free(old.branch);
	old.url = old.branch = NULL;
	mirror_job_clear(&old);
	memset(from, 0, sizeof(*from));
}

static void
take_error(struct mirror *m, const char *error)
{
	if (str_eq(m->state.error, error))
		return;
	if (error != NULL)
		tell(m, "error", "The repository cannot be read: ", error);
	else
		tell(m, "success", "The repository can be read again", "");
	free(m->state.error);
	m->state.error = str_dup(error);
}

static void
take_counts(struct mirror *m, const struct mirror_job *j)
{
	for (size_t i = 0; i < j->ncounts; i++) {
		struct known *k = strmap_get(&m->known, j->counts[i].revision);

		if (k != NULL)
			k->behind = j->counts[i].behind;
	}
}

static void
take(struct mirror *m, struct mirror_job *j)
{
	int64_t checked = j->state.checked_at;
	bool news = j->ncounts > 0;

	if (j->look) {
		news = news || j->state.head != NULL ||
		    !str_eq(m->state.error, j->state.error);
		take_error(m, j->state.error);
		if (j->state.head != NULL)
			take_head(m, &j->state);
		m->state.checked_at = checked;
		feed_repository(m->hub->feed);
	}
	/* Counted against the head that was there when the job began. */
	if (str_eq(j->old_head, m->state.head))
		take_counts(m, j);
	if (news)
		fleet_judge_all(m->hub->fleet);
}

static void start(struct mirror *, bool);

/* Thread pool. */
static void
on_look(uv_work_t *w)
{
	struct mirror *m = w->data;

	mirror_job_run(m->job);
}

static void
on_looked(uv_work_t *w, int status)
{
	struct mirror *m = w->data;
	struct mirror_job *j = m->job;
	bool again = m->again;

	(void)status;
	m->job = NULL;
	if (m->closed) {
		mirror_job_free(&j);
		if (m->timer.data == NULL)
			mirror_destroy(m);
		return;
	}
	take(m, j);
	mirror_job_free(&j);
	m->again = false;
	if (again)
		start(m, true);
	else if (m->wanted > 0)
		start(m, false);
}

/* Dialect 3 hosts shorten their revision. */
static const char *
full_revision(const struct mirror *m, const char *rev)
{
	size_t n = strlen(rev);

	for (size_t i = 0; n < 40 && i < m->state.ncommits; i++)
		if (strncmp(m->state.commits[i].id, rev, n) == 0)
			return (m->state.commits[i].id);
	return (rev);
}

static void
want_counts(struct mirror *m, struct mirror_job *j)
{
	j->counts = str_alloc((m->wanted + 1) * sizeof(*j->counts));
	for (size_t i = 0; i < m->known.size; i++) {
		struct known *k = m->known.slots[i].value;

		if (k == NULL || k->asked)
			continue;
		k->asked = true;
		j->counts[j->ncounts].revision = str_dup(k->revision);
		j->counts[j->ncounts++].full = str_dup(full_revision(m,
		    k->revision));
	}
	m->wanted = 0;
}

static void
start(struct mirror *m, bool look)
{
	struct mirror_job *j;

	if (m->job != NULL || m->closed) {
		m->again = m->again || look;
		return;
	}
	j = str_alloc(sizeof(*j));
	j->repo = m->repo;
	j->version_url = m->version_url;
	j->old_head = str_dup(m->state.head);
	j->look = look;
	want_counts(m, j);
	m->job = j;
	m->work.data = m;
	if (uv_queue_work(m->hub->loop, &m->work, on_look, on_looked) != 0)
		abort();
}

static void
on_timer(uv_timer_t *t)
{
	start(t->data, true);
}

void
mirror_conf(const struct settings *s, const char *state, const char *dir,
    struct repo_conf *out)
{
	const struct repo_conf conf = {
		.url = settings_str(s, SET_REPO_URL),
		.branch = settings_str(s, SET_BRANCH),
		.dir = dir, .state_dir = state,
		.ssh_key = settings_str(s, SET_SSH_KEY),
		.known_hosts = settings_str(s, SET_SSH_KNOWN_HOSTS),
		.token_file = settings_str(s, SET_REPO_TOKEN_FILE),
		.depth = (int)settings_int(s, SET_REPO_DEPTH),
		.fetch_timeout_ms = settings_int(s, SET_FETCH_TIMEOUT) * 1000,
		.stop_fd = -1,
	};

	*out = conf;
}

static int
open_repo(struct mirror *m, struct err *e)
{
	char *state = file_join(m->hub->data_dir, "mirror");
	char *dir = file_join(state, "repo");
	struct repo_conf conf;
	int rc = -1;

	mirror_conf(m->hub->settings, state, dir, &conf);
	conf.stop_fd = m->stop_pipe[0];
	if (file_mkdirs(state, 0700, e) == 0)
		rc = repo_open(&conf, &m->repo, e);
	free(dir);
	free(state);
	return (rc);
}

static int
configure(struct mirror *m, struct err *e)
{
	const struct settings *s = m->hub->settings;
	const char *url = settings_str(s, SET_REPO_URL);

	m->version_url = settings_str(s, SET_VERSION_URL);
	m->poll_ms = settings_int(s, url != NULL ? SET_REPO_POLL :
	    SET_VERSION_FETCH_TTL) * 1000;
	m->state.configured = url != NULL || m->version_url != NULL;
	m->state.url = str_dup(url != NULL ? url : m->version_url);
	if (url == NULL)
		return (0);
	m->state.branch = str_dup(settings_str(s, SET_BRANCH));
	return (open_repo(m, e));
}

int
mirror_new(struct hub *hub, struct mirror **out, struct err *e)
{
	struct mirror *m = str_alloc(sizeof(*m));

	m->hub = hub;
	if (pipe2(m->stop_pipe, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(m);
		return (err_sys(e, "pipe"));
	}
	if (configure(m, e) == -1) {
		mirror_destroy(m);
		return (-1);
	}
	uv_timer_init(hub->loop, &m->timer);
	m->timer.data = m;
	if (m->state.configured)
		uv_timer_start(&m->timer, on_timer, 0, (uint64_t)m->poll_ms);
	*out = m;
	return (0);
}

void
mirror_free(struct mirror **mp)
{
	struct mirror *m = *mp;
	ssize_t n;

	if (m == NULL)
		return;
	*mp = NULL;
	m->closed = true;
	/* Full or not: one byte makes it readable. */
	n = write(m->stop_pipe[1], "x", 1);
	(void)n;
	uv_close((uv_handle_t *)&m->timer, on_closed);
}

const struct mirror_state *
mirror_state(const struct mirror *m)
{
	static const struct mirror_state none;

	return (m == NULL ? &none : &m->state);
}

void
mirror_poke(struct mirror *m)
{
	if (m->state.configured)
		start(m, true);
}

int64_t
mirror_behind(struct mirror *m, const char *revision)
{
	struct known *k;
	size_t n = strlen(revision);

	if (m == NULL || m->repo == NULL || m->state.head == NULL ||
	    n < MIN_REVISION)
		return (-1);
	if (compartment_same_revision(revision, m->state.head))
		return (0);
	if ((k = strmap_get(&m->known, revision)) != NULL)
		return (k->behind);
	if (m->known.used >= MAX_COUNTS)
		return (-1);
	k = str_alloc(sizeof(*k) + n + 1);
	memcpy(k->revision, revision, n + 1);
	k->behind = -1;
	strmap_put(&m->known, k->revision, k);
	m->wanted++;
	start(m, false);
	return (-1);
}
