#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "peer.h"
#include "str.h"
#include "url.h"

/*
 * Many simulated agents in one process, for the bench.  Prints one JSON object
 * a line: {"event":"registered"} when all of them are, {"event":"commanded"}
 * when all of them have received a command, {"event":"closed"} for each that
 * was lost, {"event":"stats"} on request.  Times are CLOCK_MONOTONIC in ns.
 * Reads commands from its input: "stats", "interval MS", "again" (wait for a
 * command to all anew), "quit".
 */

#define INFLIGHT 64
#define TICK_MS 10

struct swarm {
	struct peer_shared shared;
	struct peer *peers;
	unsigned n, started, registered, commanded, closed;
	uint64_t first_ns, last_ns, began_ns;
	int64_t interval_ms;
	double due;		/* heartbeats owed, a fraction carried over */
	unsigned next;		/* who sends the next one */
	struct peer *owing;	/* an answer to a command */
	uv_timer_t tick;
	uv_check_t turn_end;
	uv_pipe_t in;
	struct buf line;
};

static struct swarm swarm;

static void
print_stats(const char *event)
{
	const struct swarm *s = &swarm;

	printf("{\"event\":\"%s\",\"agents\":%u,\"registered\":%u,"
	    "\"commanded\":%u,\"closed\":%u,\"heartbeats\":%llu,"
	    "\"statuses\":%llu,\"messages\":%llu,\"began_ns\":%llu,"
	    "\"first_ns\":%llu,\"last_ns\":%llu,\"now_ns\":%llu}\n", event,
	    s->n, s->registered, s->commanded, s->closed,
	    (unsigned long long)s->shared.heartbeats,
	    (unsigned long long)s->shared.statuses,
	    (unsigned long long)s->shared.messages,
	    (unsigned long long)s->began_ns, (unsigned long long)s->first_ns,
	    (unsigned long long)s->last_ns, (unsigned long long)uv_hrtime());
	fflush(stdout);
}

/* So many at a time: a hub's accept queue is finite. */
static void
start_more(void)
{
	while (swarm.started < swarm.n &&
	    swarm.started - swarm.registered - swarm.closed < INFLIGHT)
		peer_start(&swarm.peers[swarm.started++]);
}

static void
on_state(struct peer *p)
{
	switch (p->state) {
	case PEER_REGISTERED:
		if (++swarm.registered == swarm.n)
			print_stats("registered");
		break;
	case PEER_CLOSED:
		swarm.closed++;
		if (p->why != NULL) {
			printf("{\"event\":\"closed\",\"index\":%u,"
			    "\"why\":\"%s\"}\n", p->index, p->why);
			fflush(stdout);
		}
		break;
	default:
		break;
	}
}

static void
on_command(struct peer *p)
{
	uint64_t now = uv_hrtime();

	if (!p->listed) {
		p->listed = true;
		p->next_owing = swarm.owing;
		swarm.owing = p;
	}
	if (p->commanded)
		return;
	p->commanded = true;
	if (swarm.commanded == 0)
		swarm.first_ns = now;
	swarm.last_ns = now;
	if (++swarm.commanded == swarm.n)
		print_stats("commanded");
}

/*
 * What has come is read by all before the first answers, as ten thousand
 * machines would: a command that one agent has is not late because another
 * one, in this same process, is busy.
 */
static void
on_turn_end(uv_check_t *c)
{
	struct peer *p;

	(void)c;
	while ((p = swarm.owing) != NULL) {
		swarm.owing = p->next_owing;
		p->listed = false;
		peer_answer(p);
	}
}

/* Heartbeats are spread evenly over the interval. */
static void
on_tick(uv_timer_t *t)
{
	(void)t;
	start_more();
	if (swarm.interval_ms <= 0 || swarm.registered < swarm.n)
		return;
	swarm.due += (double)swarm.n * TICK_MS / (double)swarm.interval_ms;
	for (; swarm.due >= 1; swarm.due--)
		peer_beat(&swarm.peers[swarm.next++ % swarm.n]);
}

static void
again(void)
{
	for (unsigned i = 0; i < swarm.n; i++)
		swarm.peers[i].commanded = false;
	swarm.commanded = 0;
	swarm.first_ns = swarm.last_ns = 0;
}

