#include <stdlib.h>
#include <string.h>

#include "git.h"
#include "gitdir.h"
#include "history.h"
#include "str.h"
#include "utf8.h"

#define NFIELDS 5
#define LOG_BYTES (16 * 1024 * 1024)
#define FORMAT "--format=tformat:%H%x00%an%x00%ae%x00%at%x00%s"

static int
check_rev(struct repo *r, const char *rev, struct err *e)
{
	if (rev == NULL || gitdir_is_rev(rev))
		return (0);
	return (git_fail(r, REPO_FAIL_CONFIG, e, "\"%s\" is no full revision",
	    rev));
}

/* git's complaint about a revision that is not there, as ERR_NOTFOUND. */
static int
run(struct repo *r, const char *const *args, size_t keep,
    struct proc_result *res, struct err *e)
{
	enum repo_fail was = r->fail;
	int rc;

	/* Only an operation with the lock may mend it. */
	if (r->legacy_dir == NULL && !gitdir_plain(r->dir))
		return (err_set(e, ERR_DAMAGED, "%s was tampered with; the "
		    "next pull mends it", r->dir));
	rc = git_run(r, &(struct git_cmd){ .args = args, .keep = keep,
	    .quiet = true, .where = r->legacy_dir != NULL ? GIT_LEGACY :
	    GIT_CLONE }, res, e);
	if (rc == -1 && res->end == PROC_EXITED && res->code != 0 &&
	    e != NULL)
		e->code = ERR_NOTFOUND;
	r->fail = was;
	return (rc);
}

static char *
range(const char *from, const char *to)
{
	const char *end = to == NULL ? "HEAD" : to;

	return (from == NULL ? str_dup(end) :
	    str_printf("%s..%s", from, end));
}

/* One field as clean text; the caller frees. */
static char *
clean(const char *p, size_t n)
{
	struct buf b = { 0 };

	utf8_clean(&b, p, n);
	return (b.len == 0 ? str_dup("") : buf_take(&b));
}

size_t
history_parse(const char *text, size_t len,
    void (*cb)(void *, const struct repo_commit *), void *cookie)
{
	const char *p = text, *end = text + len, *field[NFIELDS + 1];
	char *author, *email, *subject;
	struct repo_commit c = { 0 };
	size_t i, count = 0;

	for (;; count++) {
		/* Each field ends in NUL, the record's last one in LF NUL or
		   NUL: git -z puts NUL after the subject. */
		field[0] = p;
		for (i = 0; i < NFIELDS; i++) {
			const char *nul = p < end ?
			    memchr(p, '\0', (size_t)(end - p)) : NULL;

			if (nul == NULL)
				return (count);
			p = nul + 1;
			field[i + 1] = p;
		}
		if (!gitdir_is_rev(field[0]) ||
		    str_int(field[3], INT64_MIN, INT64_MAX, &c.time) == -1)
			return (count);
		c.rev = field[0];
		author = clean(field[1], strlen(field[1]));
		email = clean(field[2], strlen(field[2]));
		subject = clean(field[4], strlen(field[4]));
		c.author = author;
		c.email = email;
		c.subject = subject;
		cb(cookie, &c);
		free(author);
		free(email);
		free(subject);
	}
}

int
history_log(struct repo *r, const char *from, const char *to, int max,
    void (*cb)(void *, const struct repo_commit *), void *cookie,
    struct err *e)
{
	char *what = range(from, to), *limit = str_printf("-%d", max);
	const char *const args[] = { "log", "-z", limit, FORMAT, "--no-color",
		"--no-show-signature", what, "--", NULL };
	struct proc_result res = { 0 };
	int rc = -1;

	if (check_rev(r, from, e) == -1 || check_rev(r, to, e) == -1 ||
	    run(r, args, LOG_BYTES, &res, e) == -1)
		goto out;
	if (res.out.len > 0)
		history_parse(res.out.data, res.out.len, cb, cookie);
	rc = 0;
out:
	proc_result_free(&res);
	free(limit);
	free(what);
	return (rc);
}

int64_t
history_count(struct repo *r, const char *from, const char *to,
    struct err *e)
{
	char *what = range(from, to);
	const char *const args[] = { "rev-list", "--count", what, "--", NULL };
	struct proc_result res = { 0 };
	int64_t n = -1;

	if (check_rev(r, from, e) == 0 && check_rev(r, to, e) == 0 &&
	    run(r, args, 64, &res, e) == 0 && (res.out.len == 0 ||
	    str_int(str_trim(res.out.data), 0, INT64_MAX, &n) == -1))
		n = err_set(e, ERR_PROTO, "git rev-list gave no number");
	proc_result_free(&res);
	free(what);
	return (n);
}

int
history_show(struct repo *r, const char *rev, const char *path, size_t max,
    struct buf *out, struct err *e)
{
	char *spec = str_printf("%s:%s", rev == NULL ? "HEAD" : rev, path);
	const char *const args[] = { "cat-file", "blob", spec, NULL };
	struct proc_result res = { 0 };
	int rc = -1;

	if (check_rev(r, rev, e) == 0 &&
	    run(r, args, max == 0 ? 1 : max, &res, e) == 0) {
		buf_add(out, res.out.data, res.out.len);
		rc = 0;
	} else if (res.out_cut && e != NULL)
		e->code = ERR_INPUT;
	proc_result_free(&res);
	free(spec);
	return (rc);
}
