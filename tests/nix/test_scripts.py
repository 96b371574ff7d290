"""The scripts that the modules start, with real git, agent and database."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")).resolve()
PRESEED = ROOT / "nix/preseed.sh"
BACKUP = ROOT / "nix/hub-backup.sh"
ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@fleet.example",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@fleet.example",
}


def git(*args):
    return subprocess.run(["git", *map(str, args)], env=ENV, check=True,
                          capture_output=True, text=True).stdout.strip()


def wait_for(check, seconds=30):
    end = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return value


@pytest.fixture
def origin(tmp_path):
    """A repository on branch prod with one commit, and its bundle."""
    work = tmp_path / "origin"
    git("init", "-q", "-b", "prod", work)
    (work / "flake.nix").write_text("{ outputs = _: { }; }\n")
    git("-C", work, "add", "-A")
    git("-C", work, "commit", "-qm", "Begin")
    git("-C", work, "bundle", "create", tmp_path / "seed.bundle", "prod")
    return work


def preseed(source, clone, url):
    return subprocess.run(["sh", PRESEED, source, clone, "prod", url],
                          env=ENV, check=True, capture_output=True, text=True)


# A seeded clone is private and is the commit of the bundle or directory.
@pytest.mark.parametrize("source", ("seed.bundle", "origin"))
def test_preseed(origin, source):
    clone = origin.parent / "repo"
    preseed(origin.parent / source, clone, "https://git.example/a.git")
    assert clone.stat().st_mode & 0o777 == 0o700
    assert git("-C", clone, "rev-parse", "HEAD") == git(
        "-C", origin, "rev-parse", "HEAD")
    assert git("-C", clone, "remote", "get-url", "origin") == (
        "https://git.example/a.git")
    assert not (origin.parent / "repo.seed").exists()


# A clone that is there is never touched, and a bad seed stops nothing.
def test_preseed_is_careful(origin):
    clone = origin.parent / "repo"
    clone.mkdir()
    preseed(origin.parent / "seed.bundle", clone, "x")
    assert list(clone.iterdir()) == []
    clone.rmdir()
    done = preseed(origin.parent / "no.bundle", clone, "x")
    assert "cannot be used" in done.stderr
    assert sorted(p.name for p in origin.parent.iterdir()) == [
        "origin", "seed.bundle"]


# The agent takes the seed over instead of cloning again, and goes on from
# the repository itself.
def test_agent_takes_the_seed_over(origin):
    state = origin.parent / "state"
    state.mkdir(mode=0o700)
    preseed(origin.parent / "seed.bundle", state / "repo", f"file://{origin}")
    seeded = (state / "repo").stat().st_ino
    (origin / "new").write_text("later\n")
    git("-C", origin, "add", "-A")
    git("-C", origin, "commit", "-qm", "Later")
    env = {**ENV, "HOME": str(state), "NIXFLEET_STATE_DIR": str(state),
           "NIXFLEET_REPO_URL": f"file://{origin}", "NIXFLEET_BRANCH": "prod",
           "NIXFLEET_HOSTNAME": "atlas", "NIXFLEET_HOST_KIND": "custom",
           "NIXFLEET_FLAKE_ATTR": "a",
           "NIXFLEET_CONTROL_SOCKET": str(state / "control.sock")}
    agent = subprocess.Popen([BIN / "nixfleet-agent"], env=env,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_for((state / "control.sock").exists)
        tool = {"PATH": ENV["PATH"], "HOME": str(state),
                "NIXFLEET_CONTROL_SOCKET": str(state / "control.sock")}
        wait_for(lambda: subprocess.run(
            [BIN / "nixfleet", "pull"], env=tool,
            capture_output=True).returncode == 0)
    finally:
        agent.terminate()
        agent.wait(20)
    assert (state / "repo/new").read_text() == "later\n"
    assert (state / "repo").stat().st_ino == seeded


def hub_database(path):
    """A database in use, with one host."""
    live = sqlite3.connect(path, isolation_level=None)
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("CREATE TABLE hosts (name TEXT)")
    live.execute("INSERT INTO hosts VALUES ('atlas')")
    return live


# A copy is whole although the database is in use; only the newest stay.
@pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 here")
def test_hub_backup(tmp_path):
    database, folder = tmp_path / "nixfleet.db", tmp_path / "backup"
    live = hub_database(database)
    folder.mkdir()
    for day in ("20250101", "20250102", "20250103"):
        (folder / f"nixfleet-{day}T000000Z.db").touch()
    (folder / "nixfleet-20250104T000000Z.db.part").touch()
    subprocess.run(["sh", BACKUP, database, folder, "2"], check=True)
    names = sorted(p.name for p in folder.iterdir())
    assert len(names) == 2 and names[0] == "nixfleet-20250103T000000Z.db"
    copy = sqlite3.connect(folder / names[1])
    assert copy.execute("SELECT name FROM hosts").fetchall() == [("atlas",)]
    assert (folder / names[1]).stat().st_mode & 0o077 == 0


# Going back to a copy, as the hub's page has it; what only root on NixOS can
# do, the service and the owner, is left out.
@pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 here")
def test_hub_restore(tmp_path):
    database, folder = tmp_path / "nixfleet.db", tmp_path / "backup"
    live = hub_database(database)
    subprocess.run(["sh", BACKUP, database, folder, "2"], check=True)
    (copy,) = folder.iterdir()
    live.execute("DELETE FROM hosts")
    page = (ROOT / "docs/how-to/hub.md").read_text()
    typed = page.split("## Copies of the database")[1].split("```")[1]
    for there, here in (("systemctl", "test systemctl #"),
                        ("/var/lib/nixfleet-hub", str(tmp_path)),
                        ("-o nixfleet-hub -g nixfleet-hub ", ""),
                        ("nixfleet-20260101T000000Z.db", copy.name)):
        assert there in typed
        typed = typed.replace(there, here)
    subprocess.run(["sh", "-euc", typed], check=True)
    live.close()
    again = sqlite3.connect(database)
    assert again.execute("SELECT name FROM hosts").fetchall() == [("atlas",)]
    assert database.stat().st_mode & 0o777 == 0o600
