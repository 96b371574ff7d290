#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "store_job.h"
#include "str.h"
#include "tick.h"

#define STORE_PROBE_MS 1000
/* Jobs that wait for the end of the loop's turn at most; see submit(). */
#define STORE_TURN 1000

struct store {
	const struct store_driver *driver;
	void *db;
	uv_loop_t *loop;
	uv_async_t async;
	uv_timer_t probe;
	uv_prepare_t turn_end;
	uv_thread_t thread;
	bool running;
	/* loop thread */
	struct store_queue turn;	/* not given to the thread yet */
	size_t nturn;
	void (*on_turn_end)(void *);	/* or NULL */
	void *cookie;
	bool telling;
	struct store_figures figures;
	bool probing;
	int64_t asked, answered;	/* tick_mono() of the last probe */
	struct err *failure;		/* of the last write, or NULL */
	/* shared */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_queue todo, done;
	atomic_bool due;		/* something is in ${done} */
	bool stop;
};

/* Append all from ${first} to ${last}. */
static void
queue_add(struct store_queue *q, struct store_job *first,
    struct store_job *last)
{
	last->next = NULL;
	*q->last = first;
	q->last = &last->next;
}

/* Append all of ${from}, which is not empty, and empty it. */
static void
queue_move(struct store_queue *to, struct store_queue *from)
{
	*to->last = from->first;
	to->last = from->last;
	store_job_queue(from);
}

static void
thread_main(void *arg)
{
	struct store *s = arg;
	struct store_job *batch, *last;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->todo.first == NULL && !s->stop)
			pthread_cond_wait(&s->wake, &s->lock);
		if (s->todo.first == NULL)
			break;
		batch = store_job_take(&s->todo, &last);
		pthread_mutex_unlock(&s->lock);
		store_job_run(s->driver, s->db, batch);
		pthread_mutex_lock(&s->lock);
		queue_add(&s->done, batch, last);
		atomic_store(&s->due, true);
		uv_async_send(&s->async);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Have queued what somebody has gathered. */
static void
gather(struct store *s)
{
	if (s->on_turn_end != NULL)
		s->on_turn_end(s->cookie);
}

/* Give the thread what this turn of the loop has asked for. */
static void
hand_over(struct store *s)
{
	gather(s);
	if (s->nturn == 0)
		return;
	pthread_mutex_lock(&s->lock);
	queue_move(&s->todo, &s->turn);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	s->nturn = 0;
}

/*
 * Together: one transaction, one wake-up, and where completions send commands
 * to thousands of hosts, no thread that takes the processor from them.
 */
static void
submit(struct store *s, struct store_job *j)
{
	s->figures.backlog++;
	queue_add(&s->turn, j, j);
	if (++s->nturn >= STORE_TURN && !s->telling)
		hand_over(s);
}

static void
on_turn_end(uv_prepare_t *p)
{
	hand_over(p->data);
}

static void
tell_found(struct store_job *j)
{
	size_t size = store_tables[j->table].size;
	void **rows = str_alloc((j->n + 1) * sizeof(*rows));

	for (size_t i = 0; i < j->n; i++)
		rows[i] = j->rows + i * size;
	j->found(j->cookie, rows, j->failed == NULL ? j->n : 0, j->failed);
	free(rows);
}

static void
job_tell(struct store *s, struct store_job *j)
{
	s->figures.backlog--;
	if (j->failed == NULL)
		s->figures.done++;
	else
		s->figures.failed++;
	if (j->kind == STORE_JOB_PROBE) {
		s->probing = false;
		if (j->failed == NULL)
			s->answered = tick_mono();
		s->figures.latency_ms = tick_mono() - s->asked;
	}
	if (store_job_writes(j)) {
		free(s->failure);
		s->failure = NULL;
		if (j->failed != NULL) {
			s->failure = str_alloc(sizeof(*s->failure));
			*s->failure = *j->failed;
		}
	}
	/* Behind what waits by now; when we stop, the rest has time. */
	if (j->more && j->failed == NULL && !s->stop) {
		submit(s, j);
		return;
	}
	if (j->found != NULL)
		tell_found(j);
	else if (j->counted != NULL)
		j->counted(j->cookie, j->trim.bytes, j->failed);
	else if (j->done != NULL)
		j->done(j->cookie, j->failed);
	store_job_free(j);
}

static void
tell_all(struct store *s)
{
	struct store_job *j, *next;

	pthread_mutex_lock(&s->lock);
	j = s->done.first;
	store_job_queue(&s->done);
	atomic_store(&s->due, false);
	pthread_mutex_unlock(&s->lock);
	s->telling = true;
	for (; j != NULL; j = next) {
		next = j->next;
		job_tell(s, j);
	}
	s->telling = false;
	hand_over(s);
}

static void
on_async(uv_async_t *a)
{
	tell_all(a->data);
}

static void
on_probe(uv_timer_t *t)
{
	struct store *s = t->data;

	if (s->probing)
		return;
	s->probing = true;
	s->asked = tick_mono();
	submit(s, store_job_new(STORE_JOB_PROBE, STORE_META));
}

