#include <stdlib.h>
#include <sys/stat.h>

#include "auth.h"
#include "blocked.h"
#include "deadline.h"
#include "eventlog.h"
#include "feed.h"
#include "file.h"
#include "fleet.h"
#include "hub.h"
#include "intern.h"
#include "log.h"
#include "mirror.h"
#include "operation.h"
#include "store.h"
#include "str.h"
#include "tick.h"

#define MINUTE_MS 60000
/* A hub that is started again now and then must come to it too. */
#define RETAIN_MINUTES 5
/* Longer without an answer of the store is not healthy. */
#define STORE_MS 10000

static void
on_minute(uv_timer_t *t)
{
	struct hub *hub = t->data;

	auth_sweep(hub->auth);
	if (++hub->minutes % RETAIN_MINUTES == 0)
		store_retain(hub->store, tick_wall() -
		    settings_int(hub->settings, SET_RETENTION_DAYS) * 86400000,
		    NULL, NULL);
}

/* One that v3 made, or that was put back, may be there for all to read. */
static void
close_to_others(const char *path)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	struct stat st;
	char *part;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		part = str_printf("%s%s", path, parts[i]);
		if (stat(part, &st) == 0 && (st.st_mode & S_IRWXO) != 0 &&
		    chmod(part, st.st_mode & (S_IRWXU | S_IRWXG)) == -1)
			log_warn("every user can read it", "path", part);
		free(part);
	}
}

static int
open_store(struct hub *hub, struct err *e)
{
	const char *set = settings_str(hub->settings, SET_DB_PATH);
	char *path = set != NULL ? str_dup(set) :
	    file_join(hub->data_dir, "nixfleet.db");
	mode_t old = umask(0077);
	int rc;

	close_to_others(path);
	rc = store_open(hub->loop, &store_sqlite, path, &hub->store, e);
	umask(old);
	free(path);
	return (rc);
}

static int
read_settings(struct hub *hub, struct err *e)
{
	const struct settings *s = hub->settings;

	hub->data_dir = str_dup(settings_str(s, SET_DATA_DIR));
	hub->allow_shared = settings_bool(s, SET_ALLOW_SHARED_TOKEN);
	hub->heartbeat_s = settings_int(s, SET_HEARTBEAT_INTERVAL);
	hub->started_at = tick_wall();
	if (settings_secret(s, SET_AGENT_TOKEN, SET_AGENT_TOKEN_FILE,
	    &hub->shared_token, e) == -1 ||
	    settings_secret(s, SET_METRICS_TOKEN, SET_METRICS_TOKEN_FILE,
	    &hub->metrics_token, e) == -1)
		return (-1);
	if (hub->shared_token == NULL)
		log_warn("NIXFLEET_AGENT_TOKEN_FILE is not set: no new host "
		    "can enrol");
	if (file_mkdirs(hub->data_dir, 0700, e) == -1)
		return (err_wrap(e, "NIXFLEET_DATA_DIR"));
	return (0);
}

static int
load(struct hub *hub, char **printed, struct err *e)
{
	if (read_settings(hub, e) == -1 || open_store(hub, e) == -1 ||
	    deadlines_new(hub->loop, &hub->deadlines, e) == -1 ||
	    feed_new(hub, &hub->feed, e) == -1 ||
	    eventlog_new(hub, &hub->events, e) == -1 ||
	    fleet_new(hub, &hub->fleet, e) == -1 ||
	    blocked_new(hub, &hub->blocked, e) == -1 ||
	    operations_new(hub, &hub->operations, e) == -1 ||
	    mirror_new(hub, &hub->mirror, e) == -1 ||
	    auth_new(hub, &hub->auth, printed, e) == -1 ||
	    store_start(hub->store, e) == -1)
		return (-1);
	fleet_judge_all(hub->fleet);
	return (0);
}

static void
on_closed(uv_handle_t *t)
{
	free(t);
}

/* In the order of who needs whom; each takes NULL. */
static void
unload(struct hub *hub)
{
	if (hub->fleet != NULL && hub->store != NULL)
		fleet_flush(hub->fleet);
	mirror_free(&hub->mirror);
	auth_free(&hub->auth);
	store_close(&hub->store);
	feed_free(&hub->feed);
	operations_free(&hub->operations);
	blocked_free(&hub->blocked);
	fleet_free(&hub->fleet);
	eventlog_free(&hub->events);
	deadlines_free(&hub->deadlines);
	intern_free(&hub->intern);
	str_wipefree(&hub->shared_token);
	str_wipefree(&hub->metrics_token);
	free(hub->data_dir);
	free(hub);
}

int
hub_new(uv_loop_t *loop, const struct settings *settings, struct hub **out,
    char **printed, struct err *e)
{
	struct hub *hub = str_alloc(sizeof(*hub));

	*printed = NULL;
	hub->loop = loop;
	hub->settings = settings;
	hub->intern = intern_new();
	if (load(hub, printed, e) == -1) {
		str_wipefree(printed);
		unload(hub);
		return (-1);
	}
	hub->minute = str_alloc(sizeof(*hub->minute));
	uv_timer_init(loop, hub->minute);
	hub->minute->data = hub;
	uv_timer_start(hub->minute, on_minute, MINUTE_MS, MINUTE_MS);
	*out = hub;
	return (0);
}

void
hub_free(struct hub **hubp)
{
	struct hub *hub = *hubp;

	if (hub == NULL)
		return;
	*hubp = NULL;
	hub->stopping = true;
	uv_timer_stop(hub->minute);
	uv_close((uv_handle_t *)hub->minute, on_closed);
	unload(hub);
}

int
hub_health(const struct hub *hub, struct err *e)
{
	return (store_health(hub->store, STORE_MS, e));
}
