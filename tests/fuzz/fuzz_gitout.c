/*
 * All that reads what git, nix and known_hosts say: classification and reason
 * of failures, answers of a push, history, lock files, versions, URLs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "askpass.h"
#include "fail.h"
#include "flake.h"
#include "gitmodules.h"
#include "history.h"
#include "lockfile.h"
#include "remote.h"
#include "ssh.h"
#include "str.h"
#include "utf8.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	(void)cookie;
	if (!utf8_valid(c->subject, strlen(c->subject)))
		abort();
}

static void
try_url(const char *s)
{
	struct remote r;
	bool password;
	char *site;

	(void)!remote_branch_check(s, NULL);
	if (remote_parse(s, &r, NULL) == -1)
		return;
	if (r.host != NULL) {
		site = askpass_site(&r);
		(void)askpass_prompt(s, site, &password);
		free(site);
	}
	remote_done(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	char *s = str_ndup(text, len);
	struct lockfile lf;
	struct repo_update u = { 0 };
	struct buf b = { 0 };
	int major, minor;

	if (fail_classify(text, len) >= REPO_NFAIL)
		abort();
	fail_reason(text, len, &b);
	if (b.len > 0 && !utf8_valid(b.data, b.len))
		abort();
	(void)fail_push(text, len);
	history_parse(text, len, on_commit, NULL);
	(void)flake_version(text, len, &major, &minor);
	ssh_host_lines(text, len, "h", 22, &b);
	if (lockfile_parse(text, len, &lf, NULL) == 0)
		lockfile_free(&lf);
	if (flake_diff("", 0, text, len, &u, NULL) == 0)
		free(flake_message(&u));
	repo_update_free(&u);
	try_url(s);
	free(gitmodules_url(text, len, "lib"));
	free(gitmodules_resolve("ssh://h/a/b", s, NULL));
	free(gitmodules_resolve(s, "../../c", NULL));
	buf_free(&b);
	free(s);
	return (0);
}
