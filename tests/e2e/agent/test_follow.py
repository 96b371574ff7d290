"""Following the branch: with and without a hub, pauses, windows, what is held
back."""

import datetime
import os
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
    last, following = (datetime.datetime.fromisoformat(
        repo[key].replace("Z", "+00:00")) for key in
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
    n = len(ops(agent))
    end = time.monotonic() + 3
    wait_for("time to pass", lambda: time.monotonic() > end)
    assert len(ops(agent)) == n
    done = agent.ask("run", op="pull-switch")[-1]
    assert done["outcome"] == "ok" and motd(agent) == "asked for"
    assert any("following is paused by" in line and "exam week" in line
               for line in agent.journal(done["op_id"]))
    assert status(agent)["follow"]["paused"]
    rev = agent.fleet.set_greeting("atlas", "resumed")
    assert agent.ask("resume")[-1]["follow"]["paused"] is None
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


SLEEP = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
/* After a sleep CLOCK_BOOTTIME is ahead, and no other clock noticed. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *file = getenv("SLEPT");
	int rc;
	if (real == NULL)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, ts);
	if (id == CLOCK_BOOTTIME && file != NULL && access(file, F_OK) == 0)
		ts->tv_sec += 7200;
	return rc;
}
"""


def test_catches_up_after_sleep(new_agent, tmp_path):
    """A machine that slept over its time looks soon after it wakes."""
    if "asan" in os.environ.get("NIXFLEET_TEST_BIN", ""):
        pytest.skip("the sanitizer wants to be loaded first")
    (tmp_path / "sleep.c").write_text(SLEEP)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "sleep.so",
                    tmp_path / "sleep.c", "-ldl"], check=True)
    agent = alone(new_agent(), NIXFLEET_FOLLOW_INTERVAL="1h",
                  LD_PRELOAD=str(tmp_path / "sleep.so"),
                  SLEPT=str(tmp_path / "slept"))
    settled(agent, agent.fleet.head())
    rev = agent.fleet.set_greeting("atlas", "awake")
    (tmp_path / "slept").touch()
    settled(agent, rev)


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
