#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "nixlog.h"

static void
on_line(void *cookie, enum deploy_stream s, const char *p, size_t n)
{
	(void)cookie;
	assert(s == DEPLOY_OUT || s == DEPLOY_ERR || s == DEPLOY_NOTE);
	assert(n <= PROC_LINE_MAX);
	assert(memchr(p, '\n', n) == NULL && memchr(p, '\033', n) == NULL);
}

static void
on_progress(void *cookie, const struct deploy_progress *p)
{
	(void)cookie;
	assert(p->done >= 0 && p->expected >= 0);
	assert(strpbrk(p->text, "\n\033") == NULL);
}

/* Lines as they come from nix, cut where proc_run would cut them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nixlog_sink sink = { on_line, on_progress, NULL };
	const char *p = (const char *)data, *end = p + size, *nl;
	struct nixlog *l = nixlog_new(&sink);
	size_t n;

	while (p < end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((nl != NULL ? nl : end) - p);
		if (n > PROC_LINE_MAX) {
			n = PROC_LINE_MAX;
			nl = NULL;
		}
		nixlog_feed(l, p, n);
		p += n + (nl != NULL);
	}
	nixlog_end(l);
	free(nixlog_error(l));
	nixlog_free(&l);
	return (0);
}
