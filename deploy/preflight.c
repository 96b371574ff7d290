#include <sys/stat.h>
#include <sys/statvfs.h>

#include <stdbool.h>
#include <stdlib.h>

#include "buf.h"
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

/* ---- where the boot loader looks ---- */

static bool
has(const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	bool there = file_exists(path);

	free(path);
	return (there);
}

/* A file system of its own? */
static bool
is_mounted(const char *dir)
{
	char *parent = file_dirname(dir);	/* not "..": we may not enter */
	struct stat here, above;
	bool mounted = stat(dir, &here) == 0 && stat(parent, &above) == 0 &&
	    here.st_dev != above.st_dev;

	free(parent);
	return (mounted);
}

/*
 * Does an EFI partition at ${dir}, beside ${boot}, get the kernels?  As
 * systemd-boot of NixOS and Lanzaboote have it they are below EFI on it.
 * GRUB reads its own from /boot or the store, and /boot as a partition takes
 * them in either case, so that nothing of them comes here.  What we may not
 * look into, or what is empty still, is decided by /boot.
 */
static bool
takes_kernels(const char *dir, const char *boot)
{

	if (!is_mounted(dir))
		return (false);
	if (has(dir, "EFI/nixos") || has(dir, "EFI/Linux"))
		return (true);
	return (!is_mounted(boot) && !has(boot, "grub"));
}

/* Say so in ${out} if ${dir} has less than ${need} bytes. */
static void
look_for_room(const char *dir, long long need, struct buf *out)
{
	long long have = free_in(dir);

	if (have != -1 && have < need)
		buf_addf(out, "%sonly %.1f MiB are free in %s, %.1f too few",
		    out->len > 0 ? ", and " : "", (double)have / (1 << 20),
		    dir, (double)(need - have) / (1 << 20));
}

int
preflight_boot(const char *root, const char *from, const char *to,
    struct err *e)
{
	long long need = new_bytes(from, to, "kernel") +
	    new_bytes(from, to, "initrd");
	char *boot = str_printf("%s/boot", root);
	char *partitions[] = { str_printf("%s/efi", root),
		str_printf("%s/boot/efi", root) };
	struct buf all = { 0 };
	size_t i;
	int r = 0;

	if (need > 0) {
		need += BOOT_SLACK;
		look_for_room(boot, need, &all);
	}
	for (i = 0; i < sizeof(partitions) / sizeof(*partitions); i++) {
		if (need > 0 && takes_kernels(partitions[i], boot))
			look_for_room(partitions[i], need, &all);
		free(partitions[i]);
	}
	if (all.len > 0)
		r = err_set(e, ERR_REFUSED, "%s: the new kernel and initrd "
		    "need %.1f; remove old generations "
		    "(NIXFLEET_KEEP_GENERATIONS, or nix-collect-garbage -d) "
		    "and switch again", all.data, (double)need / (1 << 20));
	buf_free(&all);
	free(boot);
	return (r);
}

int
deploy_preflight(const struct deploy_conf *c, const char *path, struct err *e)
{
	char *now;
	int r;

	if (c->kind != DEPLOY_NIXOS)
		return (0);
	now = running_profile(c);
	r = preflight_boot("", now, path, e);
	free(now);
	return (r);
}
