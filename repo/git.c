#include <sys/statvfs.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "askpass.h"
#include "fail.h"
#include "file.h"
#include "git.h"
#include "ssh.h"
#include "str.h"

#define STDERR_KEEP (16 * 1024)
#define SPACE_MIN (64 * 1024)

/*
 * What every git of ours runs with, whatever the machine's and the user's
 * configuration say.  Read by git as GIT_CONFIG_GLOBAL, and so by the server
 * side of a local remote too: its hooks must run, therefore core.hooksPath
 * stands in the clone's own configuration (gitdir.c).
 */
static const char *const config[][2] = {
	/* nothing found on disk runs or redirects */
	{ "core.fsmonitor", "false" },
	{ "core.attributesFile", "/dev/null" },
	{ "core.excludesFile", "/dev/null" },
	{ "core.editor", "false" },
	{ "core.pager", "cat" },
	{ "credential.helper", "" },
	{ "gpg.program", "false" },
	{ "gpg.ssh.program", "false" },
	{ "gpg.x509.program", "false" },
	{ "init.templateDir", "" },
	{ "protocol.ext.allow", "never" },
	{ "transfer.bundleURI", "false" },
	{ "transfer.credentialsInUrl", "die" },
	/* derived data is not believed */
	{ "core.commitGraph", "false" },
	{ "core.multiPackIndex", "false" },
	{ "core.untrackedCache", "false" },
	{ "core.splitIndex", "false" },
	{ "core.sparseCheckout", "false" },
	{ "index.sparse", "false" },
	/* the tree is the commit, byte for byte */
	{ "core.autocrlf", "false" },
	{ "core.eol", "lf" },
	{ "core.safecrlf", "false" },
	{ "core.symlinks", "true" },
	{ "core.protectHFS", "true" },
	{ "core.protectNTFS", "true" },
	/* what the server sends is checked, and on disk before it counts */
	{ "transfer.fsckObjects", "true" },
	{ "transfer.unpackLimit", "1" },
	/* all but the index: after a power cut the tree is made anew */
	{ "core.fsync", "committed,reference" },
	/* one branch, nothing beside it */
	{ "submodule.recurse", "false" },
	{ "fetch.recurseSubmodules", "false" },
	{ "fetch.writeCommitGraph", "false" },
	{ "fetch.showForcedUpdates", "true" },
	{ "fetch.output", "full" },
	{ "push.default", "nothing" },
	{ "push.followTags", "false" },
	{ "push.recurseSubmodules", "no" },
	{ "commit.gpgSign", "false" },
	{ "push.gpgSign", "false" },
	{ "core.logAllRefUpdates", "false" },
	{ "gc.auto", "0" },
	{ "maintenance.auto", "false" },
	{ "http.followRedirects", "initial" },
	{ "http.lowSpeedLimit", "100" },
	{ "http.lowSpeedTime", "60" },
	{ "color.ui", "false" },
	{ "log.showSignature", "false" },
	{ "advice.detachedHead", "false" },
};

/* The agent's environment that git needs to reach the world. */
static const char *const kept[] = { "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"GIT_SSL_CAINFO", "http_proxy", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", NULL };

/* What nix and a person's own git need beyond that. */
static const char *const kept_user[] = { "HOME", "USER", "LOGNAME",
	"SSH_AUTH_SOCK", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
	"XDG_STATE_HOME", "XDG_DATA_HOME", "NIX_CONFIG", "NIX_REMOTE",
	"NIX_PATH", "NIX_SSL_CERT_FILE", "NIX_STORE_DIR", "NIX_STATE_DIR",
	"NIX_LOG_DIR", "NIX_CONF_DIR", "NIX_DATA_DIR", "NIX_USER_CONF_FILES",
	"NIX_DAEMON_SOCKET_PATH", "NIX_LOCALSTATE_DIR", NULL };

void
git_note(const struct repo *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (r->on_note == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->on_note(r->cookie, text);
}

int
git_fail(struct repo *r, enum repo_fail f, struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT];
	const char *hint = fail_hint(f);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->fail = f;
	return (err_set(e, fail_code(f), "%s%s%s", text,
	    hint[0] == '\0' ? "" : "; ", hint));
}

