#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "ssh.h"
#include "str.h"

#define KNOWN_MAX (4 * 1024 * 1024)

char *
ssh_known_hosts(const struct repo *r)
{
	if (r->known_hosts != NULL)
		return (str_dup(r->known_hosts));
	return (file_join(r->state_dir, "known_hosts"));
}

/* Is ${want} one of the comma-separated names of [p, p+n)? */
static bool
names_hold(const char *p, size_t n, const char *want)
{
	size_t k, len = strlen(want);
	const char *end = p + n;

	for (; p < end; p += k + 1) {
		const char *c = memchr(p, ',', (size_t)(end - p));

		k = (size_t)((c == NULL ? end : c) - p);
		if (k == len && strncasecmp(p, want, k) == 0)
			return (true);
	}
	return (false);
}

size_t
ssh_host_lines(const char *known, size_t len, const char *host, int port,
    struct buf *out)
{
	char *want = port == 0 || port == 22 ? str_dup(host) :
	    str_printf("[%s]:%d", host, port);
	const char *p = known, *end = known + len, *nl;
	size_t n, found = 0;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		n = 0;
		while (p + n < nl && p[n] != ' ' && p[n] != '\t')
			n++;
		if (n == 0 || *p == '#' || *p == '@' ||
		    !names_hold(p, n, want))
			continue;
		buf_add(out, p, (size_t)(nl - p));
		buf_adds(out, "\n");
		found++;
	}
	free(want);
	return (found);
}

bool
ssh_host_known(const struct repo *r)
{
	char *path = ssh_known_hosts(r);
	struct buf b = { 0 }, lines = { 0 };
	bool yes = false;

	if (r->remote.host != NULL &&
	    file_read(path, KNOWN_MAX, &b, NULL) == 0 && b.len > 0)
		yes = ssh_host_lines(b.data, b.len, r->remote.host,
		    r->remote.port, &lines) > 0;
	buf_free(&lines);
	buf_free(&b);
	free(path);
	return (yes);
}

/* Append one shell word. */
static void
add_word(struct buf *b, const char *s)
{
	buf_adds(b, " '");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			buf_adds(b, "'\\''");
		else
			buf_add(b, s, 1);
	buf_adds(b, "'");
}

/* ssh expands "%" and "${" in file names and splits lists at blanks. */
static int
add_path(struct buf *b, const char *option, const char *path, struct err *e)
{
	struct buf v = { 0 };

	if (strpbrk(path, "\"\n") != NULL || strstr(path, "${") != NULL)
		return (err_set(e, ERR_INPUT, "ssh cannot use the path %s: it "
		    "holds a quote, a line break or \"${\"", path));
	buf_addf(&v, "%s\"", option);
	for (; *path != '\0'; path++)
		buf_adds(&v, *path == '%' ? "%%" : (char[]){ *path, '\0' });
	buf_adds(&v, "\"");
	add_word(b, "-o");
	add_word(b, v.data);
	buf_free(&v);
	return (0);
}

static int
check_key(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = 0;

	if (fd == -1 || fstat(fd, &st) == -1) {
		rc = err_set(e, ERR_AUTH, "ssh key %s (NIXFLEET_SSH_KEY): %s",
		    path, strerror(errno));
	} else if (!S_ISREG(st.st_mode))
		rc = err_set(e, ERR_AUTH, "ssh key %s (NIXFLEET_SSH_KEY) is "
		    "not a file", path);
	else if (st.st_uid == geteuid() && (st.st_mode & 077) != 0)
		rc = err_set(e, ERR_AUTH, "ssh key %s (NIXFLEET_SSH_KEY) can "
		    "be read by others (mode %04o) and ssh will not use it: "
		    "chmod 600", path, (unsigned)st.st_mode & 07777);
	if (fd != -1)
		close(fd);
	return (rc);
}

int
ssh_command(const struct repo *r, char **out, struct err *e)
{
	static const char *const fixed[] = { "-o", "BatchMode=yes", "-o",
		"GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no",
		"-o", "CheckHostIP=no", "-o", "HashKnownHosts=no", "-o",
		"ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o",
		"ServerAliveCountMax=3", "-o", "LogLevel=ERROR" };
	char *known = ssh_known_hosts(r);
	struct buf b = { 0 };
	int rc = -1;

	buf_adds(&b, "ssh -F /dev/null");
	if (r->ssh_key != NULL) {
		if (check_key(r->ssh_key, e) == -1 ||
		    add_path(&b, "IdentityFile=", r->ssh_key, e) == -1)
			goto out;
		buf_adds(&b, " -o IdentitiesOnly=yes -o IdentityAgent=none");
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_word(&b, fixed[i]);
	buf_addf(&b, " -o StrictHostKeyChecking=%s",
	    r->known_hosts == NULL && !ssh_host_known(r) ? "accept-new" :
	    "yes");
	if (add_path(&b, "UserKnownHostsFile=", known, e) == -1)
		goto out;
	*out = buf_take(&b);
	rc = 0;
out:
	buf_free(&b);
	free(known);
	return (rc);
}
