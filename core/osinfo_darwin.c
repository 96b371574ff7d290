#include <sys/types.h>
#include <sys/sysctl.h>
#include <sys/time.h>

#include <time.h>

#include "osinfo.h"
#include "str.h"

static char *
string_of(const char *name)
{
	char text[128];
	size_t n = sizeof(text);

	if (sysctlbyname(name, text, &n, NULL, 0) == -1 || n == 0)
		return (NULL);
	return (str_ndup(text, n - 1));
}

char *
osinfo_boot_id(void)
{
	char *id = string_of("kern.bootsessionuuid");

	return (id != NULL ? id : str_dup(""));
}

char *
osinfo_version(void)
{
	return (string_of("kern.osproductversion"));
}

int64_t
osinfo_uptime(void)
{
	struct timeval boot;
	size_t n = sizeof(boot);

	if (sysctlbyname("kern.boottime", &boot, &n, NULL, 0) == -1)
		return (-1);
	return ((int64_t)(time(NULL) - boot.tv_sec));
}
