#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "legacy.h"
#include "str.h"

#define LISTING_MAX (4 * 1024 * 1024)

int
legacy_ensure(struct repo *r, struct repo_change *ch, struct err *e)
{
	char *git = file_join(r->legacy_dir, ".git");
	bool there = file_exists(git);

	free(git);
	if (!there)
		return (git_fail(r, REPO_FAIL_CONFIG, e, "%s "
		    "(NIXFLEET_NIXCFG) is no git checkout", r->legacy_dir));
	r->unasked = true;
	*ch = (struct repo_change){ 0 };
	if (gitdir_ref(r->legacy_dir, "HEAD", ch->from) == 0)
		memcpy(ch->to, ch->from, sizeof(ch->to));
	return (0);
}

int
legacy_pull(struct repo *r, struct repo_change *ch, struct err *e)
{
	static const char *const args[] = { "pull", NULL };

	if (legacy_ensure(r, ch, e) == -1)
		return (-1);
	r->unasked = false;
	if (git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_LEGACY }, NULL, e) == -1) {
		/* Words about objects are no suspicion here. */
		if (r->fail == REPO_FAIL_OTHER || r->fail == REPO_FAIL_DAMAGED)
			return (git_fail(r, REPO_FAIL_LEGACY, e, "%s",
			    e->text));
		return (-1);
	}
	if (gitdir_ref(r->legacy_dir, "HEAD", ch->to) == -1)
		ch->to[0] = '\0';
	ch->changed = !str_eq(ch->from, ch->to);
	return (0);
}

int
legacy_refuse(struct repo *r, struct repo_change *ch, struct err *e)
{
	(void)ch;
	return (git_fail(r, REPO_FAIL_LEGACY, e, "%s is not a clone of the "
	    "agent's own", r->legacy_dir));
}

int
legacy_check(struct repo *r, char tip[REPO_REV], struct err *e)
{
	static const char *const args[] = { "ls-remote", "--", "origin",
		"HEAD", NULL };
	struct proc_result res;
	int rc = git_run(r, &(struct git_cmd){ .args = args, .net = true,
	    .where = GIT_LEGACY, .quiet = true, .keep = LISTING_MAX }, &res,
	    e);

	if (rc == 0 && res.out.len > 0) {
		res.out.data[strcspn(res.out.data, "\t")] = '\0';
		if (gitdir_is_rev(res.out.data))
			memcpy(tip, res.out.data, res.out.len < REPO_REV ?
			    res.out.len : REPO_REV);
	}
	proc_result_free(&res);
	return (rc);
}
