"""Our hub on the data directory of a NixFleet v3 hub."""

import json
import sqlite3

import pytest

from hub_process import SHARED, Hub
from ws_agent import WsAgent

# The tables of v3, as its hub makes them.
SCHEMA = """
CREATE TABLE hosts (id TEXT PRIMARY KEY, hostname TEXT UNIQUE NOT NULL,
  host_type TEXT NOT NULL, agent_version TEXT, os_version TEXT,
  nixpkgs_version TEXT, generation TEXT, last_seen DATETIME, status TEXT,
  pending_command TEXT, comment TEXT, theme_color TEXT, metrics_json TEXT,
  created_at DATETIME DEFAULT (datetime('now')), location TEXT,
  device_type TEXT, test_progress TEXT, tests_status_json TEXT,
  tests_generation TEXT, repo_url TEXT, repo_dir TEXT, lock_status_json TEXT,
  system_status_json TEXT, lock_hash TEXT);
CREATE TABLE sessions (id TEXT PRIMARY KEY, csrf_token TEXT,
  created_at DATETIME, expires_at DATETIME);
CREATE TABLE commands (id TEXT PRIMARY KEY, host_id TEXT, op TEXT,
  pipeline_id TEXT, status TEXT, created_at DATETIME, started_at DATETIME,
  finished_at DATETIME, exit_code INTEGER, error TEXT, output_file TEXT);
CREATE TABLE pipelines (id TEXT PRIMARY KEY, name TEXT, hosts TEXT,
  current_stage INTEGER, status TEXT, created_at DATETIME,
  finished_at DATETIME);
CREATE TABLE event_log (id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp DATETIME DEFAULT (datetime('now')), category TEXT, level TEXT,
  actor TEXT, host_id TEXT, action TEXT, message TEXT, details TEXT);
CREATE TABLE state_version (id INTEGER PRIMARY KEY, version INTEGER);
CREATE TABLE reboot_attempts (id INTEGER PRIMARY KEY, host_id TEXT,
  attempted_at INTEGER, success INTEGER);
CREATE TABLE audit_log (id INTEGER PRIMARY KEY, action TEXT, host_id TEXT,
  user_session TEXT, timestamp INTEGER, success INTEGER, details TEXT);
"""


def v3_database(path):
    """Two hosts and a name that is none; commands and events in both forms
    of time, of this month, or they would be too old to be kept."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(SCHEMA)
    day, = db.execute("SELECT date('now', '-1 day')").fetchone()
    check = json.dumps({"status": "outdated", "message": "8 days old",
                        "checked_at": f"{day}T13:43:00Z"})
    working = json.dumps({"status": "working", "message": "",
                          "checked_at": f"{day}T13:43:00Z"})
    host = ("INSERT INTO hosts (id, hostname, host_type, agent_version,"
            " generation, last_seen, status, pending_command, comment,"
            " theme_color, location, device_type, lock_status_json,"
            " system_status_json, created_at) VALUES"
            " (?1, ?1, ?2, '3.1.5', ?3, ?4, 'online', 'switch', ?5, '#ff00aa',"
            " 'work', 'server', ?6, ?7, ?8)")
    db.execute(host, ("atlas", "nixos", "a" * 7,
                      f"{day} 14:43:00.123456789 +0100 CET m=+12.3",
                      "in the cellar", check, working, f"{day} 10:00:00"))
    db.execute(host, ("walnut", "macos", "b" * 7, f"{day} 13:43:00", None,
                      "no JSON", None, f"{day} 10:00:00"))
    db.execute(host, ("../etc", "nixos", "", None, None, None, None, None))
    rows = [
        ("20260119-134300.123-abcd", "atlas", "pull", "SUCCESS", 0, None),
        ("20260119-134301.123-abcd", "atlas", "switch", "ERROR", 1, "boom"),
        ("20260119-134302.123-abcd", "walnut", "bump-flake", "KILLED", None,
         ""),
        ("20260119-134303.123-abcd", "atlas", "test", "EXECUTING", None,
         None),
        ("20260119-134304.123-abcd", "../etc", "test", "SUCCESS", 0, None),
    ]
    for n, (cid, name, op, state, code, error) in enumerate(rows):
        db.execute(
            "INSERT INTO commands (id, host_id, op, status, created_at,"
            " finished_at, exit_code, error) VALUES (?,?,?,?,?,?,?,?)",
            (cid, name, op, state,
             f"{day} 13:43:0{n}.123456789 +0000 UTC m=+12.3",
             f"{day} 14:44:0{n} +0100 CET" if code is not None else None,
             code, error))
    db.execute("INSERT INTO event_log (timestamp, category, level, actor,"
               " host_id, action, message) VALUES (?, 'ops', 'info',"
               " 'system', 'atlas', 'op:pull', 'the host pulled')",
               (f"{day} 13:43:01",))
    db.execute("INSERT INTO event_log (timestamp, message) VALUES (?, ?)",
               (f"{day} 13:43:02.5 +0000 UTC", b"not \xff UTF-8"))
    db.execute("INSERT INTO sessions VALUES ('old', 'c', ?1, ?1)", (day,))
    db.commit()
    db.close()
    return day


def seen(client):
    """All that the hub tells of hosts, operations and events."""
    return {path: client.get(path).json for path in (
        "/api/hosts", "/api/operations?limit=100", "/api/events?limit=100")}


@pytest.fixture
def v3(tmp_path, bin_dir):
    """A v3 hub's data directory, and our hub that is to run on it."""
    data = tmp_path / "v3"
    data.mkdir()
    day = v3_database(data / "nixfleet.db")
    hub = Hub(bin_dir / "nixfleet-hub", tmp_path,
              NIXFLEET_DATA_DIR=str(data),
              # v3's own settings, as its container has them
              NIXFLEET_SESSION_SECRET="x" * 32,
              NIXFLEET_BASE_URL="http://localhost:8000")
    hub.data, hub.day = data, day
    yield hub
    assert hub.stop() in (None, 0), hub.log.read_text()[-4000:]


