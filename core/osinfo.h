#ifndef OSINFO_H
#define OSINFO_H

#include <stdint.h>

/* What names this boot of the machine; "" if not known.  The caller frees. */
char	*osinfo_boot_id(void);

/* "24.05", "14.5"; NULL if not known.  The caller frees. */
char	*osinfo_version(void);

/* Seconds since the machine started; -1 if not known. */
int64_t	 osinfo_uptime(void);

#endif
