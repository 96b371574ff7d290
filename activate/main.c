#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activation.h"
#include "actrecord.h"
#include "guard.h"
#include "log.h"
#include "platform.h"
#include "service.h"
#include "str.h"
#include "supervise.h"
#include "term.h"

#define PROGRAM "nixfleet-activate"
#define EXIT_USAGE 2
#define IDLE 30000
#define TIMEOUT_MAX (7LL * 24 * 3600 * 1000)

struct options {
	struct activation act;
	const char *kind, *mode, *timeout, *generation, *keep;
	const char *socket, *user, *idle;
	bool rollback, begin;
	const char *self;		/* our own program */
};

enum { FOR_ACTIVATE = 1, FOR_REBUILD = 2, FOR_STATUS = 4, FOR_RESUME = 8,
	FOR_SERVE = 16, REQUIRED = 32 };
#define FOR_BOTH (FOR_ACTIVATE | FOR_REBUILD)
#define FOR_ALL (FOR_BOTH | FOR_STATUS | FOR_RESUME | FOR_SERVE)

#define AT(m) offsetof(struct options, m)
static const struct option {
	const char *name;
	const char *value;	/* its name in --help; NULL: a flag */
	unsigned flags;
	size_t offset;
	const char *help;
} options[] = {
	{ "--dir", "DIR", FOR_ALL | REQUIRED, AT(act.dir),
	    "directory of the record, the log and the lock; for serve that "
	    "of all of them" },
	{ "--op", "ULID", FOR_BOTH | REQUIRED, AT(act.op),
	    "operation that this is for" },
	{ "--kind", "KIND", FOR_BOTH | FOR_SERVE | REQUIRED, AT(kind),
	    "nixos, darwin, home or custom" },
	{ "--mode", "MODE", FOR_BOTH, AT(mode),
	    "switch (default), boot, test or dry-activate" },
	{ "--profile", "PROFILE", FOR_BOTH | REQUIRED, AT(act.profile),
	    "profile to set" },
	{ "--path", "PATH", FOR_BOTH | REQUIRED, AT(act.path),
	    "store path of the closure" },
	{ "--timeout", "MS", FOR_BOTH | REQUIRED, AT(timeout),
	    "milliseconds until everything is killed" },
	{ "--generation", "N", FOR_ACTIVATE, AT(generation),
	    "switch the profile to this generation if it holds PATH" },
	{ "--keep", "N", FOR_BOTH, AT(keep),
	    "keep the newest N generations of the profile; default: all" },
	{ "--rollback", NULL, FOR_BOTH, AT(rollback),
	    "record this as a rollback" },
	{ "--program", "FILE", FOR_ACTIVATE | FOR_SERVE, AT(act.program),
	    "custom: program inside the closure (bin/activate)" },
	{ "--backup-extension", "EXT", FOR_ACTIVATE, AT(act.backup_extension),
	    "home: extension for files that are in the way" },
	{ "--begin", NULL, FOR_RESUME, AT(begin),
	    "resume: begin what is only prepared" },
	{ "--user", "USER", FOR_SERVE | REQUIRED, AT(user),
	    "serve: who may ask, besides root" },
	{ "--socket", "PATH", FOR_SERVE, AT(socket),
	    "serve: listen here; default: systemd's socket" },
	{ "--profile", "PROFILE", FOR_SERVE, AT(act.profile),
	    "serve: profile to set; default: the system's (custom: none)" },
	{ "--idle", "MS", FOR_SERVE, AT(idle),
	    "serve: end after so long without work; default: 30000" },
};
#define NOPTIONS (sizeof(options) / sizeof(*options))

static int
usage_error(const char *text, const char *what)
{
	char *msg = str_printf("%s%s%s%s (see --help)", text,
	    what ? " \"" : "", what ? what : "", what ? "\"" : "");

	term_error(PROGRAM, msg);
	free(msg);
	return (EXIT_USAGE);
}

static void *
slot(struct options *o, const struct option *opt)
{
	return ((char *)o + opt->offset);
}

