"""The state directory on a disk that is full, read-only or gone."""

import os
import random
import subprocess

import pytest
from fleet import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk")


def mount(*args):
    return subprocess.run(["mount", *args], stderr=subprocess.PIPE)


@pytest.fixture
def small(new_agent):
    """An agent whose state directory is a small disk of its own."""
    agent = new_agent()
    agent.state.mkdir(parents=True)
    done = mount("-t", "tmpfs", "-o", "size=8m,mode=0700", "none",
                 str(agent.state))
    if done.returncode:
        pytest.skip(f"no mounts here: {done.stderr.decode()}")
    yield agent.start().ready()
    agent.fleet.stop()
    subprocess.run(["umount", "-l", str(agent.state)])


def fill(agent, leave):
    """Use up the disk but for that many bytes."""
    path = agent.state / "filler"
    with open(path, "ab", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass
        f.truncate(f.tell() - leave)
    return path


def alive(agent):
    """Connected, beating, and answering the control socket."""
    agent.program.check()
    n = len(agent.hub.all("heartbeat"))
    agent.hub.expect("heartbeat", count=n + 2)
    assert agent.hub.link().open
    return agent.ask("status")[0]


def ended(agent, op):
    """Ask for an operation; what the hub was told: a status or a refusal."""
    op_id = agent.hub.command(op)

    def check():
        return [p for kind in ("status", "command_rejected")
                for p in agent.hub.all(kind, op_id=op_id)]
    return agent.hub.wait("an end", check, 120)[0]


def sound(agent):
    done = agent.ask("run", op="repo-verify")[-1]
    assert done["outcome"] == "ok", done


def nothing_left_over(agent):
    return not [p for p in agent.state.rglob("*") if ".tmp" in p.name or
                p.name in ("reserve", "repo.new", "repo.old") or
                p.name.startswith("tmp_")]


def recovers(agent, rev):
    status = ended(agent, "pull")
    assert status.get("outcome") == "ok", status
    assert status["generation"] == rev
    repo = alive(agent)["repo"]
    assert repo["head"] == rev and not repo.get("failure")
    sound(agent)


def test_disk_too_small_for_the_commit(small):
    """The pull says why, leaves nothing behind, and works with more room."""
    good = small.fleet.head()
    big = small.fleet.root / "config" / "big"
    big.write_bytes(random.Random(1).randbytes(6 << 20))
    rev = small.fleet.push("Too much")
    for _ in range(2):
        status = ended(small, "pull")
        assert status["outcome"] == "failed", status
        assert "space" in status["message"], status
        repo = alive(small)["repo"]
        assert repo["failure"] == "no_space" and repo["head"] == good
    assert nothing_left_over(small)
    # The pack may stay, as it was sent whole.
    assert not (small.state / "repo" / "big").exists()
    assert sum(p.stat().st_size for p in small.state.rglob("*")
               if p.is_file()) < 7 << 20
    sound(small)
    assert not mount("-o", "remount,size=40m",
                     str(small.state)).returncode
    recovers(small, rev)


def test_disk_full_to_the_brim(small):
    """Nothing can be written at all: said so, and over with the room."""
    rev = small.fleet.set_greeting("atlas", "full")
    filler = fill(small, 0)
    status = ended(small, "pull")
    assert status.get("outcome", "failed") == "failed", status
    assert "space" in str(status), status
    alive(small)
    local = small.ask("run", op="pull")[-1]
    assert local.get("outcome") != "ok" and "space" in str(local), local
    filler.unlink()
    recovers(small, rev)
    assert nothing_left_over(small)


def test_disk_read_only(small):
    """A file system that became read-only is said to be, and recovers."""
    rev = small.fleet.set_greeting("atlas", "read only")
    assert not mount("--bind", str(small.state), str(small.state)).returncode
    try:
        done = mount("-o", "remount,bind,ro", str(small.state))
        assert not done.returncode, done.stderr
        status = ended(small, "pull")
        assert status.get("outcome", "failed") == "failed", status
        assert "ead-only" in str(status), status
        alive(small)
    finally:
        subprocess.run(["umount", "-l", str(small.state)], check=True)
    recovers(small, rev)


@pytest.fixture
def gone(small):
    """The disk is not mounted any more; brings it back."""
    away = small.state.with_name("away")
    away.mkdir()
    assert not mount("--bind", str(small.state), str(away)).returncode
    subprocess.run(["umount", "-l", str(small.state)], check=True)
    small.state.rmdir()

    def back():
        assert not mount("--bind", str(away), str(small.state)).returncode

    yield small, back
    subprocess.run(["umount", "-l", str(away)], check=True)


def test_disk_vanished(gone):
    """A state directory that cannot be made again: said so, connected."""
    agent, back = gone
    rev = agent.fleet.set_greeting("atlas", "gone")
    agent.state.write_text("no directory")
    status = ended(agent, "pull")
    assert status.get("outcome", "failed") == "failed", status
    assert str(agent.state) in str(status), status
    alive(agent)
    agent.state.unlink()
    agent.state.mkdir(0o700)
    back()
    recovers(agent, rev)


def test_disk_vanished_and_begun_anew(gone):
    """Where it can be made again, it is, and the clone with it."""
    agent, _ = gone
    rev = agent.fleet.set_greeting("atlas", "anew")
    recovers(agent, rev)
