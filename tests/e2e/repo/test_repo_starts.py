"""How a clone begins and goes on; situations known from git-sync."""

import os
import subprocess

import pytest

from repo_rig import ENV, assert_tree_is


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "ünï", "$HOME",
                                  "100%", "-dash", "a;b", "#hash", "dot."])
def test_odd_directories(make_host, remote, tmp_path, name):
    """Names that a shell or git's configuration would trip over."""
    rev = remote.commit({"a": "1"})
    host = make_host()
    host.state = tmp_path / "odd" / name
    host.dir = host.state / "repo"
    host.conf.update(state=host.state, dir=host.dir)
    host.ok("pull")
    assert_tree_is(host, rev)
    rev = remote.commit({"a": "2"})
    host.ok("pull")
    assert_tree_is(host, rev)
    assert not host.ok("pull")["repaired"]


def test_untidy_path(make_host, remote):
    """Double and final slashes name the same directory."""
    remote.commit({"a": "1"})
    host = make_host()
    host.conf["dir"] = f"{host.state}//repo/"
    host.ok("pull")
    assert_tree_is(host, remote.tip())
    assert not host.ok("pull")["changed"]


def test_link_on_the_way(make_host, remote, tmp_path):
    """The state directory may be reached through a symbolic link."""
    remote.commit({"a": "1"})
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    host = make_host()
    host.state = tmp_path / "link" / "state"
    host.dir = host.state / "repo"
    host.conf.update(state=host.state, dir=host.dir)
    host.ok("pull")
    remote.commit({"a": "2"})
    host.ok("pull")
    assert_tree_is(host, remote.tip())


def test_empty_directory(make_host, remote):
    """An empty directory that somebody made is filled."""
    remote.commit({"a": "1"})
    host = make_host()
    host.dir.mkdir(parents=True)
    host.ok("pull")
    assert_tree_is(host, remote.tip())


def test_depth_changes_between_starts(make_host, remote):
    """Another depth costs no clone and the branch is followed."""
    for i in range(4):
        remote.commit({"a": str(i)})
    host = make_host(depth=1)
    host.ok("pull")
    inode = os.stat(host.dir).st_ino
    for depth in (0, 3, 1):
        host.conf["depth"] = depth
        remote.commit({"a": f"depth {depth}"})
        host.ok("pull")
        assert_tree_is(host, remote.tip())
        assert host.ok("verify")["sound"]
    assert os.stat(host.dir).st_ino == inode


@pytest.mark.parametrize("timeout,word", [(500, "timeout"), (30000, None)])
def test_slow_git(make_host, remote, tmp_path, timeout, word):
    """A git that takes its time is waited for until the deadline."""
    rev = remote.commit({"a": "1"})
    spy = tmp_path / "spy"
    spy.mkdir()
    # Waits for longer than the short deadline before it starts.
    (spy / "git").write_text(
        '#!/bin/sh\n[ "$1" = clone ] && sleep 2\nexec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    host = make_host(timeout=timeout)
    host.env["PATH"] = f"{spy}:{ENV['PATH']}"
    if word:
        host.fails(word, "pull")
        assert not host.dir.exists()
    else:
        assert host.ok("pull")["to"] == rev


def test_flaky_server(git_http, make_host, remote):
    """A server that fails now and then: each pull stands for itself."""
    server = git_http()
    rev = remote.commit({"a": "0"})
    host = make_host(url=server.url("remote.git"))
    for i in range(1, 4):
        host.ok("pull")
        assert_tree_is(host, rev)
        new = remote.commit({"a": str(i)})
        server.status = 503
        host.fails("server", "pull")
        assert_tree_is(host, rev)
        server.status = None
        rev = new
    assert host.ok("status")["fail"] == "server"
