#include <string.h>

#include "fail.h"
#include "str.h"
#include "utf8.h"

#define REASON_MAX 300

static const struct {
	const char *name;
	enum err_code code;
	const char *hint;
} words[REPO_NFAIL] = {
	[REPO_FAIL_NONE] = { "none", ERR_NONE, "" },
	[REPO_FAIL_OTHER] = { "other", ERR_CHILD, "" },
	[REPO_FAIL_CONFIG] = { "config", ERR_INPUT, "" },
	[REPO_FAIL_STOPPED] = { "stopped", ERR_STOPPED, "" },
	[REPO_FAIL_BUSY] = { "busy", ERR_BUSY, "" },
	[REPO_FAIL_UNREACHABLE] = { "unreachable", ERR_NET,
	    "the git server cannot be reached; the last good tree stays" },
	[REPO_FAIL_TIMEOUT] = { "timeout", ERR_TIMEOUT,
	    "the git server did not answer in time; the last good tree stays" },
	[REPO_FAIL_TLS] = { "tls", ERR_AUTH,
	    "the git server's certificate is not trusted here" },
	[REPO_FAIL_HOST_KEY] = { "host_key", ERR_AUTH,
	    "the git server's ssh key is not the recorded one; if it changed "
	    "on purpose, remove its line from the known hosts file" },
	[REPO_FAIL_CREDENTIALS] = { "credentials", ERR_AUTH,
	    "the key or token file must be readable for the agent, and a key "
	    "for nobody else (0600)" },
	[REPO_FAIL_AUTH] = { "auth", ERR_AUTH,
	    "the git server refused the key or token; add the host's public "
	    "key as a deploy key, or renew the token" },
	[REPO_FAIL_NOT_FOUND] = { "not_found", ERR_NOTFOUND,
	    "there is no such repository, or this key may not see it" },
	[REPO_FAIL_EMPTY] = { "empty", ERR_NOTFOUND,
	    "the repository has no commit yet; push one" },
	[REPO_FAIL_BRANCH] = { "branch_missing", ERR_NOTFOUND,
	    "the repository has no such branch; see NIXFLEET_BRANCH" },
	[REPO_FAIL_SERVER] = { "server", ERR_PROTO,
	    "the git server answered with an error" },
	[REPO_FAIL_NO_PUSH] = { "no_push", ERR_REFUSED,
	    "the git server does not let this host push" },
	[REPO_FAIL_CONFLICT] = { "conflict", ERR_BUSY,
	    "others kept pushing first; try again" },
	[REPO_FAIL_NIX] = { "nix", ERR_CHILD, "" },
	[REPO_FAIL_DAMAGED] = { "damaged", ERR_DAMAGED,
	    "the clone is damaged and is made anew when the server answers" },
	[REPO_FAIL_NO_SPACE] = { "no_space", ERR_NOSPACE,
	    "free some space; it recovers by itself" },
	[REPO_FAIL_STORAGE] = { "storage", ERR_SYS, "" },
	[REPO_FAIL_LEGACY] = { "legacy", ERR_CHILD,
	    "the directory belongs to a person and is left as it is" },
	[REPO_FAIL_UNTRUSTED] = { "untrusted", ERR_REFUSED,
	    "the last good tree stays; \"nixfleet repo accept REVISION\" "
	    "lets this one in" },
	[REPO_FAIL_SUBMODULE] = { "submodule", ERR_REFUSED,
	    "the last good tree stays; correct .gitmodules in the "
	    "repository" },
	[REPO_FAIL_REWRITTEN] = { "rewritten", ERR_REFUSED,
	    "the last good tree stays; \"nixfleet repo accept REVISION\" "
	    "lets this one in" },
};

/*
 * First match wins, so what names the cause stands before what names its
 * consequence.  Observed with git 2.39 and OpenSSH 9.2; later versions keep
 * these words under LC_ALL=C.
 */
