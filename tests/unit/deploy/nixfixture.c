#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "nixfixture.h"
#include "str.h"
#include "ulid.h"

extern char **environ;

static const char flake_text[] =
    "{ outputs = { self }: let\n"
    "  host = name: derivation {\n"
    "    inherit name; system = \"@SYSTEM@\"; builder = \"/bin/sh\";\n"
    "    PATH = \"/bin:/usr/bin\"; activate = ./activate.sh;\n"
    "    args = [ \"-c\" \"mkdir -p $out/bin; echo building $name;\n"
    "      cp $activate $out/bin/activate; chmod 755 $out/bin/activate;\n"
    "      cp $activate $out/activate; chmod 755 $out/activate;\n"
    "      cp $activate $out/bin/switch-to-configuration;\n"
    "      chmod 755 $out/bin/switch-to-configuration\" ];\n"
    "  };\n"
    "  system = name: { config.system.build.toplevel = host name; };\n"
    "in {\n"
    "  hosts.h1 = host \"h1-1.0\"; hosts.h2 = host \"h2-1.0\";\n"
    "  gens = builtins.listToAttrs (map (n: { name = \"v${toString n}\";\n"
    "    value = host \"gen-${toString n}\"; })\n"
    "    [ 1 2 3 4 5 6 7 8 9 10 11 ]);\n"
    "  nixosConfigurations.h1 = system \"nixos-system-h1-1\";\n"
    "  homeConfigurations.h1.activationPackage = host \"home-1\";\n"
    "}; }\n";

static void
on_line(void *cookie, enum deploy_stream s, const char *p, size_t n)
{
	struct nixfixture *x = cookie;

	x->nlines++;
	if (n > x->longest)
		x->longest = n;
	if (x->lines.len > 1024 * 1024)
		return;
	buf_addf(&x->lines, "%c ", "oen"[s]);
	buf_add(&x->lines, p, n);
	buf_add(&x->lines, "\n", 1);
}

static void
on_progress(void *cookie, const struct deploy_progress *p)
{
	struct nixfixture *x = cookie;

	x->nprogress++;
	snprintf(x->phase, sizeof(x->phase), "%s", p->phase);
}

char *
nixfixture_sh(struct nixfixture *x, const char *command)
{
	const char *const argv[] = { "sh", "-ec", command, NULL };
	struct proc_result res = { 0 };
	const struct proc_spec spec = { .argv = argv,
		.env = (const char *const *)environ, .cwd = x->dir,
		.deadline = 60000, .stop_fd = -1, .keep_out = 1024 * 1024,
		.keep_err = 4096 };
	struct err e;
	char *out;

	if (proc_run(&spec, &res, &e) == -1 ||
	    proc_check(&spec, &res, &e) == -1) {
		fprintf(stderr, "%s: %s\n", command, e.text);
		abort();
	}
	out = buf_take(&res.out);
	proc_result_free(&res);
	return (out);
}

void
nixfixture_gone(struct nixfixture *x, const char *file)
{
	char *wait = str_printf("while grep -qs '^State:.[^ZX]' "
	    "/proc/$(cat %s)/status; do sleep 0.05; done", file);

	free(nixfixture_sh(x, wait));
	free(wait);
}

static void
environment(struct nixfixture *x)
{
	static const char *const names[][2] = {
		{ "NIX_STORE_DIR", "store" }, { "NIX_STATE_DIR", "var" },
		{ "NIX_LOG_DIR", "log" }, { "NIX_CONF_DIR", "etc" },
		{ "HOME", "home" }, { "XDG_STATE_HOME", "home/state" },
	};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", x->dir, names[i][1]);
		setenv(names[i][0], path, 1);
	}
	unsetenv("NIX_REMOTE");
	unsetenv("XDG_CACHE_HOME");
	setenv("NIX_CONFIG", "sandbox = false\nbuild-users-group =\n"
	    "substituters =\n", 1);
	setenv("NIXFLEET_TOKEN", "secret", 1);
	setenv("here", x->dir, 1);
}

