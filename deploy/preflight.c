#include <sys/stat.h>
#include <sys/statvfs.h>

#include <stdlib.h>

#include "deploy.h"
#include "file.h"
#include "preflight.h"
#include "running.h"
#include "str.h"

#define FREE_MIN (64LL * 1024 * 1024)	/* below it nix itself may break */
#define BOOT_SLACK (1024LL * 1024)	/* for the loader's own entries */

/* Bytes that are free, -1 if there is nothing. */
static long long
free_in(const char *dir)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) == -1)
		return (-1);
	return ((long long)fs.f_bavail * (long long)fs.f_frsize);
}

int
preflight_room(const char *dir, const char *advice, struct err *e)
{
	long long have = free_in(dir);

	if (have == -1 || have >= FREE_MIN)
		return (0);
	return (err_set(e, ERR_REFUSED, "only %lld MiB are free in %s, %lld "
	    "are the least for a build; %s", have >> 20, dir, FREE_MIN >> 20,
	    advice));
}

/* The bytes of ${to}'s ${file}, 0 if it is that of ${from} or not there. */
static long long
new_bytes(const char *from, const char *to, const char *file)
{
	char *old = from != NULL ? file_join(from, file) : NULL;
	char *new = file_join(to, file);
	char *was = old != NULL ? realpath(old, NULL) : NULL;
	char *is = realpath(new, NULL);
	struct stat st;
	long long n = 0;

	if (is != NULL && !str_eq(was, is) && stat(is, &st) == 0)
		n = st.st_size;
	free(is);
	free(was);
	free(new);
	free(old);
	return (n);
}

int
preflight_boot(const char *dir, const char *from, const char *to,
    struct err *e)
{
	long long have = free_in(dir);
	long long need = new_bytes(from, to, "kernel") +
	    new_bytes(from, to, "initrd");

	if (have == -1 || need == 0 || have >= need + BOOT_SLACK)
		return (0);
	return (err_set(e, ERR_REFUSED, "only %.1f MiB are free in %s, and "
	    "the new kernel and initrd need %.1f: remove old generations "
	    "(NIXFLEET_KEEP_GENERATIONS, or nix-collect-garbage -d) and "
	    "switch again", (double)have / (1 << 20), dir,
	    (double)(need + BOOT_SLACK) / (1 << 20)));
}

int
deploy_preflight(const struct deploy_conf *c, const char *path, struct err *e)
{
	char *now;
	int r;

	if (c->kind != DEPLOY_NIXOS)
		return (0);
	now = running_profile(c);
	r = preflight_boot("/boot", now, path, e);
	free(now);
	return (r);
}