# Hosts, their states, what was done to them and what happened are there, and
# the copy of the database is still v3's, whole.
def test_takeover(v3):
    client = v3.start().client().log_in()
    hosts = {h["hostname"]: h for h in client.get("/api/hosts").json["hosts"]}
    assert set(hosts) == {"atlas", "walnut"}
    atlas = client.host("atlas")
    assert atlas["comment"] == "in the cellar"
    assert atlas["theme_color"] == "#ff00aa"
    assert atlas["last_seen"].startswith(f"{v3.day}T13:43:00")
    assert hosts["walnut"]["last_seen"].startswith(f"{v3.day}T13:43:00")
    lock = hosts["atlas"]["compartments"]["lock"]
    assert (lock["status"], lock["message"]) == ("outdated", "8 days old")
    assert hosts["atlas"]["compartments"]["system"]["status"] != "working"
    done = client.get("/api/operations?limit=100").json["operations"]
    assert [(o["host_id"], o["op"], o["outcome"]) for o in done] == [
        ("atlas", "test", "interrupted"), ("walnut", "bump-flake", "stopped"),
        ("atlas", "switch", "failed"), ("atlas", "pull", "ok")]
    assert done[2]["message"] == "boom"
    assert done[3]["created_at"] == f"{v3.day}T13:43:00.123Z"
    assert done[3]["finished_at"] == f"{v3.day}T13:44:00.000Z"
    events = client.get("/api/events?limit=100").json["events"]
    texts = [e["message"] for e in events]
    assert "the host pulled" in texts and "not � UTF-8" in texts
    copy = sqlite3.connect(v3.data / "nixfleet.db.v3")
    assert copy.execute("SELECT count(*) FROM hosts").fetchone() == (3,)
    assert copy.execute("SELECT count(*) FROM commands").fetchone() == (5,)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert (v3.data / "nixfleet.db.v3").stat().st_mode & 0o077 == 0