static void
quit(void)
{
	print_stats("stats");
	for (unsigned i = 0; i < swarm.started; i++)
		peer_stop(&swarm.peers[i]);
	uv_close((uv_handle_t *)&swarm.tick, NULL);
	uv_close((uv_handle_t *)&swarm.turn_end, NULL);
	uv_close((uv_handle_t *)&swarm.in, NULL);
}

static void
obey(const char *line)
{
	if (strcmp(line, "stats") == 0)
		print_stats("stats");
	else if (strcmp(line, "again") == 0)
		again();
	else if (strncmp(line, "interval ", 9) == 0)
		str_int(line + 9, 0, 3600000, &swarm.interval_ms);
	else if (strcmp(line, "quit") == 0)
		quit();
}

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	static char shared[4096];

	(void)h;
	(void)hint;
	*b = uv_buf_init(shared, sizeof(shared));
}

static void
on_input(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	char *nl;

	(void)s;
	if (n < 0) {
		quit();
		return;
	}
	buf_add(&swarm.line, b->base, (size_t)n);
	while (swarm.line.len > 0 &&
	    (nl = memchr(swarm.line.data, '\n', swarm.line.len)) != NULL) {
		*nl = '\0';
		obey(swarm.line.data);
		buf_drop(&swarm.line, (size_t)(nl + 1 - swarm.line.data));
	}
}

static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
usage(void)
{
	fputs("usage: swarm [-3] [-n AGENTS] [-i INTERVAL_MS] [-p PREFIX] "
	    "URL TOKEN\n", stderr);
	return (2);
}

static int
parse_args(int argc, char **argv, struct url *u)
{
	int64_t n = 100;
	struct err e;
	int c;

	swarm.shared.dialect = 4;
	swarm.shared.prefix = "bench-";
	while ((c = getopt(argc, argv, "3n:i:p:")) != -1) {
		if (c == '3')
			swarm.shared.dialect = 3;
		else if (c == 'p')
			swarm.shared.prefix = optarg;
		else if (c == 'n' ? str_int(optarg, 1, 1000000, &n) == -1 :
		    c != 'i' || str_int(optarg, 0, 3600000,
		    &swarm.interval_ms) == -1)
			return (-1);
	}
	if (argc - optind != 2)
		return (-1);
	if (url_agent(argv[optind], true, u, &e) == -1) {
		fprintf(stderr, "swarm: %s\n", e.text);
		return (-1);
	}
	swarm.n = (unsigned)n;
	swarm.shared.token = argv[optind + 1];
	return (uv_ip4_addr(u->host, u->port, &swarm.shared.addr));
}

static void
run(void)
{
	swarm.peers = str_alloc(swarm.n * sizeof(swarm.peers[0]));
	for (unsigned i = 0; i < swarm.n; i++) {
		swarm.peers[i].shared = &swarm.shared;
		swarm.peers[i].index = i;
	}
	uv_timer_init(swarm.shared.loop, &swarm.tick);
	uv_timer_start(&swarm.tick, on_tick, 0, TICK_MS);
	uv_check_init(swarm.shared.loop, &swarm.turn_end);
	uv_check_start(&swarm.turn_end, on_turn_end);
	uv_pipe_init(swarm.shared.loop, &swarm.in, 0);
	uv_pipe_open(&swarm.in, 0);
	uv_read_start((uv_stream_t *)&swarm.in, on_alloc, on_input);
	swarm.began_ns = uv_hrtime();
	uv_run(swarm.shared.loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < swarm.n; i++)
		peer_free(&swarm.peers[i]);
	free(swarm.peers);
	buf_free(&swarm.line);
}

int
main(int argc, char **argv)
{
	struct url u = { 0 };
	char *host;

	if (parse_args(argc, argv, &u) != 0)
		return (usage());
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	host = url_host_header(&u);
	swarm.shared.host_header = host;
	swarm.shared.on_state = on_state;
	swarm.shared.on_command = on_command;
	swarm.shared.loop = uv_default_loop();
	run();
	free(host);
	url_free(&u);
	return (swarm.registered == swarm.n ? 0 : 1);
}
