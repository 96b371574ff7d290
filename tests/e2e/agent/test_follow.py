"""Following the branch: with and without a hub, pauses, windows, what is held
back."""

import datetime
import json
import math
import os
import struct
import subprocess
import time

import pytest
from fleet import git, wait_for

QUICK = {"NIXFLEET_FOLLOW_INTERVAL": "1", "NIXFLEET_FOLLOW_JITTER": "0"}


def follow(agent, mode="switch", **settings):
    """Start an agent that follows at every second."""
    return agent.start(NIXFLEET_FOLLOW=mode, **{**QUICK, **settings})


def alone(agent, mode="switch", **settings):
    """The same without a hub and without a token."""
    follow(agent, mode, NIXFLEET_URL=None, NIXFLEET_TOKEN=None, **settings)
    wait_for("an agent", agent.idle, 60)
    return agent


def status(agent):
    return agent.ask("status")[0]


def held(agent):
    """{revision: entry} of what is held back."""
    return {h["revision"]: h for h in status(agent)["follow"]["held_back"]}


def ops(agent, **fields):
    """Operations in the journal, newest first."""
    return [op for op in agent.ask("ops", limit=1000)[-1]["operations"]
            if all(op[key] == value for key, value in fields.items())]


def polls(agent, n):
    """Wait for that many looks at the branch."""
    seen = set()

    def check():
        seen.add(status(agent)["follow"]["last_poll"])
        return len(seen - {None}) > n
    wait_for("looks at the branch", check, 60)


def settled(agent, rev, seconds=90):
    """Wait until the host has been brought to that revision."""
    def check():
        state = agent.ask("ops", limit=5)[-1]["operations"]
        return [op for op in state if op["outcome"] == "ok" and
                op["generation"] == rev and op["op"] == "pull-switch"]
    return wait_for(f"{rev[:7]} on the host", check, seconds)[0]


def command(agent, *words):
    """What the nixfleet command says to this agent's operator."""
    env = agent.fleet.env(NIXFLEET_CONTROL_SOCKET=str(
        agent.fleet.root / "sock"), TZ="UTC")
    return subprocess.run([agent.fleet.bin / "nixfleet", *words], env=env,
                          capture_output=True, text=True)


def motd(agent):
    return agent.fleet.motd("atlas")


def test_follows_without_a_hub(new_agent):
    """A commit that is pushed runs, with nobody asking and no hub; it is an
    ordinary operation with a log, and nothing is complained of."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    rev = agent.fleet.set_greeting("atlas", "on its own")
    op = settled(agent, rev)
    assert motd(agent) == "on its own"
    assert (op["origin"], op["by"]) == ("follow", "follow")
    assert op["op_id"] in [o["op_id"] for o in ops(agent, op="pull-switch")]
    assert any("built /" in line for line in agent.journal(op["op_id"]))
    assert status(agent)["hub"]["state"] == "none"
    log = agent.log.read_text()
    assert "WARN" not in log.upper().replace("WARNING", "") and \
        "ERROR" not in log.upper()


def test_unchanged_branch_writes_nothing(new_agent):
    """Looking at a branch that did not move leaves no trace on disk."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    wait_for("nothing to run", agent.idle)

    def tree():
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_ino)
                for path in agent.state.rglob("*")}
    before = tree()
    polls(agent, 3)
    assert tree() == before


def test_times_of_looks(new_agent):
    """status and repo status say when the branch was and will be seen."""
    agent = alone(new_agent(), NIXFLEET_FOLLOW_INTERVAL="1h")
    settled(agent, agent.fleet.head())
    repo = status(agent)["repo"]
    last, following = (moment(repo[key]) for key in
                       ("last_poll", "next_poll"))
    assert abs((following - last).total_seconds() - 3600) < 60
    for words in (("repo", "status"), ("status",)):
        text = " ".join(command(agent, *words).stdout.split())
        assert f"next poll {following:%Y-%m-%d %H:%M}" in text
    assert '"next_poll"' in command(agent, "repo", "status", "--json").stdout


