#ifndef PREFLIGHT_H
#define PREFLIGHT_H

#include "err.h"

/* What would fail half-way is refused before it begins (ERR_REFUSED). */

/**
 * preflight_room(dir, advice, e):
 * Has the file system of ${dir} the room without which nix itself may break?
 * One that is not there yet has.
 */
int	 preflight_room(const char *dir, const char *advice, struct err *)
	    __attribute__((warn_unused_result));

/**
 * preflight_boot(root, from, to, e):
 * Is there room for the kernel and the initrd of the system ${to}, as far as
 * they are others than those of ${from} (NULL: no system), where the boot
 * loader looks below ${root} ("" is the machine's own): in /boot, and in an
 * EFI partition at /efi or /boot/efi that gets them?
 */
int	 preflight_boot(const char *root, const char *from, const char *to,
	    struct err *) __attribute__((warn_unused_result));

#endif