static const struct {
	const char *text;
	enum repo_fail fail;
	bool local;		/* means nothing when the server says it */
} marks[] = {
	{ "No space left on device", REPO_FAIL_NO_SPACE, true },
	{ "Disk quota exceeded", REPO_FAIL_NO_SPACE, true },
	{ "Read-only file system", REPO_FAIL_STORAGE, true },
	{ "Input/output error", REPO_FAIL_STORAGE, true },
	{ "detected dubious ownership", REPO_FAIL_STORAGE, true },
	{ "REMOTE HOST IDENTIFICATION HAS CHANGED", REPO_FAIL_HOST_KEY, true },
	{ "Host key verification failed", REPO_FAIL_HOST_KEY, true },
	{ "host key is known for", REPO_FAIL_HOST_KEY, true },
	{ "UNPROTECTED PRIVATE KEY FILE", REPO_FAIL_CREDENTIALS, true },
	{ "error in libcrypto", REPO_FAIL_CREDENTIALS, true },
	{ "invalid format", REPO_FAIL_CREDENTIALS, true },
	{ "read only", REPO_FAIL_NO_PUSH, false },
	{ "read-only", REPO_FAIL_NO_PUSH, false },
	{ "not allowed to push", REPO_FAIL_NO_PUSH, false },
	{ "denied to ", REPO_FAIL_NO_PUSH, false },
	{ "Permission denied (", REPO_FAIL_AUTH, true },
	{ "Too many authentication failures", REPO_FAIL_AUTH, true },
	{ "Authentication failed for", REPO_FAIL_AUTH, true },
	{ "could not read Username", REPO_FAIL_AUTH, true },
	{ "could not read Password", REPO_FAIL_AUTH, true },
	{ "unable to get password from user", REPO_FAIL_AUTH, true },
	{ "returned error: 401", REPO_FAIL_AUTH, true },
	{ "returned error: 403", REPO_FAIL_AUTH, true },
	{ "not our ref", REPO_FAIL_SUBMODULE, false },
	{ "Server does not allow request for unadvertised object",
	    REPO_FAIL_SUBMODULE, true },
	{ "couldn't find remote ref", REPO_FAIL_BRANCH, true },
	{ "not found in upstream", REPO_FAIL_BRANCH, true },
	{ "' not found", REPO_FAIL_NOT_FOUND, true },
	{ "Repository not found", REPO_FAIL_NOT_FOUND, false },
	{ "does not appear to be a git repository", REPO_FAIL_NOT_FOUND, true },
	{ "returned error: 404", REPO_FAIL_NOT_FOUND, true },
	{ "returned error: 5", REPO_FAIL_SERVER, true },
	{ "SSL certificate", REPO_FAIL_TLS, true },
	{ "certificate verif", REPO_FAIL_TLS, true },
	{ "Connection timed out", REPO_FAIL_TIMEOUT, true },
	{ "Operation timed out", REPO_FAIL_TIMEOUT, true },
	{ "Operation too slow", REPO_FAIL_TIMEOUT, true },
	{ "Timeout, server", REPO_FAIL_TIMEOUT, true },
	{ "Could not resolve host", REPO_FAIL_UNREACHABLE, true },
	{ "unable to look up", REPO_FAIL_UNREACHABLE, true },
	{ "Temporary failure in name resolution", REPO_FAIL_UNREACHABLE, true },
	{ "Connection refused", REPO_FAIL_UNREACHABLE, true },
	{ "Couldn't connect to server", REPO_FAIL_UNREACHABLE, true },
	{ "Failed to connect to", REPO_FAIL_UNREACHABLE, true },
	{ "Network is unreachable", REPO_FAIL_UNREACHABLE, true },
	{ "No route to host", REPO_FAIL_UNREACHABLE, true },
	{ "Connection reset by", REPO_FAIL_UNREACHABLE, true },
	{ "Connection closed by", REPO_FAIL_UNREACHABLE, true },
	{ "No SSH version received", REPO_FAIL_SERVER, true },
	{ "banner line", REPO_FAIL_SERVER, true },
	{ "protocol version identification", REPO_FAIL_SERVER, true },
	{ "kex_exchange_identification", REPO_FAIL_UNREACHABLE, true },
	{ "not a git repository", REPO_FAIL_DAMAGED, true },
	{ "loose object", REPO_FAIL_DAMAGED, true },
	{ "object file", REPO_FAIL_DAMAGED, true },
	{ "bad object", REPO_FAIL_DAMAGED, true },
	{ "bad tree object", REPO_FAIL_DAMAGED, true },
	{ "unable to read tree", REPO_FAIL_DAMAGED, true },
	{ "unable to read sha1 file", REPO_FAIL_DAMAGED, true },
	{ "unable to parse object", REPO_FAIL_DAMAGED, true },
	{ "invalid object", REPO_FAIL_DAMAGED, true },
	{ "missing blob", REPO_FAIL_DAMAGED, true },
	{ "missing tree", REPO_FAIL_DAMAGED, true },
	{ "missing commit", REPO_FAIL_DAMAGED, true },
	{ "could not read object", REPO_FAIL_DAMAGED, true },
	{ "Could not read ", REPO_FAIL_DAMAGED, true },
	{ "Could not parse object", REPO_FAIL_DAMAGED, true },
	{ "cannot be accessed", REPO_FAIL_DAMAGED, true },
	{ "is corrupt", REPO_FAIL_DAMAGED, true },
	{ "index file", REPO_FAIL_DAMAGED, true },
	{ "data stream error", REPO_FAIL_DAMAGED, true },
	{ "did not send all necessary objects", REPO_FAIL_DAMAGED, true },
	{ "unresolved delta", REPO_FAIL_DAMAGED, true },
	{ "Permission denied", REPO_FAIL_STORAGE, true },
	{ "early EOF", REPO_FAIL_SERVER, true },
	{ "remote end hung up", REPO_FAIL_SERVER, true },
	{ "Could not read from remote", REPO_FAIL_SERVER, true },
	{ "protocol error", REPO_FAIL_SERVER, true },
	{ "bad line length", REPO_FAIL_SERVER, true },
	{ "unexpected disconnect", REPO_FAIL_SERVER, true },
	{ "expected flush", REPO_FAIL_SERVER, true },
	{ "invalid server response", REPO_FAIL_SERVER, true },
	{ "is this a git repository", REPO_FAIL_NOT_FOUND, true },
	{ "unable to access", REPO_FAIL_UNREACHABLE, true },
	{ "index-pack", REPO_FAIL_SERVER, true },
	{ "remote error:", REPO_FAIL_SERVER, true },
};
#define NMARKS (sizeof(marks) / sizeof(marks[0]))

