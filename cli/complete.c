#include <stdio.h>
#include <string.h>

#include "complete.h"
#include "option.h"
#include "out.h"
#include "str.h"
#include "wire_op.h"

/* The first words of all verbs, each once; "repo" stands for three. */
static void
print_verbs(const char *before, const char *after, bool help)
{
	for (size_t i = 0; i < verb_count; i++) {
		const char *name = verb_table[i].name;
		size_t n = strcspn(name, " ");

		if (i > 0 && strncmp(verb_table[i - 1].name, name, n) == 0 &&
		    strcspn(verb_table[i - 1].name, " ") == n)
			continue;
		printf("%s%.*s", before, (int)n, name);
		if (help)
			printf(":%s", name[n] == '\0' ?
			    verb_help(&verb_table[i]) :
			    "look after the clone");
		printf("%s", after);
	}
}

static void
print_operations(void)
{
	for (int i = 0; i < wire_op_count; i++)
		printf("%s%s", i == 0 ? "" : " ", wire_op_table[i].name);
}

/* The second words of two-word verbs. */
static void
print_second_words(void)
{
	for (size_t i = 0; i < verb_count; i++)
		if (str_prefix(verb_table[i].name, "repo "))
			printf("%s ", verb_table[i].name + strlen("repo "));
}

static void
print_options(const char *before)
{
	for (size_t i = 0; i < option_count; i++)
		printf("%s--%s", before, option_table[i].name);
}

static void
print_bash(void)
{
	printf("_nixfleet() {\n"
	    "\tlocal word=${COMP_WORDS[COMP_CWORD]} list\n"
	    "\tcase $word in\n"
	    "\t-*) list='");
	print_options(" ");
	printf("' ;;\n"
	    "\t*) case $COMP_CWORD:${COMP_WORDS[1]} in\n"
	    "\t\t1:*) list='");
	print_verbs("", " ", false);
	printf("' ;;\n\t\t2:run) list='");
	print_operations();
	printf("' ;;\n\t\t2:repo) list='");
	print_second_words();
	printf("' ;;\n\t\t2:completion) list='bash zsh fish' ;;\n"
	    "\t\tesac ;;\n"
	    "\tesac\n"
	    "\tCOMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n"
	    "}\n"
	    "complete -F _nixfleet nixfleet\n");
}

static void
print_zsh(void)
{
	printf("#compdef nixfleet\n"
	    "local -a verbs=(\n");
	print_verbs("\t'", "'\n", true);
	printf(")\n"
	    "if [[ $words[CURRENT] == -* ]]; then\n"
	    "\tcompadd --");
	print_options(" ");
	printf("\nelif (( CURRENT == 2 )); then\n"
	    "\t_describe verb verbs\n"
	    "elif (( CURRENT == 3 )); then\n"
	    "\tcase $words[2] in\n"
	    "\trun) compadd ");
	print_operations();
	printf(" ;;\n\trepo) compadd ");
	print_second_words();
	printf(";;\n\tcompletion) compadd bash zsh fish ;;\n"
	    "\tesac\n"
	    "fi\n");
}

/* ${s} between single quotes of fish. */
static void
print_quoted(const char *s)
{
	putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('\'');
}

static void
print_fish(void)
{
	for (size_t i = 0; i < verb_count; i++) {
		const char *name = verb_table[i].name;
		const char *second = strchr(name, ' ');

		if (second == NULL)
			printf("complete -c nixfleet -f "
			    "-n __fish_use_subcommand -a %s -d ", name);
		else
			printf("complete -c nixfleet -f "
			    "-n '__fish_seen_subcommand_from %.*s' -a %s -d ",
			    (int)(second - name), name, second + 1);
		print_quoted(verb_help(&verb_table[i]));
		putchar('\n');
	}
	printf("complete -c nixfleet -f -n __fish_use_subcommand -a repo\n"
	    "complete -c nixfleet -f "
	    "-n '__fish_seen_subcommand_from run' -a '");
	print_operations();
	printf("'\n");
	for (size_t i = 0; i < option_count; i++) {
		printf("complete -c nixfleet -l %s%s -d ", option_table[i].name,
		    option_table[i].value == NULL ? "" : " -r");
		print_quoted(option_table[i].help);
		putchar('\n');
	}
}

int
complete_print(const struct verb_call *call)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	static void (*const print[])(void) = { print_bash, print_zsh,
		print_fish };
	struct err e;

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (str_eq(call->args[0], shells[i])) {
			print[i]();
			return (VERB_OK);
		}
	err_set(&e, ERR_INPUT, "there is completion for bash, zsh and fish, "
	    "not for %s", call->args[0]);
	return (out_error(&e));
}
