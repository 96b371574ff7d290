"""The worker dies at every call that changes something on disk."""

import os
import shutil
import struct
import subprocess

import pytest

from repo_rig import ENV, assert_tree_is, git


@pytest.fixture(scope="session")
def shim(tool):
    """The library that counts such calls and kills at one of them."""
    path = tool.parents[2] / "fault" / "faultshim.so"
    if not path.exists():
        pytest.skip(f"no {path.name} in this build")
    return path


class Fault:
    """Runs of a host's operations that end at the N-th call."""

    def __init__(self, host, shim, top):
        self.host = host
        self.count = top / "count"
        # A program with AddressSanitizer insists on being first otherwise.
        asan = os.environ.get("ASAN_OPTIONS", "").split(":")
        self.preload = {"LD_PRELOAD": str(shim),
                        "FAULT_COUNT": str(self.count),
                        "ASAN_OPTIONS": ":".join(
                            [*filter(None, asan), "verify_asan_link_order=0"])}
        # Our git children get an environment of their own.
        spy = top / "spy"
        spy.mkdir()
        self.git = spy / "git"
        self.path = f"{spy}:{ENV['PATH']}"

    def run(self, at, *args, error=0):
        """Returns how many calls there were and how the run ended."""
        self.count.write_bytes(bytes(8))
        env = {**self.preload, "FAULT_AT": str(at)}
        if error:
            env["FAULT_ERRNO"] = str(error)
        exports = " ".join(f"{k}='{v}'" for k, v in env.items())
        self.git.write_text(
            f'#!/bin/sh\n{exports} exec /usr/bin/git "$@"\n')
        self.git.chmod(0o755)
        done = subprocess.run(
            self.host.argv(*args),
            env={**self.host.env, **env, "PATH": self.path},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, timeout=120)
        return struct.unpack("=Q", self.count.read_bytes())[0], done


@pytest.fixture
def fault(host, shim, tmp_path):
    if "LD_PRELOAD" in os.environ:
        pytest.skip("something else is preloaded")
    return Fault(host, shim, tmp_path)


def commit(remote, n):
    """A change of several kinds: added, changed and removed files."""
    files = {"flake.nix": f"{{ n = {n}; }}\n", f"new/{n}": "x" * n,
             "sub/changed": f"{n}\n"}
    if n > 1:
        files[f"new/{n - 1}"] = None
    return remote.commit(files)


def nothing(host):
    pass


def tampered(host):
    (host.dir / "flake.nix").write_text("evil")
    (host.dir / "extra").write_text("x")