int
store_open(uv_loop_t *loop, const struct store_driver *driver,
    const char *where, struct store **out, struct err *e)
{
	struct store *s = str_alloc(sizeof(*s));

	s->driver = driver;
	s->loop = loop;
	if (driver->open(where, &s->db, e) == -1) {
		free(s);
		return (-1);
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	store_job_queue(&s->turn);
	store_job_queue(&s->todo);
	store_job_queue(&s->done);
	*out = s;
	return (0);
}

int
store_load(struct store *s, const struct store_query *q, store_row *fn,
    void *cookie, struct err *e)
{
	assert(!s->running);
	return (s->driver->find(s->db, q, fn, cookie, e));
}

int
store_start(struct store *s, struct err *e)
{
	int rc;

	if ((rc = uv_async_init(s->loop, &s->async, on_async)) != 0)
		return (err_set(e, ERR_SYS, "start the store: %s",
		    uv_strerror(rc)));
	s->async.data = s;
	uv_timer_init(s->loop, &s->probe);
	s->probe.data = s;
	uv_prepare_init(s->loop, &s->turn_end);
	s->turn_end.data = s;
	s->answered = tick_mono();
	if ((rc = uv_thread_create(&s->thread, thread_main, s)) != 0) {
		uv_close((uv_handle_t *)&s->turn_end, NULL);
		uv_close((uv_handle_t *)&s->probe, NULL);
		uv_close((uv_handle_t *)&s->async, NULL);
		return (err_set(e, ERR_SYS, "start the store's thread: %s",
		    uv_strerror(rc)));
	}
	s->running = true;
	uv_timer_start(&s->probe, on_probe, 0, STORE_PROBE_MS);
	uv_prepare_start(&s->turn_end, on_turn_end);
	return (0);
}

static void
store_destroy(struct store *s)
{
	s->driver->close(&s->db);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->failure);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

/* One after the other: the order in which libuv closes several is its own. */
static void
on_turn_end_closed(uv_handle_t *h)
{
	struct store *s = h->data;

	uv_close((uv_handle_t *)&s->async, on_closed);
}

static void
on_probe_closed(uv_handle_t *h)
{
	struct store *s = h->data;

	uv_close((uv_handle_t *)&s->turn_end, on_turn_end_closed);
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL)
		return;
	if (!s->running) {
		store_destroy(s);
		free(s);
		*sp = NULL;
		return;
	}
	uv_timer_stop(&s->probe);
	uv_prepare_stop(&s->turn_end);
	hand_over(s);
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	uv_thread_join(&s->thread);
	tell_all(s);
	/* A completion may have queued more: the pointer is still good. */
	while (s->figures.backlog > 0) {
		thread_main(s);
		tell_all(s);
	}
	*sp = NULL;
	/* A last wake-up may still come, and who gathers is gone then. */
	s->on_turn_end = NULL;
	store_destroy(s);
	uv_close((uv_handle_t *)&s->probe, on_probe_closed);
}

void
store_put(struct store *s, enum store_table table, const void *rows, size_t n,
    store_done *done, void *cookie)
{
	struct store_job *j = store_job_put(table, rows, n);

	j->done = done;
	j->cookie = cookie;
	submit(s, j);
}

void
store_drop(struct store *s, enum store_table table, const char *key,
    store_done *done, void *cookie)
{
	struct store_job *j = store_job_new(STORE_JOB_DROP, table);

	gather(s);
	j->key = str_dup(key);
	j->done = done;
	j->cookie = cookie;
	submit(s, j);
}

void
store_find(struct store *s, const struct store_query *q, store_found *found,
    void *cookie)
{
	struct store_job *j = store_job_new(STORE_JOB_FIND, q->table);

	gather(s);
	j->query = *q;
	j->query.id = str_dup(q->id);
	j->query.host = str_dup(q->host);
	j->query.state = str_dup(q->state);
	j->query.before = str_dup(q->before);
	j->found = found;
	j->cookie = cookie;
	submit(s, j);
}

void
store_retain(struct store *s, int64_t before, store_done *done, void *cookie)
{
	struct store_job *j = store_job_new(STORE_JOB_RETAIN, STORE_OPERATION);

	j->when = before;
	j->now = tick_wall();
	j->done = done;
	j->cookie = cookie;
	submit(s, j);
}

void
store_sum(struct store *s, const char *host, store_bytes *counted,
    void *cookie)
{
	struct store_job *j = store_job_new(STORE_JOB_SUM, STORE_OPERATION);

	gather(s);
	j->key = str_dup(host);
	j->counted = counted;
	j->cookie = cookie;
	submit(s, j);
}

void
store_trim(struct store *s, const struct store_trim *what,
    store_bytes *trimmed, void *cookie)
{
	struct store_job *j = store_job_new(STORE_JOB_TRIM, STORE_LINE);

	j->trim = *what;
	j->trim.op_id = j->key = str_dup(what->op_id);
	j->trim.words = j->words = str_dup(what->words);
	j->now = tick_wall();
	j->counted = trimmed;
	j->cookie = cookie;
	submit(s, j);
}

void
store_on_turn_end(struct store *s, void (*fn)(void *), void *cookie)
{
	s->on_turn_end = fn;
	s->cookie = cookie;
}

int
store_health(const struct store *s, int64_t max_ms, struct err *e)
{
	int64_t ago = tick_mono() - s->answered;

	if (ago > max_ms)
		return (err_set(e, ERR_TIMEOUT, "the store did not answer for "
		    "%lld s (%zu jobs wait)", (long long)ago / 1000,
		    s->figures.backlog));
	if (s->failure != NULL)
		return (err_set(e, s->failure->code, "the last write failed: "
		    "%s", s->failure->text));
	return (0);
}

void
store_turn(struct store *s)
{
	if (atomic_load(&s->due))
		tell_all(s);
}

void
store_figures(const struct store *s, struct store_figures *out)
{
	*out = s->figures;
}
