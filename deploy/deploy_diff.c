#include <stdlib.h>
#include <string.h>

#include "closure.h"
#include "deploy.h"
#include "nixrun.h"
#include "nixstore.h"
#include "str.h"

#define QUERY_TIMEOUT 60000
#define QUERY_MAX (32 * 1024 * 1024)
#define CHUNK 1000	/* paths in one command's arguments */

static int
query_closure(const struct deploy_conf *c, const char *path,
    struct closure *out, struct err *e)
{
	const char *const argv[] = { "nix-store", "--query", "--requisites",
		path, NULL };
	const struct nixrun run = { .conf = c, .argv = argv,
		.deadline = QUERY_TIMEOUT, .max = QUERY_MAX };
	struct buf b = { 0 };
	int r;

	if ((r = nixrun(&run, &b, e)) == 0)
		closure_parse(b.data == NULL ? "" : b.data, out);
	buf_free(&b);
	return (r);
}

/* Sizes of up to CHUNK paths. */
static int
query_sizes(const struct deploy_conf *c, struct closure_path *paths, size_t n,
    struct err *e)
{
	const char *argv[CHUNK + 4] = { "nix-store", "--query", "--size" };
	const struct nixrun run = { .conf = c, .argv = argv,
		.deadline = QUERY_TIMEOUT, .max = QUERY_MAX };
	struct buf b = { 0 };
	const char *p;
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		argv[3 + i] = paths[i].path;
	if ((r = nixrun(&run, &b, e)) == 0) {
		p = b.data == NULL ? "" : b.data;
		for (i = 0; i < n; i++) {
			paths[i].size = strtoll(p, NULL, 10);
			p += strcspn(p, "\n");
			p += *p == '\n';
		}
	}
	buf_free(&b);
	return (r);
}

static int
query(const struct deploy_conf *c, const char *path, struct closure *out,
    struct err *e)
{
	size_t at, n;

	if (nixstore_check(path, e) == -1 ||
	    query_closure(c, path, out, e) == -1)
		return (-1);
	for (at = 0; at < out->n; at += n) {
		n = out->n - at < CHUNK ? out->n - at : CHUNK;
		if (query_sizes(c, out->paths + at, n, e) == -1) {
			closure_free(out);
			return (-1);
		}
	}
	return (0);
}

json_t *
deploy_diff(const struct deploy_conf *c, const char *from, const char *to,
    struct err *e)
{
	struct closure old = { 0 }, new = { 0 };
	json_t *diff;

	if (from != NULL && query(c, from, &old, e) == -1)
		return (NULL);
	if (query(c, to, &new, e) == -1) {
		closure_free(&old);
		return (NULL);
	}
	diff = closure_diff(&old, &new);
	closure_free(&old);
	closure_free(&new);
	json_object_set_new(diff, "from",
	    from != NULL ? json_string(from) : json_null());
	json_object_set_new(diff, "to", json_string(to));
	return (diff);
}

static const char *
text_of(const json_t *entry, const char *key)
{
	const char *s = json_string_value(json_object_get(entry, key));

	return (s != NULL && *s != '\0' ? s : "without version");
}

/* "changed openssl 3.0 -> 3.1" for each entry of ${diff}'s list ${word}. */
static void
tell_list(const json_t *diff, const char *word,
    void (*on_line)(void *, const char *), void *cookie)
{
	const json_t *entry;
	char *line;
	size_t i;

	json_array_foreach(json_object_get(diff, word), i, entry) {
		if (json_object_get(entry, "to") != NULL)
			line = str_printf("%s %s %s -> %s", word,
			    text_of(entry, "name"), text_of(entry, "from"),
			    text_of(entry, "to"));
		else
			line = str_printf("%s %s %s", word,
			    text_of(entry, "name"),
			    text_of(entry, "version"));
		on_line(cookie, line);
		free(line);
	}
}

void
deploy_diff_tell(const json_t *diff, void (*on_line)(void *, const char *),
    void *cookie)
{
	static const char *const words[] = { "added", "removed", "changed" };
	const json_int_t cut = json_integer_value(json_object_get(diff,
	    "cut"));
	size_t n[3], i;
	char *line;

	for (i = 0; i < 3; i++)
		n[i] = json_array_size(json_object_get(diff, words[i]));
	line = str_printf("closure: %zu packages added, %zu removed, %zu "
	    "changed, %lld rebuilt; %+.1f MB, now %.1f MB", n[0], n[1], n[2],
	    (long long)json_integer_value(json_object_get(diff, "rebuilt")),
	    (double)json_integer_value(json_object_get(diff, "bytes")) / 1e6,
	    (double)json_integer_value(json_object_get(diff, "size")) / 1e6);
	on_line(cookie, line);
	free(line);
	for (i = 0; i < 3; i++)
		tell_list(diff, words[i], on_line, cookie);
	if (cut > 0) {
		line = str_printf("and %lld packages more", (long long)cut);
		on_line(cookie, line);
		free(line);
	}
}