/* The next line of [*p, end), without its newline; false at the end. */
static bool
next_line(const char **p, const char *end, const char **line, size_t *n)
{
	const char *nl;

	if (*p >= end)
		return (false);
	nl = memchr(*p, '\n', (size_t)(end - *p));
	*line = *p;
	*n = (size_t)((nl == NULL ? end : nl) - *p);
	*p = nl == NULL ? end : nl + 1;
	return (true);
}

static bool
starts(const char *line, size_t n, const char *word)
{
	return (n >= strlen(word) && memcmp(line, word, strlen(word)) == 0);
}

static bool
holds(const char *line, size_t n, const char *word)
{
	return (memmem(line, n, word, strlen(word)) != NULL);
}

enum repo_fail
fail_classify(const char *text, size_t len)
{
	const char *p, *line, *end = text + len;
	size_t n, best = NMARKS;

	for (p = text; next_line(&p, end, &line, &n);) {
		bool theirs = starts(line, n, "remote: ") ||
		    starts(line, n, "ERROR: ");

		for (size_t i = 0; i < best; i++)
			if ((!theirs || !marks[i].local) &&
			    holds(line, n, marks[i].text))
				best = i;
	}
	return (best == NMARKS ? REPO_FAIL_OTHER : marks[best].fail);
}