static const struct option *
find_option(const char *name, unsigned verb)
{
	size_t i;

	for (i = 0; i < NOPTIONS; i++)
		if ((options[i].flags & verb) != 0 &&
		    str_eq(options[i].name, name))
			return (&options[i]);
	return (NULL);
}

static int
read_options(struct options *o, unsigned verb, char **argv)
{
	const struct option *opt;
	size_t i;

	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
		if ((opt = find_option(*argv, verb)) == NULL)
			return (usage_error("unknown option", *argv));
		if (opt->value == NULL) {
			*(bool *)slot(o, opt) = true;
			continue;
		}
		if (argv[1] == NULL)
			return (usage_error("a value is missing after",
			    *argv));
		*(const char **)slot(o, opt) = *++argv;
	}
	if (*argv != NULL && argv[1] != NULL && verb == FOR_REBUILD)
		o->act.command = (const char *const *)&argv[1];
	for (i = 0; i < NOPTIONS; i++)
		if ((options[i].flags & verb) != 0 &&
		    (options[i].flags & REQUIRED) != 0 &&
		    *(const char **)slot(o, &options[i]) == NULL)
			return (usage_error("required:", options[i].name));
	return (0);
}

static int
convert(struct options *o)
{
	int kind = deploy_kind_parse(o->kind);
	int mode = deploy_mode_parse(o->mode != NULL ? o->mode : "switch");

	if (kind == -1)
		return (usage_error("not a kind:", o->kind));
	if (mode == -1 || mode == DEPLOY_TRIAL)
		return (usage_error("not a mode:", o->mode));
	if (str_int(o->timeout, 1, TIMEOUT_MAX, &o->act.timeout) == -1)
		return (usage_error("not a timeout in milliseconds:",
		    o->timeout));
	if (o->generation != NULL && str_int(o->generation, 1, INT64_MAX,
	    &o->act.generation) == -1)
		return (usage_error("not a generation:", o->generation));
	if (o->keep != NULL && str_int(o->keep, 0, INT64_MAX,
	    &o->act.keep) == -1)
		return (usage_error("not a number of generations:", o->keep));
	o->act.kind = (enum deploy_kind)kind;
	o->act.mode = (enum deploy_mode)mode;
	o->act.rollback = o->rollback;
	return (0);
}

static int
verb_activate(struct options *o)
{
	enum deploy_outcome outcome;
	struct err e;
	int r;

	if ((r = convert(o)) != 0)
		return (r);
	umask(022);
	supervise_shield();
	if (activation_run(&o->act, &outcome, &e) == -1) {
		term_error(PROGRAM, e.text);
		return (1);
	}
	return (outcome == DEPLOY_OK ? 0 : 1);
}

static int
verb_rebuild(struct options *o)
{
	if (o->act.command == NULL)
		return (usage_error("rebuild needs a command after", "--"));
	return (verb_activate(o));
}

static int
verb_status(struct options *o)
{
	struct actrecord rec;
	struct err e;

	if (actrecord_read(o->act.dir, &rec, &e) == -1) {
		term_error(PROGRAM, e.text);
		return (1);
	}
	printf("%s %s\n", rec.phase, rec.outcome != NULL ? rec.outcome : "-");
	if (rec.text != NULL)
		printf("%s\n", rec.text);
	actrecord_free(&rec);
	return (0);
}

static int
verb_resume(struct options *o)
{
	struct err e;

	umask(022);
	if (guard_run(o->act.dir, o->begin, &e) == 0)
		return (0);
	term_error(PROGRAM, e.text);
	return (1);
}

/* A unit says "" for what it has no value for. */
static const char *
if_set(const char *value)
{
	return (value != NULL && value[0] != '\0' ? value : NULL);
}

