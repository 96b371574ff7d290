#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentconf.h"
#include "branchtip.h"
#include "check.h"
#include "daemon.h"
#include "log.h"
#include "repo.h"
#include "term.h"
#include "worker.h"

#define PROGRAM "nixfleet-agent"

extern char **environ;

static void
help(void)
{

	printf("usage: " PROGRAM "             run in the foreground\n"
	    "       " PROGRAM " --check     try settings, repository and hub\n"
	    "       " PROGRAM " --version\n"
	    "       " PROGRAM " --help\n"
	    "\n"
	    "Keeps a private clone of the fleet's configuration, and runs the "
	    "operations\nthat the hub or a person on this host asks for.\n\n");
	settings_help(SETTINGS_AGENT, stdout);
}

/* The level comes before anything is said; a bad one is reported later. */
static void
open_log(void)
{
	const char *word = getenv("NIXFLEET_LOG_LEVEL");
	int level = word != NULL ? log_level_parse(word) : -1;

	log_open(PROGRAM, level == -1 ? LOG_INFO : (enum log_level)level);
}

static int
run_daemon(void)
{
	const char *const *env = (const char *const *)environ;
	struct agentconf *conf;
	const char *const *w;
	struct err e = { 0 };

	if (agentconf_load(AGENTCONF_DAEMON, env, &conf, NULL, &e) == -1) {
		term_error(PROGRAM, e.text);
		return (1);
	}
	log_open(PROGRAM, (enum log_level)log_level_parse(
	    settings_str(conf->set, SET_LOG_LEVEL)));
	for (w = settings_warnings(conf->set); *w != NULL; w++)
		log_warn(*w);
	return (daemon_run(conf, env));
}

int
main(int argc, char **argv)
{

	if (repo_askpass_wanted())
		return (repo_askpass_main(argc, argv));
	open_log();
	if (argc == 1)
		return (run_daemon());
	if (argc == 3 && strcmp(argv[1], "worker") == 0)
		return (worker_main(argv[2]));
	if (argc == 2 && strcmp(argv[1], "branch-tip") == 0)
		return (branchtip_main());
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return (check_main((const char *const *)environ));
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "-v") == 0)) {
		printf(PROGRAM " " NIXFLEET_VERSION "\n");
		return (0);
	}
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		help();
		return (0);
	}
	term_error(PROGRAM, "unknown arguments; see " PROGRAM " --help");
	return (2);
}