def test_pull_only(new_agent):
    """Mode pull moves the clone and leaves the system alone."""
    agent = alone(new_agent(), "pull")
    rev = agent.fleet.set_greeting("atlas", "not yet")
    wait_for("the clone to move", lambda: status(agent)["repo"].get("head")
             == rev, 60)
    assert motd(agent) is None
    assert {op["op"] for op in ops(agent)} == {"pull"}


def test_waits_for_what_runs(new_agent):
    """While an operation runs nothing is started; afterwards it is."""
    agent = alone(new_agent())
    agent.test_script("50-gate.sh", f"""#!/bin/sh
        until [ -e {agent.dir}/gate ]; do sleep 0.1; done\n""")
    settled(agent, agent.fleet.head())
    op_id = agent.ask("run", op="test", follow=False)[0]["op_id"]
    agent.worker(op_id)
    last = status(agent)["follow"]["last_poll"]
    rev = agent.fleet.set_greeting("atlas", "patient")
    end = time.monotonic() + 3
    wait_for("time to pass", lambda: time.monotonic() > end)
    assert len(ops(agent)) == len(ops(agent, outcome="ok")) + 1
    assert status(agent)["operation"]["op_id"] == op_id and last
    (agent.dir / "gate").touch()
    settled(agent, rev)
    assert motd(agent) == "patient"


def test_pause(new_agent):
    """A pause holds over restarts; a person's switch is done and says so;
    resume follows at once."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    answer = agent.ask("pause", reason="exam week")[-1]
    assert answer["follow"]["paused"]["until"] is None
    assert agent.end() == 0
    alone(agent)
    pause = status(agent)["follow"]["paused"]
    assert pause["reason"] == "exam week" and pause["by"]
    rev = agent.fleet.set_greeting("atlas", "asked for")
    n, seen = len(ops(agent)), status(agent)["follow"]["last_poll"]
    end = time.monotonic() + 3
    wait_for("time to pass", lambda: time.monotonic() > end)
    assert len(ops(agent)) == n
    assert status(agent)["follow"]["last_poll"] == seen is None
    done = agent.ask("run", op="pull-switch")[-1]
    assert done["outcome"] == "ok" and motd(agent) == "asked for"
    assert any("following is paused by" in line and "exam week" in line
               for line in agent.journal(done["op_id"]))
    assert status(agent)["follow"]["paused"]
    rev = agent.fleet.set_greeting("atlas", "resumed")
    assert command(agent, "resume").returncode == 0
    assert status(agent)["follow"]["paused"] is None
    settled(agent, rev)


def test_pause_ends_by_itself(new_agent):
    """A pause with a duration is over after it."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    said = command(agent, "pause", "2s", "--reason", "lunch").stdout
    assert "until" in said and "lunch" in said
    settled(agent, agent.fleet.set_greeting("atlas", "after lunch"))
    done = command(agent, "pause", "soon")
    assert done.returncode == 2 and '"soon"' in done.stderr


def break_build(agent):
    path = agent.fleet.root / "config" / "hosts" / "atlas" / "default.nix"
    good = path.read_text()
    path.write_text("{ this is not nix")
    rev = agent.fleet.push("Break the build")
    return rev, lambda: (path.write_text(good), agent.fleet.push("Mend it"))


def test_failed_build_is_held_back(new_agent):
    """A revision that does not build is tried once, told of at the hub, and
    the next good one is taken."""
    agent = follow(new_agent()).ready()
    settled(agent, agent.fleet.head())
    bad, mend = break_build(agent)
    entry = wait_for("what is held back", lambda: held(agent).get(bad), 60)
    assert entry["kind"] == "build" and entry["retry_at"]
    assert entry["op_id"] in [op["op_id"] for op in ops(agent,
                                                        outcome="failed")]
    polls(agent, 3)
    assert len(ops(agent, outcome="failed")) == 1
    agent.hub.wait("the fact", lambda: any(
        bad in [h["revision"] for h in beat["facts"].get("follow", {}).get(
            "held_back", [])] for beat in agent.hub.all("heartbeat")
        if beat.get("facts")))
    assert bad in [h["revision"] for h in
                   status(agent)["repo"]["held_back"]]
    mend()
    settled(agent, agent.fleet.head())


