#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "git.h"
#include "gitdir.h"
#include "maintain.h"
#include "ready.h"
#include "seal.h"
#include "str.h"
#include "submodule.h"
#include "tree.h"

#define PACKS_MAX 10

/* Was the last full check long ago? */
static bool
check_due(const struct repo *r, const char *stamp)
{
	/* Whoever asks as often as that does not come too early. */
	int64_t every = r->upkeep_s - r->upkeep_s / 6;
	struct stat st;

	return (stat(stamp, &st) == -1 || st.st_mtime > time(NULL) ||
	    time(NULL) - st.st_mtime >= every);
}

/* Every byte of clone and submodules; 1 if some are damaged, as ${e} says. */
static int
fsck(struct repo *r, struct err *e)
{
	struct err why;
	int rc = ready_fsck(r, true, e);

	if (rc == 1)
		(void)git_fail(r, REPO_FAIL_DAMAGED, e, "the regular check "
		    "found damage in %s", r->dir);
	if (rc != 0 || (rc = submodule_fsck(r, &why)) == 0)
		return (rc);
	*e = why;
	if (rc == 1 && submodule_drop(r, e) == 0)
		(void)git_fail(r, REPO_FAIL_DAMAGED, e, "the regular check "
		    "found damage in the submodules' cache, which is fetched "
		    "again: %s", why.text);
	return (rc);
}

static int
check(struct repo *r, struct repo_maintain *out, struct err *e)
{
	char *stamp = file_join(r->home, "checked");
	char *seal = file_join(r->home, "seal");
	int fd, rc = 0;

	if (!check_due(r, stamp) || (rc = fsck(r, e)) == -1)
		goto out;
	out->checked = true;
	if (rc == 1) {
		/* Unsealed, it is checked and replaced by the next pull. */
		(void)unlink(seal);
		rc = -1;
	} else if ((fd = open(stamp, O_WRONLY | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600)) != -1) {
		(void)futimens(fd, NULL);
		close(fd);
	}
out:
	free(seal);
	free(stamp);
	return (rc);
}

/* One pack of what is still wanted.  Only .git changes, so reseal that. */
static int
repack(struct repo *r, struct seal *seal, struct repo_maintain *out,
    struct err *e)
{
	static const char *const args[] = { "repack", "-a", "-d", "-q", NULL };
	static const char *const prune[] = { "prune", "--expire=now", NULL };
	bool touched;

	if (gitdir_packs(r->dir) <= PACKS_MAX)
		return (0);
	if (git_run(r, &(struct git_cmd){ .args = args,
	    .where = GIT_CLONE }, NULL, e) == -1 ||
	    git_run(r, &(struct git_cmd){ .args = prune,
	    .where = GIT_CLONE }, NULL, e) == -1 ||
	    gitdir_scrub(r, r->dir, &touched, e) == -1 ||
	    seal_store(r->dir, &seal->store, e) == -1)
		return (-1);
	out->repacked = true;
	return (seal_save(r, seal, e));
}

/* Only a clone that is as the last pull left it. */
static bool
as_left(struct repo *r, const struct seal *seal)
{
	struct buf now = { 0 };
	char boot[SEAL_BOOT];
	struct err ignored;
	bool yes;

	seal_boot(boot);
	yes = gitdir_present(r->dir) && str_eq(seal->url, r->url) &&
	    str_eq(seal->branch, r->branch) && str_eq(seal->boot, boot) &&
	    seal_store(r->dir, &now, &ignored) == 0 &&
	    seal_same(&now, &seal->store);
	buf_free(&now);
	return (yes);
}

int
maintain_run(struct repo *r, struct repo_maintain *res, struct err *e)
{
	struct repo_maintain out = { 0 };
	struct seal seal;
	int rc = 0;

	seal_load(r, &seal);
	out.skipped = !as_left(r, &seal);
	out.before = tree_bytes(r->dir);
	r->local_ms = r->upkeep_ms;
	if (!out.skipped && (git_setup(r, e) == -1 ||
	    check(r, &out, e) == -1 || repack(r, &seal, &out, e) == -1))
		rc = -1;
	out.after = tree_bytes(r->dir);
	seal_done(&seal);
	if (rc == 0)
		*res = out;
	return (rc);
}
