"""Nothing that is planted in the clone ever runs or redirects."""

import os

import pytest

from repo_rig import assert_tree_is, git


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a mark when it runs."""
    script = tmp_path / "trap.sh"
    mark = tmp_path / "sprung"
    script.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    script.chmod(0o755)
    return script, mark


PLANTED = {
    "fsmonitor": "[core]\n\tfsmonitor = {t}\n",
    "hooks_path": "[core]\n\thooksPath = {d}\n",
    "ssh_command": "[core]\n\tsshCommand = {t}\n",
    "git_proxy": "[core]\n\tgitProxy = {t}\n",
    "askpass": "[core]\n\taskPass = {t}\n",
    "pager_editor": "[core]\n\tpager = {t}\n\teditor = {t}\n",
    "uploadpack": '[remote "origin"]\n\tuploadpack = {t}\n',
    "receivepack": '[remote "origin"]\n\treceivepack = {t}\n',
    "vcs": '[remote "origin"]\n\tvcs = ext\n\turl = ext::{t}\n',
    "pushurl": '[remote "origin"]\n\tpushurl = ext::{t}\n',
    "filter": '[filter "x"]\n\tsmudge = {t}\n\tclean = {t}\n'
              '\tprocess = {t}\n\trequired = true\n',
    "instead_of": '[url "ext::{t} "]\n\tinsteadOf = file://\n'
                  '[protocol "ext"]\n\tallow = always\n',
    "credential": "[credential]\n\thelper = !{t}\n",
    "gpg": "[gpg]\n\tprogram = {t}\n[commit]\n\tgpgSign = true\n",
    "include": "[include]\n\tpath = {d}/more\n",
    "alias": "[alias]\n\tfetch = !{t}\n\treset = !{t}\n",
    "alternate_refs": "[core]\n\talternateRefsCommand = {t}\n",
    "pack_hook": "[uploadpack]\n\tpackObjectsHook = {t}\n",
    "diff": "[diff]\n\texternal = {t}\n",
    "merge": '[merge "x"]\n\tdriver = {t}\n',
    "worktree_config": "[extensions]\n\tworktreeConfig = true\n",
}


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_planted_config(host, remote, trap, tmp_path, name):
    """Each known way to make git run something from its configuration."""
    script, mark = trap
    (tmp_path / "more").write_text(f"[core]\n\tfsmonitor = {script}\n")
    for hook in ("post-checkout", "reference-transaction"):
        (tmp_path / hook).symlink_to(script)
    config = host.dir / ".git" / "config"
    text = PLANTED[name].format(t=script, d=tmp_path)
    config.write_text(config.read_text() + text)
    (host.dir / ".git" / "config.worktree").write_text(
        f"[core]\n\tfsmonitor = {script}\n")
    (host.dir / ".git" / "info" / "attributes").write_text(
        "* filter=x diff=x merge=x\n")
    remote.commit({"flake.nix": "{ n = 1; }\n", ".gitattributes":
                   "* filter=x merge=x\n"})
    host.ok("pull")
    host.ok("verify")
    assert not mark.exists()
    assert_tree_is(host, remote.tip())
    assert str(script) not in config.read_text()
    assert not (host.dir / ".git" / "config.worktree").exists()


HOOKS = ["applypatch-msg", "post-checkout", "post-index-change",
         "post-merge", "post-rewrite", "pre-auto-gc", "pre-commit",
         "pre-push", "reference-transaction", "fsmonitor-watchman",
         "proc-receive", "update"]


def test_planted_hooks(host, remote, trap):
    """Hooks in the clone are removed, not run."""
    script, mark = trap
    hooks = host.dir / ".git" / "hooks"
    hooks.mkdir()
    for name in HOOKS:
        (hooks / name).symlink_to(script)
    remote.commit({"a": "1"})
    host.ok("pull")
    assert not mark.exists() and not hooks.exists()


def test_planted_files(host, remote, tmp_path):
    """Other work trees, grafts, alternates, replacements: all gone."""
    g = host.dir / ".git"
    elsewhere = tmp_path / "elsewhere.git"
    git("init", "-q", "--bare", str(elsewhere))
    (g / "commondir").write_text(str(elsewhere))
    (g / "objects" / "info").mkdir(exist_ok=True)
    (g / "objects" / "info" / "alternates").write_text(
        f"{elsewhere}/objects\n")
    (g / "info" / "grafts").write_text(remote.tip() + "\n")
    (g / "info" / "sparse-checkout").write_text("/nothing\n")
    (g / "refs" / "replace").mkdir()
    (g / "refs" / "replace" / remote.tip()).write_text("0" * 40 + "\n")
    (g / "refs" / "heads" / "other").write_text(remote.tip() + "\n")
    rev = remote.commit({"b": "2"})
    host.ok("pull")
    assert_tree_is(host, rev)
    assert sorted(os.listdir(g / "refs" / "heads")) == ["main"]
    for gone in ("commondir", "objects/info/alternates", "info/grafts",
                 "info/sparse-checkout", "refs/replace"):
        assert not (g / gone).exists(), gone
    assert host.ok("verify")["sound"]


def test_environment_is_not_inherited(host, remote, trap):
    """Settings of git in the caller's environment have no effect."""
    script, mark = trap
    host.env.update({
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(script), "GIT_SSH_COMMAND": str(script),
        "GIT_EXTERNAL_DIFF": str(script), "GIT_DIR": "/nonexistent",
        "GIT_WORK_TREE": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent",
        "GIT_ASKPASS": str(script), "GIT_EXEC_PATH": "/nonexistent",
        "GIT_OBJECT_DIRECTORY": "/nonexistent", "GIT_NAMESPACE": "x"})
    remote.commit({"a": "1"})
    host.ok("pull")
    assert not mark.exists()
    assert_tree_is(host, remote.tip())


def test_hostile_gitmodules_is_refused(host, remote):
    """The server's objects are checked before they count."""
    before = remote.tip()
    blob = '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=evil\n'
    remote.commit({".gitmodules": blob})
    host.fails("server", "pull")
    assert_tree_is(host, before)


@pytest.mark.parametrize("url", [
    "ext::sh -c touch% /tmp/x", "--upload-pack=x", "https://u:p@host/x",
    "ftp://host/x", "relative/path", "file://relative", "http://host:99999/",
    "-oProxyCommand=x:y", ""])
def test_bad_urls(make_host, url):
    """What is no URL of a repository is refused before git sees it."""
    answer = make_host(url=url).fails("config", "pull")
    assert "u:p" not in answer["text"]


@pytest.mark.parametrize("branch", [
    "-x", "a..b", "a b", "x.lock", "/x", "x/", "@", "a//b", "", "a~1", ".x",
    "refs:x"])
def test_bad_branches(make_host, branch):
    """What git takes for no branch is refused before git sees it."""
    make_host(branch=branch).fails("config", "pull")


def test_token_never_over_plain_http(make_host, tmp_path):
    """A token needs https or this machine."""
    (tmp_path / "t").write_text("secret")
    answer = make_host(url="http://git.example/x", token=tmp_path / "t").fails(
        "config", "pull")
    assert "plain http" in answer["text"]
