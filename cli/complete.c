#include <stdio.h>
#include <string.h>

#include "complete.h"
#include "option.h"
#include "out.h"
#include "str.h"
#include "wire_op.h"

/*
 * The three scripts do the same: they sort the words before the cursor into
 * options, their values and the rest, and the rest decides what may follow.
 */

static const char *const shells[] = { "bash", "zsh", "fish" };
#define NSHELLS (sizeof(shells) / sizeof(shells[0]))

/* How a shell writes one word that may follow the words ${before}. */
typedef void entry_fn(
    const char *before, const char *name, size_t len, const char *help);

/* ${s} between single quotes of a shell. */
static void
print_quoted(const char *s, const char *apostrophe)
{
	for (; *s != '\0'; s++)
		if (*s == '\'')
			fputs(apostrophe, stdout);
		else
			putchar(*s);
}

static void
entry_bash(const char *before, const char *name, size_t len, const char *help)
{
	(void)before;
	(void)help;
	printf("%.*s ", (int)len, name);
}

static void
entry_zsh(const char *before, const char *name, size_t len, const char *help)
{
	(void)before;
	printf("'%.*s:", (int)len, name);
	print_quoted(help, "'\\''");
	printf("' ");
}

/* The first words of all verbs, each once; "repo" stands for several. */
static void
each_verb(const char *before, entry_fn *entry)
{
	for (size_t i = 0; i < verb_count; i++) {
		const char *name = verb_table[i].name;
		size_t n = strcspn(name, " ");

		if (i > 0 && strncmp(verb_table[i - 1].name, name, n) == 0 &&
		    strcspn(verb_table[i - 1].name, " ") == n)
			continue;
		entry(before, name, n,
		    name[n] == '\0' ? verb_help(&verb_table[i])
				    : "look after the clone");
	}
}

/* The second words of two-word verbs. */
static void
each_second_word(const char *before, entry_fn *entry)
{
	size_t n = strlen(before);

	for (size_t i = 0; i < verb_count; i++) {
		const char *name = verb_table[i].name;

		if (str_prefix(name, before) && name[n] == ' ')
			entry(before, name + n + 1, strlen(name + n + 1),
			    verb_help(&verb_table[i]));
	}
}

static void
each_operation(const char *before, entry_fn *entry)
{
	for (int i = 0; i < wire_op_count; i++)
		if ((wire_op_table[i].flags & WIRE_OP_LOCAL) == 0)
			entry(before, wire_op_table[i].name,
			    strlen(wire_op_table[i].name),
			    wire_op_table[i].help);
}

static void
each_shell(const char *before, entry_fn *entry)
{
	for (size_t i = 0; i < NSHELLS; i++)
		entry(
		    before, shells[i], strlen(shells[i]), "completion for it");
}

/* What may follow which words. */
static const struct place {
	const char *words;
	void (*each)(const char *before, entry_fn *);
} places[] = {
	{ "", each_verb },
	{ "repo", each_second_word },
	{ "hosts", each_second_word },
	{ "run", each_operation },
	{ "completion", each_shell },
};
#define NPLACES (sizeof(places) / sizeof(places[0]))

static void
each_option(unsigned allowed, entry_fn *entry)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *o = &option_table[i];
		char name[64];
		int n;

		if (o->bit != 0 && (o->bit & allowed) == 0)
			continue;
		n = snprintf(name, sizeof(name), "--%s", o->name);
		entry("", name, (size_t)n, o->help);
	}
}

/* Every way to write an option that takes a value. */
static void
print_value_options(const char *between)
{
	const char *before = "";

	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *o = &option_table[i];

		if (o->value == NULL)
			continue;
		printf("%s--%s", before, o->name);
		before = between;
		if (o->letter != 0)
			printf("%s-%c", between, o->letter);
	}
}

static bool
is_file(const struct option_def *o)
{
	return (o->value != NULL && str_eq(o->value, "FILE"));
}

/* ---- bash and zsh ---- */

struct script {
	const char *head;   /* up to the options with a value */
	const char *sorted; /* the end of the sorting */
	const char *files, *list, *end;
	entry_fn *entry;
};

static const struct script bash = {
	"_nixfleet() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=() list=() i\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n\t\t",
	") ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) before+=(\"${COMP_WORDS[i]}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n",
	"compopt -o filenames\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$word\")); return",
	"\tcase $word:${before[*]} in\n",
	"\tesac\n"
	"\tCOMPREPLY=($(compgen -W \"${list[*]}\" -- \"$word\"))\n"
	"}\n"
	"complete -F _nixfleet nixfleet\n",
	entry_bash,
};

