#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "term.h"

void
term_error(const char *program, const char *text)
{
	int indent = (int)strlen(program) + 2;
	const char *end;

	fprintf(stderr, "%s: ", program);
	while ((end = strchr(text, '\n')) != NULL && end[1] != '\0') {
		fprintf(stderr, "%.*s\n%*s", (int)(end - text), text, indent,
		    "");
		text = end + 1;
	}
	fprintf(stderr, "%.*s\n", (int)strcspn(text, "\n"), text);
}

bool
term_colour(FILE *f)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (no != NULL && no[0] != '\0')
		return (false);
	if (term == NULL || strcmp(term, "dumb") == 0)
		return (false);
	return (isatty(fileno(f)) == 1);
}
