#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "hub.h"
#include "hubcheck.h"
#include "log.h"
#include "loop.h"
#include "repo.h"
#include "server.h"
#include "settings.h"
#include "str.h"
#include "term.h"

#define PROGRAM "nixfleet-hub"

/* ms for agents and browsers to take our good-bye. */
#define STOP_MS 3000
#define STOP_TICK 20

extern char **environ;

struct program {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_timer_t stopping;
	uint64_t stop_by;
	struct settings *settings;
	struct hub *hub;
	struct server *srv;
};

static void
on_stop_tick(uv_timer_t *t)
{
	struct program *p = t->data;

	if (server_sockets(p->srv) == 0 || uv_now(t->loop) >= p->stop_by)
		uv_stop(t->loop);
}

static void
on_signal(uv_signal_t *sig, int signum)
{
	struct program *p = sig->data;

	/* The second one is impatient. */
	if (p->hub->stopping) {
		uv_stop(sig->loop);
		return;
	}
	log_info("stopping", "signal", signum == SIGINT ? "INT" : "TERM");
	p->hub->stopping = true;
	server_stop(p->srv);
	p->stop_by = uv_now(sig->loop) + STOP_MS;
	uv_timer_start(&p->stopping, on_stop_tick, STOP_TICK, STOP_TICK);
}

static void
watch_signals(struct program *p)
{
	signal(SIGPIPE, SIG_IGN);
	uv_signal_init(&p->loop, &p->term);
	uv_signal_init(&p->loop, &p->interrupt);
	uv_timer_init(&p->loop, &p->stopping);
	p->term.data = p->interrupt.data = p->stopping.data = p;
	uv_signal_start(&p->term, on_signal, SIGTERM);
	uv_signal_start(&p->interrupt, on_signal, SIGINT);
}

static void
tell_password(char **printed)
{
	if (*printed == NULL)
		return;
	printf("The hub has no password yet, so one was made. It is shown "
	    "only now:\n\n    %s\n\nIts hash is in the data directory; "
	    "NIXFLEET_PASSWORD_HASH_FILE takes another.\n", *printed);
	fflush(stdout);
	str_wipefree(printed);
}

static int
serve(struct program *p)
{
	char *printed = NULL;
	struct err e;
	int rc = 1;

	loop_init(&p->loop);
	watch_signals(p);
	if (hub_new(&p->loop, p->settings, &p->hub, &printed, &e) == -1) {
		term_error(PROGRAM, e.text);
		goto out;
	}
	tell_password(&printed);
	if (server_new(p->hub, &p->srv, &e) == -1) {
		term_error(PROGRAM, e.text);
		goto out;
	}
	log_info("listening", "address", server_address(p->srv), "version",
	    NIXFLEET_VERSION);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	rc = 0;
out:
	/* Whoever did not take our good-bye must not keep it ticking. */
	uv_timer_stop(&p->stopping);
	server_free(&p->srv);
	hub_free(&p->hub);
	uv_close((uv_handle_t *)&p->term, NULL);
	uv_close((uv_handle_t *)&p->interrupt, NULL);
	uv_close((uv_handle_t *)&p->stopping, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	uv_loop_close(&p->loop);
	if (rc == 0)
		log_info("stopped");
	return (rc);
}

static void
usage(FILE *f)
{
	fprintf(f, "usage: " PROGRAM " [--check | --help | --version]\n\n"
	    "Run the hub of a fleet in the foreground: agents connect to it, "
	    "people use its\ndashboard and the command nixfleet. Its settings "
	    "are environment variables, or\nlines NAME=value of the file that "
	    "NIXFLEET_CONFIG names.\n\n"
	    "  --check    explain every setting and where it came from, see "
	    "that it can work\n"
	    "  --help     this text\n"
	    "  --version  print the version\n\n");
	settings_help(SETTINGS_HUB, f);
}

enum action { ACTION_SERVE, ACTION_CHECK, ACTION_HELP, ACTION_VERSION,
	ACTION_WRONG };

static enum action
arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, ACTION_CHECK },
		{ "help", no_argument, NULL, ACTION_HELP },
		{ "version", no_argument, NULL, ACTION_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	enum action action = ACTION_SERVE;
	int c;

	while ((c = getopt_long(argc, argv, "hv", options, NULL)) != -1)
		switch (c) {
		case 'h':
			action = ACTION_HELP;
			break;
		case 'v':
			action = ACTION_VERSION;
			break;
		case '?':
			return (ACTION_WRONG);
		default:
			action = (enum action)c;
		}
	if (optind < argc) {
		fprintf(stderr, PROGRAM ": \"%s\" is not an option\n",
		    argv[optind]);
		return (ACTION_WRONG);
	}
	return (action);
}

static int
run(enum action action)
{
	struct program p;
	const char *const *w;
	struct err e;
	int rc;

	memset(&p, 0, sizeof(p));
	if (settings_load(SETTINGS_HUB, (const char *const *)environ,
	    &p.settings, &e) == -1) {
		term_error(PROGRAM, e.text);
		return (1);
	}
	if (action == ACTION_CHECK) {
		rc = hubcheck_run(p.settings, stdout);
	} else {
		log_open(PROGRAM, (enum log_level)log_level_parse(
		    settings_str(p.settings, SET_LOG_LEVEL)));
		for (w = settings_warnings(p.settings); *w != NULL; w++)
			log_warn(*w);
		umask(077);
		rc = serve(&p);
	}
	settings_free(&p.settings);
	return (rc);
}

int
main(int argc, char **argv)
{
	enum action action;

	/* git asks us for the mirror's token. */
	if (repo_askpass_wanted())
		return (repo_askpass_main(argc, argv));
	action = arguments(argc, argv);
	switch (action) {
	case ACTION_HELP:
		usage(stdout);
		return (0);
	case ACTION_VERSION:
		printf(PROGRAM " %s\n", NIXFLEET_VERSION);
		return (0);
	case ACTION_WRONG:
		fprintf(stderr, "Try \"" PROGRAM " --help\".\n");
		return (2);
	default:
		return (run(action));
	}
}