# What a command printed is its output again: the lines of its time, from the
# one file of a hub's run or a file of its own, over midnight and by the clock
# of the command, and nothing of what was said between commands.
def test_logs(v3):
    db = sqlite3.connect(v3.data / "nixfleet.db")
    db.execute("DELETE FROM commands")
    eve, = db.execute("SELECT date('now', '-2 day')").fetchone()
    for cid, op, begin, end in (
            ("1", "pull", f"{eve} 23:59:58.9 +0100 CET m=+1",
             f"{v3.day} 00:00:02.1 +0100 CET m=+4"),
            ("2", "test", f"{v3.day} 00:00:10 +0100 CET", None),
            ("3", "switch", f"{v3.day} 09:00:00 +0100 CET",
             f"{v3.day} 09:00:30 +0100 CET")):
        db.execute("INSERT INTO commands (id, host_id, op, status, created_at,"
                   " finished_at) VALUES (?, 'atlas', ?, 'SUCCESS', ?, ?)",
                   (cid, op, begin, end))
    db.commit()
    db.close()
    logs = v3.data / "logs"
    (logs / "atlas").mkdir(parents=True)
    (logs / "atlas" / f"{eve}T20-00-00-.log").write_bytes(
        b"# log of atlas\n[20:00:00] too early\n[23:59:58] fetch\n"
        b"[23:59:59] [ERR] \xffwarn\n[00:00:02] done\n[00:00:03] between\n"
        b"[00:00:11] testing\n[09:00:00] ours\nno stamp\n[09:0:02] no\n[09:00:31] late\n")
    (logs / "atlas" / f"{v3.day}T09-00-01-switch.log").write_text(
        "[09:00:01] [ERR] in a file of its own\n[09:00:30] \n")
    (logs / "atlas" / f"{v3.day}T09-00-02-x.log").symlink_to("/etc/passwd")
    (logs / "atlas" / "notes.txt").write_text("[09:00:02] no log\n")
    (logs / "..x").mkdir()
    client = v3.start().client().log_in()
    said = {}
    for o in client.get("/api/operations?limit=100").json["operations"]:
        said[o["op"]] = [
            (li["stream"], li["text"]) for li in client.get(
                f"/api/operations/{o['id']}/output").json["lines"]]
        assert o["lines"] == len(said[o["op"]])
    assert said == {
        "pull": [("stdout", "fetch"), ("stderr", "\ufffdwarn"),
                 ("stdout", "done")],
        "test": [("stdout", "testing")],
        "switch": [("stdout", "ours"),
                   ("stderr", "in a file of its own"), ("stdout", "")]}


# v3 made its database for all to read; ours, with what is beside it, is for
# its own user and group.
def test_closed_to_others(v3):
    (v3.data / "nixfleet.db").chmod(0o644)
    v3.start()
    modes = {p.name: p.stat().st_mode & 0o007 for p in v3.data.glob("*.db*")}
    assert len(modes) >= 3 and not any(modes.values()), modes


# The shared token that v3 had goes on opening the door to the host of that
# name, and the host then has a token of its own.
def test_hosts_come_back(v3):
    client = v3.start().client().log_in()
    for dialect in (3, 4):
        agent = WsAgent(v3.address, SHARED, "atlas", dialect=dialect)
        try:
            client.wait(lambda: client.host("atlas")["status"] == "online")
        finally:
            agent.drop()
        client.wait(lambda: client.host("atlas")["status"] == "offline")


# A second start takes nothing over again, and leaves the copy alone.
def test_takeover_once(v3):
    first = seen(v3.start().client().log_in())
    copy = (v3.data / "nixfleet.db.v3").read_bytes()
    v3.stop()
    again = seen(v3.start().client().log_in())
    for path, before in first.items():
        assert len(before) and again[path].keys() == before.keys()
    assert (again["/api/operations?limit=100"]
            == first["/api/operations?limit=100"])
    assert [h["hostname"] for h in again["/api/hosts"]["hosts"]] == [
        h["hostname"] for h in first["/api/hosts"]["hosts"]]
    messages = [e["message"] for e in
                again["/api/events?limit=100"]["events"]]
    assert messages.count("the host pulled") == 1
    assert (v3.data / "nixfleet.db.v3").read_bytes() == copy


# Where there is no room for the copy the database stays as it is, and the
# hub says why it does not start.
def test_no_copy_no_takeover(v3, bin_dir):
    (v3.data / "nixfleet.db.v3.part").mkdir()
    (v3.data / "nixfleet.db.v3.part/keep").touch()
    with pytest.raises(AssertionError):
        v3.start()
    assert v3.process.returncode == 1
    v3.process = None
    assert "copy" in v3.log.read_text()
    db = sqlite3.connect(v3.data / "nixfleet.db")
    assert db.execute("SELECT count(*) FROM hosts").fetchone() == (3,)
    assert db.execute("PRAGMA user_version").fetchone() == (0,)


# Output that cannot be read is not left behind in silence: the hub says why
# it does not start, and takes all over once it can.
def test_logs_that_cannot_be_read(v3):
    logs = v3.data / "logs"
    logs.mkdir()
    (logs / "atlas").symlink_to("atlas")
    (logs / "notes").touch()
    with pytest.raises(AssertionError):
        v3.start()
    assert v3.process.returncode == 1
    v3.process = None
    assert f"{logs}/atlas: " in v3.log.read_text()
    (logs / "atlas").unlink()
    client = v3.start().client().log_in()
    assert len(client.get("/api/operations?limit=100").json["operations"]) == 4
