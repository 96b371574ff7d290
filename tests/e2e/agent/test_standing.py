"""How a host says that it stands: five states, drift, one sentence."""

import json
import os
import subprocess

import pytest

from fleet import wait_for


@pytest.fixture
def agent(new_agent):
    """An agent that has switched once."""
    agent = new_agent().start().ready()
    assert agent.hub.finished(agent.hub.command("switch"))["outcome"] == "ok"
    return agent


def status(agent):
    return agent.ask("status")[0]


def states(agent):
    return {s["state"]: s for s in status(agent)["states"]}


def again(agent):
    """The agent stops and starts: it looks again, and has forgotten nothing
    that it should know."""
    agent.end()
    agent.start().ready()


def nix_env(agent, *args):
    env = {"PATH": os.environ["PATH"], "HOME": str(agent.fleet.root),
           **agent.fleet.nix_env()}
    subprocess.run(["nix-env", "--profile", agent.fleet.profile("atlas"),
                    *args], env=env, check=True, capture_output=True)


def shown(agent, *args):
    """What `nixfleet status` prints."""
    env = agent.fleet.env(
        NIXFLEET_CONTROL_SOCKET=str(agent.fleet.root / "sock"))
    return subprocess.run([agent.fleet.bin / "nixfleet", "status", *args],
                          env=env, check=True, capture_output=True,
                          text=True).stdout


def heard(agent):
    """The newest facts that the hub was told."""
    facts = [p["facts"] for _, k, p in agent.hub.messages
             if k == "heartbeat" and p.get("facts")]
    return facts[-1] if facts else {}


def test_states_and_sentence(agent):
    """Each step from a commit to a running closure is told apart."""
    rev, path = agent.fleet.head(), agent.fleet.closure("atlas")
    now = states(agent)
    assert list(now) == ["desired", "fetched", "built", "profile", "running"]
    assert {s["revision"] for s in now.values()} == {rev}
    assert {now[s]["path"] for s in ("built", "profile", "running")} == {path}
    assert status(agent)["summary"]["rule"] == "ok"
    wait_for("the hub to hear it",
             lambda: heard(agent).get("summary", {}).get("rule") == "ok")
    new = agent.fleet.set_greeting("atlas", "news")
    agent.hub.finished(agent.hub.command("refresh-git"))
    assert status(agent)["summary"]["rule"] == "behind"
    assert states(agent)["desired"]["revision"] == new
    assert states(agent)["fetched"]["revision"] == rev
    agent.pull()
    assert status(agent)["summary"]["rule"] == "not-built"
    first, _, rest = shown(agent).partition("\n")
    assert first == (f"{new[:7]} is fetched, but {rev[:7]} is the last that "
                     "was built. Now: nixfleet switch")
    assert "STATE" in rest and path in rest
    agent.hub.finished(agent.hub.command("switch"))
    assert states(agent)["running"]["revision"] == new
    agent.hub.finished(agent.hub.command("rollback"))
    assert status(agent)["summary"]["rule"] == "not-activated"
    assert states(agent)["running"] == {
        "state": "running", "revision": rev, "path": path}


def test_drift(agent):
    """What a person put there by hand is drift, with its path and since when;
    it ends when it is gone."""
    ours = agent.fleet.closure("atlas")
    system = agent.fleet.nix("eval", "--impure", "--raw", "--expr",
                             "builtins.currentSystem")
    theirs = agent.fleet.nix(
        "build", "--no-link", "--json", "--impure", "--expr",
        f'derivation {{ name = "by-hand"; system = "{system}"; '
        'builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }')
    theirs = json.loads(theirs)[0]["outputs"]["out"]
    nix_env(agent, "--set", theirs)
    again(agent)
    summary = status(agent)["summary"]
    assert summary["rule"].startswith("drift-") and theirs in summary["text"]
    since = wait_for("the hub to hear it",
                     lambda: heard(agent).get("drift_since"))
    agent.hub.messages.clear()
    again(agent)
    assert shown(agent).split("\n")[0].endswith(
        f"{theirs} Now: nixfleet switch")
    assert wait_for("it again, of the same time",
                    lambda: heard(agent).get("drift_since"), 60) == since
    agent.hub.finished(agent.hub.command("switch"))
    assert agent.fleet.closure("atlas") == ours
    assert status(agent)["summary"]["rule"] == "ok"
    assert "drift" not in json.loads(shown(agent, "--json"))["summary"]["rule"]


def test_end_is_the_end(new_agent):
    """Whoever hears that an operation ended finds the agent at rest, even
    where the hub's messages make it look at the journal all the time."""
    agent = new_agent().start().ready()
    rules = set()
    for _ in range(10):
        op_id = agent.hub.command("pull")
        while not agent.hub.all("status", op_id=op_id):
            agent.hub.link().send("output_ack", {"op_id": op_id, "seq": 0})
        rules.add(agent.ask("status")[0]["summary"]["rule"])
    assert "working" not in rules