int
nixfixture_open(struct nixfixture *x)
{
	memset(x, 0, sizeof(*x));
	if (system("command -v nix git >/dev/null") != 0)
		return (-1);
	snprintf(x->dir, sizeof(x->dir), "/tmp/nixfleet-deploy-XXXXXX");
	if (mkdtemp(x->dir) == NULL)
		abort();
	environment(x);
	x->repo = file_join(x->dir, "repo");
	x->state = file_join(x->dir, "state");
	x->profile = file_join(x->dir, "profiles/custom");
	x->conf = (struct deploy_conf){ .kind = DEPLOY_CUSTOM, .host = "h1",
		.repo_dir = x->repo, .flake_attr = "hosts.\"{host}\"",
		.profile = x->profile, .state_dir = x->state,
		.activate_path = NIXFLEET_ACTIVATE, .build_timeout = 60000,
		.activate_timeout = 30000, .test_timeout = 10000,
		.stop_fd = -1, .on_line = on_line,
		.on_progress = on_progress, .cookie = x };
	free(nixfixture_sh(x, "mkdir -m 700 home state repo; cd repo; "
	    "git init -q; git config user.name T; git config user.email t@t"));
	return (0);
}

void
nixfixture_close(struct nixfixture *x)
{
	struct err e;

	free(nixfixture_sh(x, "chmod -R u+w store 2>/dev/null || true"));
	if (file_rmtree(x->dir, &e) == -1)
		fprintf(stderr, "%s\n", e.text);
	buf_free(&x->lines);
	free(x->repo);
	free(x->state);
	free(x->profile);
}

int
nixfixture_setup(void **state)
{
	static struct nixfixture fix;

	*state = &fix;
	return (nixfixture_open(&fix));
}

int
nixfixture_teardown(void **state)
{
	nixfixture_close(*state);
	return (0);
}

const char *
nixfixture_commit_flake(struct nixfixture *x, const char *flake)
{
	static char rev[65];
	char *path = file_join(x->repo, "flake.nix"), *out;
	struct err e;

	if (file_write(path, flake, strlen(flake), 0644, &e) == -1)
		abort();
	free(path);
	path = str_printf("sed -i s/@SYSTEM@/%s/ repo/flake.nix; cd repo; "
	    "git add -A; git commit -q --allow-empty -m x; "
	    "git rev-parse HEAD", NIX_SYSTEM);
	out = nixfixture_sh(x, path);
	snprintf(rev, sizeof(rev), "%s", str_trim(out));
	free(out);
	free(path);
	return (rev);
}

const char *
nixfixture_commit(struct nixfixture *x, const char *activate)
{
	char *path = file_join(x->repo, "activate.sh");
	char *text = str_printf("#!/bin/sh\n%s\n", activate);
	struct err e;

	if (file_write(path, text, strlen(text), 0755, &e) == -1)
		abort();
	free(text);
	free(path);
	return (nixfixture_commit_flake(x, flake_text));
}

const char *
nixfixture_op(struct nixfixture *x)
{
	ulid_make(x->op);
	x->ops++;
	return (x->op);
}

void
nixfixture_switch(struct nixfixture *x, const char *rev,
    struct deploy_result *res)
{
	struct deploy_request req = { .mode = DEPLOY_SWITCH, .rev = rev };
	struct deploy_build b;
	struct err e;

	if (deploy_build(&x->conf, rev, &b, &e) == -1)
		fail_msg("build: %s", e.text);
	req.op_id = nixfixture_op(x);
	req.path = b.path;
	if (deploy_activate(&x->conf, &req, res, &e) == -1)
		fail_msg("activate: %s", e.text);
	deploy_build_free(&b);
}

bool
nixfixture_has(const struct nixfixture *x, const char *name)
{
	char *path = file_join(x->dir, name);
	bool there = file_exists(path);

	free(path);
	return (there);
}
