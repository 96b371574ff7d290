#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http_client.h"
#include "mirror_job.h"
#include "repo.h"
#include "str.h"
#include "tick.h"
#include "version_json.h"

#define COMMITS 200
#define LOCK_MAX (16 * 1024 * 1024)
#define VERSION_MAX (256 * 1024)
#define VERSION_MS 10000

void
mirror_job_clear(struct mirror_state *m)
{
	for (size_t i = 0; i < m->ncommits; i++) {
		free(m->commits[i].id);
		free(m->commits[i].author);
		free(m->commits[i].subject);
	}
	free(m->commits);
	free(m->url);
	free(m->branch);
	free(m->head);
	free(m->subject);
	free(m->author);
	free(m->lock_hash);
	free(m->error);
	memset(m, 0, sizeof(*m));
}

void
mirror_job_free(struct mirror_job **jp)
{
	struct mirror_job *j = *jp;

	if (j == NULL)
		return;
	for (size_t i = 0; i < j->ncounts; i++) {
		free(j->counts[i].revision);
		free(j->counts[i].full);
	}
	free(j->counts);
	free(j->old_head);
	mirror_job_clear(&j->state);
	free(j);
	*jp = NULL;
}

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	struct mirror_state *m = cookie;
	struct mirror_commit *to;

	if (m->ncommits == COMMITS)
		return;
	to = &m->commits[m->ncommits++];
	to->id = str_dup(c->rev);
	to->author = str_dup(c->author);
	to->subject = str_dup(c->subject);
	to->date = c->time * 1000;
}

static char *
sha256(const void *p, size_t n)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *hex = str_alloc(65);

	EVP_Digest(p, n, md, &len, EVP_sha256(), NULL);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(hex + (size_t)i * 2, 3, "%02x", md[i]);
	return (hex);
}

/* A configuration without flake.lock is a configuration. */
static int
read_lock(struct mirror_job *j, struct err *e)
{
	struct buf lock = { 0 };
	int rc = 0;

	if (repo_show(j->repo, j->state.head, repo_lock_path(j->repo),
	    LOCK_MAX, &lock, e) == 0)
		j->state.lock_hash = sha256(lock.data, lock.len);
	else if (e->code != ERR_NOTFOUND)
		rc = -1;
	buf_free(&lock);
	return (rc);
}

static int
look_repo(struct mirror_job *j, struct err *e)
{
	struct mirror_state *m = &j->state;
	char head[REPO_REV];

	if (repo_pull(j->repo, NULL, e) == -1)
		return (-1);
	if (repo_head(j->repo, head) == -1)
		return (err_set(e, ERR_DAMAGED, "the mirror has no HEAD"));
	if (str_eq(j->old_head, head))
		return (0);
	m->head = str_dup(head);
	m->commits = str_alloc(COMMITS * sizeof(*m->commits));
	if (repo_log(j->repo, NULL, head, COMMITS, on_commit, m, e) == -1 ||
	    read_lock(j, e) == -1)
		return (-1);
	if (m->ncommits > 0) {
		m->subject = str_dup(m->commits[0].subject);
		m->author = str_dup(m->commits[0].author);
		m->committed_at = m->commits[0].date;
	}
	return (0);
}

static int
look_version(struct mirror_job *j, struct err *e)
{
	const struct http_client_request req = { .method = "GET",
	    .url = j->version_url, .max_body = VERSION_MAX,
	    .deadline = VERSION_MS };
	struct http_client_response res = { 0 };
	struct mirror_state *m = &j->state;
	struct version_json v;
	int rc = -1;

	if (http_client_run(&req, &res, e) == -1)
		goto out;
	if (res.status != 200) {
		err_set(e, ERR_PROTO, "%s answers with status %d",
		    j->version_url, res.status);
		goto out;
	}
	if (version_json_parse(res.body.data != NULL ? res.body.data : "",
	    res.body.len, &v, e) == -1) {
		err_wrap(e, "%s", j->version_url);
		goto out;
	}
	m->head = str_dup(v.commit);
	m->lock_hash = str_dup(v.lock_hash);
	m->subject = str_dup(v.message);
	m->branch = str_dup(v.branch);
	m->committed_at = v.timestamp;
	version_json_free(&v);
	rc = 0;
out:
	http_client_free(&res);
	return (rc);
}

static void
count(struct mirror_job *j)
{
	struct err e;

	for (size_t i = 0; i < j->ncounts; i++)
		j->counts[i].behind = repo_count(j->repo, j->counts[i].full,
		    NULL, &e);
}

void
mirror_job_run(struct mirror_job *j)
{
	struct err e;

	err_clear(&e);
	if (j->look && (j->repo != NULL ? look_repo(j, &e) :
	    look_version(j, &e)) == -1) {
		mirror_job_clear(&j->state);
		j->state.error = str_dup(e.text);
	}
	j->state.checked_at = tick_wall();
	if (j->repo != NULL)
		count(j);
}