static void
keep(struct proc_env *env, const char *const *names)
{
	for (; *names != NULL; names++)
		proc_env_keep(env, *names);
}

static void
set_path(struct proc_env *env, const char *name, const char *dir,
    const char *file)
{
	char *path = file_join(dir, file);

	proc_env_set(env, name, path);
	free(path);
}

static void
env_base(struct proc_env *env)
{
	const char *path = getenv("PATH");

	proc_env_set(env, "PATH", path != NULL ? path : "/usr/bin:/bin");
	proc_env_set(env, "LC_ALL", "C");
	proc_env_set(env, "GIT_TERMINAL_PROMPT", "0");
	keep(env, kept);
}

static void
env_clone(const struct repo *r, const struct git_cmd *cmd,
    struct proc_env *env)
{
	const char *dir = cmd->dir != NULL ? cmd->dir : r->dir;
	char *parent = file_dirname(dir);

	set_path(env, "GIT_DIR", dir, ".git");
	proc_env_set(env, "GIT_WORK_TREE", cmd->work != NULL ? cmd->work :
	    dir);
	if (cmd->index != NULL)
		proc_env_set(env, "GIT_INDEX_FILE", cmd->index);
	proc_env_set(env, "GIT_CEILING_DIRECTORIES", parent);
	proc_env_set(env, "GIT_AUTHOR_NAME", r->commit_name);
	proc_env_set(env, "GIT_AUTHOR_EMAIL", r->commit_email);
	proc_env_set(env, "GIT_COMMITTER_NAME", r->commit_name);
	proc_env_set(env, "GIT_COMMITTER_EMAIL", r->commit_email);
	free(parent);
}

static int
env_ssh(const struct repo *r, struct proc_env *env, struct err *e)
{
	char *ssh;

	if (ssh_command(r, &ssh, e) == -1)
		return (-1);
	proc_env_set(env, "GIT_SSH_COMMAND", ssh);
	proc_env_set(env, "GIT_SSH_VARIANT", "ssh");
	if (r->ssh_key == NULL)
		proc_env_keep(env, "SSH_AUTH_SOCK");
	free(ssh);
	return (0);
}

/* The token is read by the askpass; here only: is it there at all? */
static int
env_token(const struct repo *r, struct proc_env *env, struct err *e)
{
	char *token, *site;

	if (askpass_token(r->token_file, &token, e) == -1)
		return (-1);
	str_wipefree(&token);
	site = askpass_site(&r->remote);
	proc_env_set(env, "GIT_ASKPASS", r->askpass);
	proc_env_set(env, ASKPASS_FILE, r->token_file);
	proc_env_set(env, ASKPASS_SITE, site);
	free(site);
	return (0);
}

static int
env_net(const struct repo *r, struct proc_env *env, struct err *e)
{
	proc_env_set(env, "GIT_ALLOW_PROTOCOL",
	    remote_proto_name(&r->remote));
	if (r->remote.proto == REMOTE_SSH)
		return (env_ssh(r, env, e));
	if (r->token_file != NULL && (r->remote.proto == REMOTE_HTTPS ||
	    r->remote.proto == REMOTE_HTTP))
		return (env_token(r, env, e));
	return (0);
}

static int
make_env(const struct repo *r, const struct git_cmd *cmd,
    struct proc_env *env, struct err *e)
{
	env_base(env);
	if (cmd->where == GIT_LEGACY) {
		keep(env, kept_user);
		proc_env_set(env, "GIT_MERGE_AUTOEDIT", "no");
		return (r->ssh_key == NULL ? 0 : env_ssh(r, env, e));
	}
	/* ~/.netrc and the like are a person's, not ours. */
	proc_env_set(env, "HOME", r->home);
	proc_env_set(env, "GIT_CONFIG_NOSYSTEM", "1");
	proc_env_set(env, "GIT_ATTR_NOSYSTEM", "1");
	set_path(env, "GIT_CONFIG_GLOBAL", r->home, "config");
	proc_env_set(env, "GIT_NO_REPLACE_OBJECTS", "1");
	proc_env_set(env, "GIT_OPTIONAL_LOCKS", "0");
	proc_env_set(env, "GIT_DEFAULT_REF_FORMAT", "files");
	if (cmd->where == GIT_CLONE)
		env_clone(r, cmd, env);
	else
		proc_env_set(env, "GIT_CEILING_DIRECTORIES", r->state_dir);
	if (cmd->net)
		return (env_net(r, env, e));
	/* A configuration found on disk can make any git fetch what it does
	   not find. */
	proc_env_set(env, "GIT_ALLOW_PROTOCOL", cmd->seed ? "file" : "none");
	return (0);
}