/* How much a line says; the later of two equal ones loses. */
static int
rank(const char *line, size_t n)
{
	static const char *const noise[] = {
		"fatal: Could not read from remote repository",
		"fatal: the remote end hung up", "Please make sure",
		"and the repository exists", "fatal: early EOF",
		"fatal: index-pack failed", "Cloning into",
	};

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		if (starts(line, n, noise[i]))
			return (1);
	if (n == 0 || line[0] == '@')
		return (0);
	if (starts(line, n, "fatal: ") || starts(line, n, "ERROR: ") ||
	    holds(line, n, "Permission denied") ||
	    holds(line, n, "verification failed"))
		return (4);
	if (starts(line, n, "error: ") || starts(line, n, "ssh: "))
		return (3);
	return (2);
}

void
fail_reason(const char *text, size_t len, struct buf *out)
{
	const char *p, *line, *best = NULL;
	size_t n, bestlen = 0;
	int r, bestrank = 0;

	for (p = text; next_line(&p, text + len, &line, &n);)
		if ((r = rank(line, n)) > bestrank) {
			bestrank = r;
			best = line;
			bestlen = n;
		}
	/* ssh ends its lines with CR LF. */
	while (bestlen > 0 && (unsigned char)best[bestlen - 1] <= ' ')
		bestlen--;
	if (bestlen > 0)
		utf8_clean(out, best,
		    bestlen < REASON_MAX ? bestlen : REASON_MAX);
}

const char *
fail_hint(enum repo_fail f)
{
	return (words[f].hint);
}

enum err_code
fail_code(enum repo_fail f)
{
	return (words[f].code);
}

enum repo_fail
fail_from_err(const struct err *e)
{
	switch (e->code) {
	case ERR_NONE:
		return (REPO_FAIL_NONE);
	case ERR_INPUT:
		return (REPO_FAIL_CONFIG);
	case ERR_STOPPED:
		return (REPO_FAIL_STOPPED);
	case ERR_BUSY:
		return (REPO_FAIL_BUSY);
	case ERR_TIMEOUT:
		return (REPO_FAIL_TIMEOUT);
	case ERR_AUTH:
		return (REPO_FAIL_CREDENTIALS);
	case ERR_NET:
		return (REPO_FAIL_UNREACHABLE);
	case ERR_DAMAGED:
		return (REPO_FAIL_DAMAGED);
	case ERR_NOSPACE:
		return (REPO_FAIL_NO_SPACE);
	case ERR_SYS:
	case ERR_NOTFOUND:
		return (REPO_FAIL_STORAGE);
	default:
		return (REPO_FAIL_OTHER);
	}
}

const char *
fail_name(enum repo_fail f)
{
	return (words[f].name);
}

enum repo_fail
fail_parse(const char *s)
{
	enum repo_fail f = REPO_FAIL_NONE;

	while (f < REPO_NFAIL && !str_eq(words[f].name, s))
		f++;
	return (f);
}

enum fail_push
fail_push(const char *out, size_t len)
{
	/* Two pushes at the same moment are told apart only by the server's
	   own words for the reference that moved. */
	static const char *const races[] = { "[rejected]", "cannot lock ref",
		"failed to update ref", "incorrect old value", "fetch first",
		"non-fast-forward", "stale info", "reference already exists",
		"remote ref updated since checkout" };
	const char *p = out, *line;
	size_t n;

	while (next_line(&p, out + len, &line, &n)) {
		if (n < 2 || line[1] != '\t')
			continue;
		if (line[0] == '=')
			return (FAIL_PUSH_SAME);
		if (line[0] != '!')
			return (FAIL_PUSH_OK);
		for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++)
			if (holds(line, n, races[i]))
				return (FAIL_PUSH_RACE);
		return (FAIL_PUSH_DENIED);
	}
	return (FAIL_PUSH_UNKNOWN);
}