def test_held_back_survives_a_restart(new_agent):
    """What was held back stays so when the agent starts again; a person who
    switches to it is not held back."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    bad, _ = break_build(agent)
    wait_for("what is held back", lambda: held(agent).get(bad), 60)
    agent.end()
    alone(agent)
    polls(agent, 2)
    assert bad in held(agent)
    assert len(ops(agent, outcome="failed")) == 1
    assert agent.ask("run", op="switch")[-1]["outcome"] == "failed"
    assert held(agent)[bad]["tries"] == 2
    done = agent.ask("run", op="repo-accept", args={"revision": bad})[-1]
    assert done["outcome"] == "ok"
    wait_for("another try", lambda: len(ops(agent, outcome="failed")) == 3,
             60)


def test_rollback_is_not_undone(new_agent):
    """Where a person went back from, following does not return to."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    rev = agent.fleet.set_greeting("atlas", "regretted")
    settled(agent, rev)
    before = len(ops(agent))
    assert agent.ask("run", op="rollback")[-1]["outcome"] == "ok"
    assert held(agent)[rev]["kind"] == "rollback"
    polls(agent, 3)
    assert len(ops(agent)) == before + 1 and motd(agent) != "regretted"
    assert agent.ask("run", op="switch")[-1]["outcome"] == "ok"
    assert rev not in held(agent)
    settled(agent, agent.fleet.set_greeting("atlas", "better"))


def test_stopped_is_tried_again(new_agent):
    """What was stopped says nothing about the revision: it has a time at
    which it is tried again."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    path = agent.fleet.root / "config" / "hosts" / "atlas" / "default.nix"
    good = path.read_text()
    path.write_text("let f = x: f x; in f 0")
    rev = agent.fleet.push("Evaluate for ever")
    wait_for("it to run", lambda: status(agent)["operation"])
    assert agent.ask("stop")[-1]["outcome"] in ("stopped", "failed")
    entry = wait_for("the entry", lambda: held(agent).get(rev))
    assert entry["retry_at"]
    path.write_text(good)
    agent.fleet.push("Mend it")
    settled(agent, agent.fleet.head())


def test_remote_away(new_agent):
    """A server that is away is asked less and less, told of as the git
    compartment's error, and followed again when it is back."""
    agent = alone(new_agent())
    settled(agent, agent.fleet.head())
    bare = agent.fleet.root / "config.git"
    bare.rename(bare.with_suffix(".away"))
    wait_for("the failure", lambda: status(agent)["follow"]["failure"], 60)
    git_state = status(agent)["compartments"]["git"]
    assert git_state["status"] == "error" and git_state["message"]
    assert {op["outcome"] for op in ops(agent)} == {"ok"}
    bare.with_suffix(".away").rename(bare)
    settled(agent, agent.fleet.set_greeting("atlas", "back"))
    assert status(agent)["follow"]["failure"] is None
    assert status(agent)["compartments"]["git"]["status"] != "error"


def test_window(new_agent):
    """Outside its hours nothing is looked at; status says when it is."""
    now = datetime.datetime.now(datetime.timezone.utc)
    opens = (now + datetime.timedelta(hours=2)).replace(minute=0, second=0,
                                                        microsecond=0)
    hours = (f"{opens:%H:%M}-"
             f"{opens + datetime.timedelta(hours=1):%H:%M}")
    agent = alone(new_agent(), NIXFLEET_FOLLOW_WINDOW=hours, TZ="UTC")
    wait_for("the clone", lambda: status(agent)["repo"].get("head"), 60)
    wait_for("nothing to run", agent.idle)
    state = status(agent)["follow"]
    assert state["last_poll"] is None and state["window"] == hours
    assert state["next_poll"] == f"{opens:%Y-%m-%dT%H:%M:%SZ}"
    agent.end()
    # The same hours two zones further east have begun.
    alone(agent, NIXFLEET_FOLLOW_WINDOW=hours,
          TZ=f"TST-{(opens.hour - now.hour) % 24}")
    settled(agent, agent.fleet.head())