int
git_env_nix(const struct repo *r, struct proc_env *env, struct err *e)
{
	env_base(env);
	keep(env, kept_user);
	return (r->ssh_key == NULL ? 0 : env_ssh(r, env, e));
}

/* git does not always say that the disk is full. */
static bool
disk_full(const char *dir)
{
	struct statvfs fs;

	return (statvfs(dir, &fs) == 0 &&
	    (fs.f_bavail * fs.f_frsize < SPACE_MIN ||
	    (fs.f_files > 0 && fs.f_favail == 0)));
}

static enum repo_fail
classify(const struct proc_spec *ps, const struct proc_result *res)
{
	enum repo_fail f = fail_classify(res->err.data, res->err.len);

	if ((f == REPO_FAIL_OTHER || f == REPO_FAIL_SERVER ||
	    f == REPO_FAIL_DAMAGED) && disk_full(ps->cwd))
		return (REPO_FAIL_NO_SPACE);
	return (f);
}

/* Turn a git that did not exit with 0 into words. */
static int
explain(struct repo *r, const struct git_cmd *cmd, const struct proc_spec *ps,
    const struct proc_result *res, struct err *e)
{
	struct buf why = { 0 };
	int rc;

	switch (res->end) {
	case PROC_TIMEOUT:
		return (git_fail(r, cmd->net ? REPO_FAIL_TIMEOUT :
		    REPO_FAIL_OTHER, e, "git %s did not end within %lld s",
		    cmd->args[0], (long long)ps->deadline / 1000));
	case PROC_STOPPED:
		return (git_fail(r, REPO_FAIL_STOPPED, e, "git %s was stopped",
		    cmd->args[0]));
	case PROC_SIGNALLED:
		return (git_fail(r, REPO_FAIL_OTHER, e, "git %s was killed by "
		    "signal %d", cmd->args[0], res->code));
	case PROC_EXITED:
		break;
	}
	fail_reason(res->err.data != NULL ? res->err.data : "", res->err.len,
	    &why);
	rc = git_fail(r, classify(ps, res), e, "git %s: %s (exit status %d)",
	    cmd->args[0], why.len > 0 ? why.data : "no reason given",
	    res->code);
	buf_free(&why);
	return (rc);
}

/* "git" and the arguments as one list; the caller frees the array. */
static const char **
make_argv(const char *const *args)
{
	const char **argv;
	size_t n = 0;

	while (args[n] != NULL)
		n++;
	argv = str_alloc((n + 2) * sizeof(*argv));
	argv[0] = "git";
	memcpy(argv + 1, args, n * sizeof(*argv));
	return (argv);
}

/* Will this run record a host key? */
static bool
first_contact(const struct repo *r, const struct git_cmd *cmd)
{
	return (cmd->net && cmd->where != GIT_LEGACY &&
	    r->remote.proto == REMOTE_SSH && r->known_hosts == NULL &&
	    !ssh_host_known(r));
}

static void
note_host_key(const struct repo *r)
{
	char *path = ssh_known_hosts(r);

	if (ssh_host_known(r))
		git_note(r, "FIRST CONTACT with %s: its ssh host key is now "
		    "recorded in %s and any other is refused; compare it with "
		    "what the server's operator says, or pin it with "
		    "NIXFLEET_SSH_KNOWN_HOSTS", r->remote.host, path);
	free(path);
}

