#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "nixreason.h"
#include "str.h"

void
nixreason_done(struct nixreason *r)
{
	size_t i;

	for (i = 0; i < NIXREASON_LINES; i++)
		free(r->lines[i]);
	for (i = 0; i < r->nerrors; i++)
		free(r->errors[i]);
}

void
nixreason_add_line(struct nixreason *r, char *line)
{
	char **slot = &r->lines[r->nlines++ % NIXREASON_LINES];

	free(*slot);
	*slot = line;
}

void
nixreason_add_error(struct nixreason *r, char *error)
{
	if (r->nerrors == NIXREASON_ERRORS)
		free(error);
	else
		r->errors[r->nerrors++] = error;
}

static bool
is_consequence(const char *error)
{
	return (strstr(error, "dependencies of derivation") != NULL ||
	    strstr(error, "dependency failed") != NULL ||
	    strstr(error, "--show-trace") != NULL);
}

/*
 * With a trace the message proper is last, after a line that starts with
 * "error: "; without, it is the start.
 */
static const char *
message_proper(const char *error)
{
	const char *line = error, *p, *found = NULL;

	while (line != NULL) {
		p = line + strspn(line, " ");
		if (str_prefix(p, "error: ") && p[7] != '\0' && p[7] != '\n')
			found = p + 7;
		if ((line = strchr(line, '\n')) != NULL)
			line++;
	}
	return (found != NULL ? found : error);
}

char *
nixreason_text(const struct nixreason *r)
{
	const char *error = NULL;
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < r->nerrors && error == NULL; i++)
		if (!is_consequence(r->errors[i]))
			error = r->errors[i];
	if (error == NULL && r->nerrors == 0)
		return (NULL);
	error = message_proper(error != NULL ? error : r->errors[0]);
	buf_adds(&b, error);
	while (b.len > 0 && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	if (strstr(error, "log lines") == NULL && r->nlines > 0 &&
	    str_prefix(error, "builder for")) {
		buf_adds(&b, "; its last lines:");
		i = r->nlines > NIXREASON_LINES ? r->nlines -
		    NIXREASON_LINES : 0;
		for (; i < r->nlines; i++)
			buf_addf(&b, "\n> %s", r->lines[i % NIXREASON_LINES]);
	}
	return (buf_take(&b));
}