def damaged(host):
    for pack in (host.dir / ".git" / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        os.truncate(pack, 20)


def gone(host):
    shutil.rmtree(host.dir)


SCENARIOS = {"pull": (nothing, "pull"), "repair": (tampered, "pull"),
             "damage": (damaged, "pull"), "clone": (gone, "pull"),
             "reset": (nothing, "reset")}


def check(host, remote):
    assert host.ok("pull")["to"] == remote.tip()
    assert_tree_is(host, remote.tip())
    fsck = subprocess.run(["git", "-C", str(host.dir), "fsck", "--full",
                           "--no-dangling", "--no-progress"],
                          env={**ENV, "HOME": "/nonexistent"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (fsck.returncode, fsck.stdout) == (0, b"")
    assert sorted(p.name for p in host.state.iterdir()) == ["git", "repo"]


PARTS = 3


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_everywhere(fault, host, remote, name, part):
    """Whatever the moment, the next pull gives the exact commit."""
    prepare, op = SCENARIOS[name]
    n, total = 1, 1
    commit(remote, n)
    prepare(host)
    total, done = fault.run(0, op)
    assert done.returncode == 0, done.stderr
    assert total > 20
    check(host, remote)
    step = max(1, total // 75)
    for at in range(1 + part * step, total + 1, step * PARTS):
        n += 1
        commit(remote, n)
        prepare(host)
        _, done = fault.run(at, op)
        assert done.returncode in (0, -9), done.stderr
        check(host, remote)


@pytest.mark.parametrize("name", ["pull", "repair", "reset"])
def test_killed_and_server_away(fault, host, remote, name):
    """Killed anywhere, and then no server: the files are still a commit's."""
    prepare, op = SCENARIOS[name]
    away = remote.bare.with_name("away")
    commit(remote, 1)
    total, _ = fault.run(0, op)
    n = 1
    for at in range(1, total + 1, max(1, total // 20)):
        n += 1
        commit(remote, n)
        prepare(host)
        fault.run(at, op)
        remote.bare.rename(away)
        assert host.run("pull").rc == 1
        assert_tree_is(host, host.git("rev-parse", "HEAD"))
        away.rename(remote.bare)
        check(host, remote)


@pytest.mark.parametrize("name", ["damage"])
def test_damaged_killed_and_server_away(fault, host, remote, name):
    """A clone that is damaged beyond use keeps its files meanwhile."""
    prepare, op = SCENARIOS[name]
    away = remote.bare.with_name("away")
    commit(remote, 1)
    host.ok("pull")
    prepare(host)
    total, _ = fault.run(0, op)
    n = 1
    for at in range(1, total + 1, max(1, total // 20)):
        n += 1
        commit(remote, n)
        host.ok("pull")
        prepare(host)
        remote.bare.rename(away)
        fault.run(at, op)
        host.run("pull")
        files = {p for p in host.dir.rglob("*") if ".git" not in p.parts}
        assert host.dir / "flake.nix" in files
        assert (host.dir / "flake.nix").read_text() == f"{{ n = {n}; }}\n"
        away.rename(remote.bare)
        check(host, remote)


@pytest.mark.parametrize("name", ["pull", "repair", "clone", "reset"])
def test_disk_full_from_any_moment(fault, host, remote, name):
    """Every later write fails: said so, and over when there is room."""
    import errno
    prepare, op = SCENARIOS[name]
    commit(remote, 1)
    prepare(host)
    total, _ = fault.run(0, op)
    n = 1
    for at in range(1, total + 1, max(1, total // 20)):
        n += 1
        commit(remote, n)
        prepare(host)
        _, done = fault.run(at, op, error=errno.ENOSPC)
        assert done.returncode in (0, 1), done.stderr
        # git does not always say why a write failed.
        assert b'"damaged"' not in done.stdout, done.stdout
        check(host, remote)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_small_disk(make_host, remote, tmp_path):
    """A real disk that is too small; the clone survives and recovers."""
    import random
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none",
                       str(disk)], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no mounts here")
    try:
        good = remote.commit({"flake.nix": "1"})
        host = make_host()
        host.state, host.dir = disk, disk / "repo"
        host.conf.update(state=host.state, dir=host.dir)
        host.ok("pull")
        # Full to the brim: nothing at all can be written.
        with open(disk / "filler", "wb") as f:
            try:
                while True:
                    os.write(f.fileno(), bytes(4096))
            except OSError:
                pass
        before = host.ok("status")["last_success"]
        host.ok("pull")
        assert host.ok("status")["last_success"] >= before
        good = remote.commit({"flake.nix": "2"})
        host.fails("no_space", "pull")
        host.fails("no_space", "reset")
        (disk / "filler").unlink()
        host.ok("pull")
        assert_tree_is(host, good)
        remote.commit({"big": random.Random(1).randbytes(4 << 20)})
        for _ in range(3):
            answer = host.fails("no_space", "pull")
            assert "space" in answer["text"]
            assert_tree_is(host, good)
        assert sum(p.stat().st_size for p in disk.rglob("*")
                   if p.is_file()) < 1 << 20
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)],
                       check=True)
        host.ok("pull")
        assert_tree_is(host, remote.tip())
        assert host.ok("verify")["sound"]
    finally:
        subprocess.run(["umount", "-l", str(disk)])