class Clock:
    """The clocks of an agent, which we set."""

    def __init__(self, shim, path):
        self.path, self.offsets = path, [0, 0]
        self.write()
        # A program with AddressSanitizer insists on being first otherwise.
        asan = os.environ.get("ASAN_OPTIONS", "").split(":")
        self.env = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(path),
                    "ASAN_OPTIONS": ":".join(
                        [*filter(None, asan), "verify_asan_link_order=0"])}

    def write(self):
        with open(self.path, "wb" if not self.path.exists() else "r+b",
                  buffering=0) as file:
            file.write(struct.pack("=qq", *self.offsets))

    def set(self, when):
        """It is that time, or up to a second later."""
        self.offsets[0] = math.ceil(when.timestamp() - time.time())
        self.write()

    def sleep(self, seconds):
        """The machine slept: no clock but CLOCK_BOOTTIME noticed."""
        self.offsets[1] += seconds
        self.write()


@pytest.fixture
def clock(bin_dir, tmp_path):
    built = (bin_dir / "nixfleet-agent").resolve().parents[1]
    shim = built / "tests/fault/clockshim.so"
    if not shim.exists():
        pytest.skip(f"{shim} was not built")
    return Clock(shim, tmp_path / "clock")


def logged(agent, msg):
    """The entries of the agent's log that begin so, oldest first."""
    lines = agent.log.read_text().split("\n")[:-1]
    return [entry for entry in map(json.loads, lines)
            if entry["msg"].startswith(msg)]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_back_off(new_agent):
    """A remote that fails is asked after waits that double, from the interval
    on; one that answered begins anew."""
    def waits():
        return [(int(entry["failures"]), int(entry["ms"])) for entry in
                logged(agent, "the branch cannot be seen")]

    agent = alone(new_agent(), NIXFLEET_LOG_LEVEL="debug")
    settled(agent, agent.fleet.head())
    bare = agent.fleet.root / "config.git"
    away = bare.with_suffix(".away")
    bare.rename(away)
    wait_for("failed looks", lambda: len(waits()) >= 4, 90)
    seen = waits()
    state = status(agent)["follow"]
    same = waits() == seen
    away.rename(bare)
    assert [n for n, _ in seen] == list(range(1, len(seen) + 1))
    for n, ms in seen:
        span = 1000 * 2 ** (n - 1)
        assert span / 2 <= ms <= span, seen
    # People are told the same, in whole seconds.
    told = moment(state["next_poll"]) - moment(state["failed_at"])
    assert not same or abs(told.total_seconds() * 1000 - seen[-1][1]) < 3000
    settled(agent, agent.fleet.set_greeting("atlas", "back"))
    n = len(waits())
    bare.rename(away)
    wait_for("another failed look", lambda: len(waits()) > n, 60)
    assert waits()[n][0] == 1
    away.rename(bare)


WINDOW = {"NIXFLEET_FOLLOW_WINDOW": "02:00-03:00", "TZ": "UTC",
          "NIXFLEET_LOG_LEVEL": "debug"}


def test_edges_of_the_window(new_agent, clock):
    """From its first second on, and no longer than to its last, the branch is
    followed, also if the clock is set meanwhile."""
    def closed(n):
        wait_for("the end of the hours", lambda: len(logged(
            agent, "outside of the hours")) == n, 60)

    def accepted(rev):
        op = settled(agent, rev)
        return moment(agent.result(op["op_id"])["accepted_at"])

    opens = (datetime.datetime.now(datetime.timezone.utc) +
             datetime.timedelta(days=2)).replace(
                 hour=2, minute=0, second=0, microsecond=0)
    shuts = opens + datetime.timedelta(hours=1)
    again = opens + datetime.timedelta(days=1)
    early = datetime.timedelta(seconds=10)
    # Hours before it opens; then somebody sets the clock to just before it.
    clock.set(opens - datetime.timedelta(hours=20))
    agent = alone(new_agent(), **WINDOW, **clock.env)
    closed(1)
    state = status(agent)["follow"]
    assert state["last_poll"] is None
    assert state["next_poll"] == f"{opens:%Y-%m-%dT%H:%M:%SZ}"
    clock.set(opens - early)
    assert opens <= accepted(agent.fleet.head()) < shuts
    # The hours are over with their last second.
    clock.set(shuts)
    rev = agent.fleet.set_greeting("atlas", "too late")
    closed(2)
    state = status(agent)["follow"]
    assert state["next_poll"] == f"{again:%Y-%m-%dT%H:%M:%SZ}"
    clock.set(again - early)
    assert accepted(rev) >= again
    begun = [agent.result(op["op_id"])["accepted_at"]
             for op in ops(agent, origin="follow")]
    assert all("T02:" in when for when in begun), begun


