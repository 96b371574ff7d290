#include <stdlib.h>

#include "file.h"
#include "intake.h"
#include "log.h"
#include "rnd.h"

#include "daemon.h"
#include "upkeep.h"

#define CLONE_FIRST 30000
#define CLONE_MAX 600000
#define TIDY_FIRST 1800000
#define TIDY_RETRY 600000

/* The first clone is a pull of our own, tried until there is one. */
static void
on_clone(uv_timer_t *t)
{
	struct daemon *d = t->data;
	struct intake in = { .op = "pull", .by = "agent", .origin = "local" };
	struct jobs_info info;
	struct err e = { 0 };
	enum reject why;
	char *old;

	if (daemon_job(d, &info) != NULL || beat_cloned(d->beat))
		return;
	if (d->clone_op[0] != '\0') {
		/* One failed attempt is enough to look at. */
		old = journal_dir(d->journal, d->clone_op);
		if (file_rmtree(old, &e) == -1)
			log_warn("cannot tidy the journal", "error", e.text);
		free(old);
		d->clone_op[0] = '\0';
	}
	d->clone_tries++;
	if (intake_take(d, &in, d->clone_op, &why, &e) == -1)
		log_error("cannot clone the repository", "error", e.text);
}

void
upkeep_clone(struct daemon *d)
{

	if (d->conf->legacy_dir != NULL || beat_cloned(d->beat)) {
		d->clone_tries = 0;
		return;
	}
	(void)uv_timer_start(&d->clone, on_clone, d->clone_tries == 0 ? 0 :
	    (uint64_t)rnd_backoff(CLONE_FIRST, CLONE_MAX, d->clone_tries,
	    rnd_below(UINT32_MAX)), 0);
}

/* How often the clone is maintained, in ms. */
static uint64_t
tidy_every(const struct daemon *d)
{

	return ((uint64_t)settings_int(d->conf->set, SET_REPO_UPKEEP) * 1000);
}

static uint64_t
tidy_wait(const struct daemon *d, uint64_t most)
{
	uint64_t every = tidy_every(d);

	return (every < most ? every : most);
}

/* When nothing runs; whatever comes meanwhile ends it. */
static void
on_tidy(uv_timer_t *t)
{
	struct daemon *d = t->data;
	struct intake in = { .op = "repo-maintain", .by = "agent",
	    .origin = "local" };
	struct jobs_info info;
	char op_id[ULID_LEN + 1];
	struct err e = { 0 };
	enum reject why;
	char head[REPO_REV];
	bool idle = daemon_job(d, &info) == NULL && !d->ending &&
	    !jobs_running(d->jobs, d->tidy_op) && beat_head(d->beat, head);

	(void)uv_timer_start(t, on_tidy, idle ? tidy_every(d) :
	    tidy_wait(d, TIDY_RETRY), 0);
	if (idle && intake_take(d, &in, op_id, &why, &e) == -1)
		log_error("cannot maintain the repository", "error", e.text);
}

void
upkeep_start(struct daemon *d)
{
	uint64_t first = tidy_wait(d, TIDY_FIRST);

	upkeep_clone(d);
	if (d->conf->legacy_dir == NULL && first > 0)
		(void)uv_timer_start(&d->tidy, on_tidy, first +
		    rnd_below((uint32_t)first), 0);
}
