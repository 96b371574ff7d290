"""A hostile environment, server or setting has no say."""

import pytest

from repo_rig import assert_tree_is


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a mark when it runs."""
    script = tmp_path / "trap.sh"
    mark = tmp_path / "sprung"
    script.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    script.chmod(0o755)
    return script, mark


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