/* What is activated, and how. */
static int
convert_place(struct options *o, struct service *s)
{
	const int kind = deploy_kind_parse(o->kind);
	struct err e;

	if (kind == -1 || kind == DEPLOY_HOME)
		return (usage_error("not a kind of system:", o->kind));
	s->kind = o->act.kind = (enum deploy_kind)kind;
	s->activates = o->act.program = if_set(o->act.program);
	o->act.profile = if_set(o->act.profile);
	if (kind == DEPLOY_CUSTOM && o->act.profile == NULL)
		return (usage_error("required for the kind custom:",
		    "--profile"));
	if (kind != DEPLOY_CUSTOM && o->act.program != NULL)
		return (usage_error("only the kind custom knows",
		    "--program"));
	if (o->act.profile == NULL ||
	    activation_check_place(&o->act, &e) == 0)
		return (0);
	return (usage_error(e.text, NULL));
}

static int
convert_service(struct options *o, struct service *s)
{
	const struct passwd *pw = getpwnam(o->user);
	int r;

	s->idle = IDLE;
	if ((r = convert_place(o, s)) != 0)
		return (r);
	if (pw == NULL)
		return (usage_error("no such user:", o->user));
	if (o->idle != NULL && str_int(o->idle, 1, TIMEOUT_MAX, &s->idle) == -1)
		return (usage_error("not a time in milliseconds:", o->idle));
	s->dir = o->act.dir;
	s->user = pw->pw_uid;
	s->program = o->self;
	return (0);
}

static int
verb_serve(struct options *o)
{
	struct deploy_conf conf = { .kind = DEPLOY_NIXOS };
	struct service s = { 0 };
	char *profile;
	struct err e;
	int r;

	if ((r = convert_service(o, &s)) != 0)
		return (r);
	conf.profile = o->act.profile;
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	log_open(PROGRAM, LOG_INFO);
	s.profile = profile = deploy_profile(&conf);
	if ((s.listen_fd = service_listen(o->socket, &e)) == -1 ||
	    service_run(&s, &e) == -1) {
		log_error("cannot serve", "error", e.text);
		r = 1;
	}
	free(profile);
	return (r);
}

static const struct verb {
	const char *name;
	unsigned bit;
	int (*act)(struct options *);
	const char *help;
} verbs[] = {
	{ "activate", FOR_ACTIVATE, verb_activate,
	    "set the profile and run the closure's activation" },
	{ "rebuild", FOR_REBUILD, verb_rebuild,
	    "run a system's own rebuild command, given after --" },
	{ "status", FOR_STATUS, verb_status,
	    "print the phase and the outcome of a record" },
	{ "resume", FOR_RESUME, verb_resume,
	    "carry on what is on record; the service starts it" },
	{ "serve", FOR_SERVE, verb_serve,
	    "be the service that activates for an agent without root" },
};
#define NVERBS (sizeof(verbs) / sizeof(*verbs))

static void
help(void)
{
	size_t i;

	printf("Usage: " PROGRAM " VERB OPTION...\n\n"
	    "Activates a closure that nix has built, records every step and\n"
	    "how it ended.  nixfleet-agent starts it; people need it "
	    "seldom.\n\nVerbs:\n");
	for (i = 0; i < NVERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	printf("\nOptions:\n");
	for (i = 0; i < NOPTIONS; i++)
		printf("  %-18s %-8s %s\n", options[i].name,
		    options[i].value != NULL ? options[i].value : "",
		    options[i].help);
	printf("  %-18s %-8s %s\n  %-18s %-8s %s\n", "--help", "",
	    "print this and exit", "--version", "",
	    "print the version and exit");
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	size_t i;
	int r;

	if (argc < 2)
		return (usage_error("a verb is missing", NULL));
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h")) {
		help();
		return (0);
	}
	if (str_eq(argv[1], "--version") || str_eq(argv[1], "-v")) {
		printf(PROGRAM " %s\n", NIXFLEET_VERSION);
		return (0);
	}
	for (i = 0; i < NVERBS && !str_eq(verbs[i].name, argv[1]); i++)
		;
	if (i == NVERBS)
		return (usage_error("unknown verb", argv[1]));
	/* The switch may replace or delete our file. */
	o.self = platform_self(argv[0]);
	if ((r = read_options(&o, verbs[i].bit, argv + 2)) != 0)
		return (r);
	return (verbs[i].act(&o));
}