def test_pause_ends_on_time(new_agent, clock):
    """Nothing is done before the pause that was asked for is over."""
    clock.set(datetime.datetime.now(datetime.timezone.utc))
    agent = alone(new_agent(), **clock.env)
    settled(agent, agent.fleet.head())
    pause = agent.ask("pause", seconds=3600)[-1]["follow"]["paused"]
    until = moment(pause["until"])
    rev = agent.fleet.set_greeting("atlas", "after the pause")
    clock.sleep(7200)	# many looks would be due
    clock.set(until - datetime.timedelta(seconds=10))
    op = settled(agent, rev)
    assert moment(agent.result(op["op_id"])["accepted_at"]) >= until


def test_catches_up_after_sleep(new_agent, clock):
    """A machine that slept over its time looks soon after it wakes."""
    agent = alone(new_agent(), NIXFLEET_FOLLOW_INTERVAL="1h", **clock.env)
    settled(agent, agent.fleet.head())
    rev = agent.fleet.set_greeting("atlas", "awake")
    clock.sleep(7200)
    settled(agent, rev)


def test_sleep_over_a_deadline(new_agent, clock):
    """An operation whose deadline passed while the machine slept ends soon
    after it wakes, as one that took too long and not as one that was stopped
    by somebody; following goes on."""
    agent = alone(new_agent(), **clock.env)
    settled(agent, agent.fleet.head())
    path = agent.fleet.root / "config" / "hosts" / "atlas" / "default.nix"
    good = path.read_text()
    path.write_text("let f = x: f x; in f 0")
    rev = agent.fleet.push("Evaluate for ever")
    op = wait_for("it to run", lambda: status(agent)["operation"], 60)
    agent.worker(op["op_id"])
    clock.sleep(2 * 24 * 3600)
    wait_for("its end", lambda: held(agent).get(rev), 90)
    assert agent.result(op["op_id"])["outcome"] == "timed_out"
    path.write_text(good)
    settled(agent, agent.fleet.push("Mend it"))


def check(agent, **settings):
    """nixfleet-agent --check: its exit status and all that it says."""
    env = agent.fleet.agent_env("atlas", **settings)
    done = subprocess.run([agent.fleet.bin / "nixfleet-agent", "--check"],
                          env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_check_agrees(new_agent, tmp_path):
    """--check is content without a hub and token, and names what is wrong
    with the hours, the mode, and following a person's checkout."""
    agent = new_agent()
    agent.state.mkdir(parents=True)
    code, text = check(agent, NIXFLEET_URL=None, NIXFLEET_TOKEN=None,
                       NIXFLEET_FOLLOW="switch")
    assert code == 0, text
    code, text = check(agent, NIXFLEET_FOLLOW_WINDOW="Mon 25:00-26:00",
                       NIXFLEET_FOLLOW="swich")
    assert code == 1 and '"Mon 25:00-26:00"' in text
    assert "did you mean switch" in text
    code, text = check(agent, NIXFLEET_FOLLOW="boot")
    assert code == 1 and "hosts of the kind nixos" in text
    code, text = check(agent, NIXFLEET_REPO_URL=None,
                       NIXFLEET_NIXCFG=str(tmp_path),
                       NIXFLEET_FOLLOW="pull")
    assert code == 1 and "NIXFLEET_FOLLOW" in text