int
git_run(struct repo *r, const struct git_cmd *cmd, struct proc_result *out,
    struct err *e)
{
	const char *dir = cmd->where == GIT_LEGACY ? r->legacy_dir :
	    cmd->where == GIT_NOWHERE ? r->home :
	    cmd->dir != NULL ? cmd->dir : r->dir;
	struct proc_env env = { 0 };
	struct proc_result mine = { 0 }, *res = out != NULL ? out : &mine;
	struct proc_spec ps = { .cwd = dir, .stop_fd = r->stop_fd,
		.deadline = cmd->net ? r->net_ms : r->local_ms,
		.keep_out = cmd->keep, .keep_err = STDERR_KEEP,
		.on_line = cmd->quiet ? NULL : r->on_line,
		.cookie = r->cookie };
	const char **argv = make_argv(cmd->args);
	bool first = first_contact(r, cmd);
	int rc = -1;

	*res = (struct proc_result){ 0 };
	ps.argv = argv;
	if (make_env(r, cmd, &env, e) == -1) {
		r->fail = fail_from_err(e);
		goto out;
	}
	ps.env = proc_env_get(&env);
	if (proc_run(&ps, res, e) == -1) {
		err_wrap(e, "start git %s", cmd->args[0]);
		r->fail = REPO_FAIL_OTHER;
		goto out;
	}
	if (res->end != PROC_EXITED || res->code != 0)
		rc = explain(r, cmd, &ps, res, e);
	else if (cmd->keep > 0 && res->out_cut)
		rc = git_fail(r, REPO_FAIL_OTHER, e, "git %s: more than %zu "
		    "bytes", cmd->args[0], cmd->keep);
	else
		rc = 0;
	if (first)
		note_host_key(r);
out:
	proc_result_free(&mine);
	proc_env_free(&env);
	free(argv);
	return (rc);
}

static void
add_value(struct buf *b, const char *key, const char *value)
{
	const char *dot = strrchr(key, '.');

	/* [a "b"] c for a.b.c, [a] c for a.c */
	buf_adds(b, "[");
	buf_add(b, key, strcspn(key, "."));
	if (strchr(key, '.') != dot) {
		buf_adds(b, " \"");
		buf_add(b, strchr(key, '.') + 1,
		    (size_t)(dot - strchr(key, '.') - 1));
		buf_adds(b, "\"");
	}
	buf_addf(b, "] %s = \"", dot + 1);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_adds(b, "\\");
		buf_add(b, value, 1);
	}
	buf_adds(b, "\"\n");
}

/* Programs that check or make signatures: only those that are asked for. */
static void
add_trust(const struct repo *r, struct buf *b)
{
	if (r->gpg_keys != NULL)
		add_value(b, "gpg.program", "gpg");
	if (r->signers != NULL || r->signing_key != NULL)
		add_value(b, "gpg.ssh.program", "ssh-keygen");
	if (r->signers != NULL)
		add_value(b, "gpg.ssh.allowedSignersFile", r->signers);
	if (r->signing_key != NULL) {
		add_value(b, "gpg.format", "ssh");
		add_value(b, "user.signingKey", r->signing_key);
		add_value(b, "commit.gpgSign", "true");
	}
}

/* A repository of somebody else's that we only read. */
static void
add_safe(struct buf *b, const char *path)
{
	char *sub = file_join(path, ".git");

	add_value(b, "safe.directory", path);
	add_value(b, "safe.directory", sub);
	free(sub);
}

int
git_setup(const struct repo *r, struct err *e)
{
	char *path = file_join(r->home, "config");
	struct buf b = { 0 }, old = { 0 };
	int rc = 0;

	buf_adds(&b, "# Written by nixfleet; changes are lost.\n");
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		add_value(&b, config[i][0], config[i][1]);
	add_trust(r, &b);
	add_value(&b, "safe.directory", r->dir);
	add_value(&b, "safe.directory", r->fresh);
	/* The server side of a local remote reads this file, too. */
	if (r->remote.proto == REMOTE_FILE)
		add_safe(&b, r->remote.path);
	if (r->seed != NULL)
		add_safe(&b, r->seed);
	if (file_mkdirs(r->state_dir, 0700, e) == -1 ||
	    file_mkdirs(r->home, 0700, e) == -1)
		rc = -1;
	else if (file_read(path, 1 << 20, &old, NULL) == -1 ||
	    old.len != b.len || memcmp(old.data, b.data, b.len) != 0)
		rc = file_write(path, b.data, b.len, 0600, e);
	buf_free(&old);
	buf_free(&b);
	free(path);
	return (rc);
}