static const struct script zsh = {
	"#compdef nixfleet\n"
	"_nixfleet() {\n"
	"\tlocal -a before list\n"
	"\tlocal i\n"
	"\tfor ((i = 2; i < CURRENT; i++)); do\n"
	"\t\tcase $words[i] in\n\t\t",
	") ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) before+=($words[i]) ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $words[CURRENT-1] in\n",
	"_files; return",
	"\tcase $words[CURRENT]:$before in\n",
	"\tesac\n"
	"\t_describe nixfleet list\n"
	"}\n"
	/* Loaded as a function by compinit, or read by a person's start-up. */
	"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
	"\t_nixfleet \"$@\"\n"
	"else\n"
	"\tcompdef _nixfleet nixfleet\n"
	"fi\n",
	entry_zsh,
};

/* What follows an option that takes a value. */
static void
print_values(const struct script *s)
{
	for (size_t i = 0; i < option_count; i++)
		if (is_file(&option_table[i]))
			printf(
			    "\t--%s) %s ;;\n", option_table[i].name, s->files);
	printf("\t");
	print_value_options("|");
	printf(") return ;;\n\tesac\n");
}

static void
print_verb_options(const struct script *s, bool two_words)
{
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verb_table[i];

		if ((strchr(v->name, ' ') != NULL) != two_words)
			continue;
		printf("\t-*:'%s'|-*:'%s '*) list=(", v->name, v->name);
		each_option(v->options, s->entry);
		printf(") ;;\n");
	}
}

static void
print_sorted(const struct script *s)
{
	printf("%s", s->head);
	print_value_options("|");
	printf("%s", s->sorted);
	print_values(s);
	printf("%s", s->list);
	/* The first that fits is taken: verbs of two words come first. */
	print_verb_options(s, true);
	print_verb_options(s, false);
	printf("\t-*) list=(");
	each_option(~0U, s->entry);
	printf(") ;;\n");
	for (size_t i = 0; i < NPLACES; i++) {
		printf("\t*:'%s') list=(", places[i].words);
		places[i].each(places[i].words, s->entry);
		printf(") ;;\n");
	}
	printf("%s", s->end);
}

static void
print_bash(void)
{
	print_sorted(&bash);
}

static void
print_zsh(void)
{
	print_sorted(&zsh);
}

/* ---- fish ---- */

static const char fish_words[] =
    "set skip 1\n"
    "\t\tcase '-*'\n"
    "\t\tcase '*'\n"
    "\t\t\techo $word\n"
    "\t\tend\n"
    "\tend\n"
    "end\n"
    "function __nixfleet_at\n"
    "\tset -l before (__nixfleet_words | string join ' ')\n"
    "\ttest \"$before\" = \"$argv\"\n"
    "end\n"
    "function __nixfleet_in\n"
    "\tset -l before (__nixfleet_words | string join ' ')\n"
    "\ttest -z \"$before\"; and return 0\n"
    "\tfor verb in $argv\n"
    "\t\tstring match -q -- \"$verb *\" \"$before \"; and return 0\n"
    "\tend\n"
    "\treturn 1\n"
    "end\n"
    "complete -c nixfleet -f\n";

static void
entry_fish(const char *before, const char *name, size_t len, const char *help)
{
	printf("complete -c nixfleet -n '__nixfleet_at %s' -a %.*s -d '",
	    before, (int)len, name);
	print_quoted(help, "\\'");
	printf("'\n");
}

static void
print_fish_option(const struct option_def *o)
{
	printf("complete -c nixfleet -l %s", o->name);
	if (o->letter != 0)
		printf(" -s %c", o->letter);
	if (o->value != NULL)
		printf(is_file(o) ? " -r -F" : " -x");
	if (o->bit != 0) {
		printf(" -n '__nixfleet_in");
		for (size_t i = 0; i < verb_count; i++)
			if ((verb_table[i].options & o->bit) != 0)
				printf(" \"%s\"", verb_table[i].name);
		printf("'");
	}
	printf(" -d '");
	print_quoted(o->help, "\\'");
	printf("'\n");
}

static void
print_fish(void)
{
	printf("function __nixfleet_words\n"
	       "\tset -l skip\n"
	       "\tfor word in (commandline -opc)[2..-1]\n"
	       "\t\tif set -q skip[1]\n"
	       "\t\t\tset -e skip[1]\n"
	       "\t\t\tcontinue\n"
	       "\t\tend\n"
	       "\t\tswitch $word\n"
	       "\t\tcase ");
	print_value_options(" ");
	printf("\n\t\t\t%s", fish_words);
	for (size_t i = 0; i < NPLACES; i++)
		places[i].each(places[i].words, entry_fish);
	for (size_t i = 0; i < option_count; i++)
		print_fish_option(&option_table[i]);
}

int
complete_print(const struct verb_call *call)
{
	static void (*const print[])(
	    void) = { print_bash, print_zsh, print_fish };
	struct err e;

	for (size_t i = 0; i < NSHELLS; i++)
		if (str_eq(call->args[0], shells[i])) {
			print[i]();
			return (VERB_OK);
		}
	err_set(&e, ERR_INPUT,
	    "there is completion for bash, zsh and fish, "
	    "not for %s",
	    call->args[0]);
	return (out_error(&e));
}
