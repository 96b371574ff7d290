"""Programs killed with -9 while a switch is at work: it ends, and once."""

import os
import random

import pytest

from conftest import agent_unit
from machine import wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}
ROUNDS = int(os.environ.get("NIXFLEET_KILL_ROUNDS", "20"))
SEED = int(os.environ.get("NIXFLEET_KILL_SEED", "4"))


def kill(machine, op, who):
    if who == "agent":
        pid = machine.pid_of("nixfleet-agent")
    elif who == "service":
        pid = machine.pid_of("nixfleet-activate")
    elif who == "worker":
        pid = machine.worker(op)
    else:
        key = "pid" if who == "helper" else "child"
        pid = wait_for(f"the {who}", lambda: machine.record(op).get(key))
    assert pid, f"no {who}\n{machine.story(op)}"
    machine.kill(pid)


def check_end(machine, op, outcome):
    """It ended so, everybody knows, and nothing is busy or half set."""
    result = machine.finished(op)
    story = machine.story(op)
    assert result["outcome"] == outcome, story
    version = "2" if outcome == "ok" else "1"
    for link in ("/nix/var/nix/profiles/system", "/run/current-system"):
        assert machine.link(link).endswith(f"h1-{version}"), story
    machine.check_told_once(op)
    forward = [s for s in machine.switches() if s[0].endswith("h1-2")]
    assert len(forward) <= 1, story
    lines = [l for l in machine.log(op) if l == "activating nixos-system-h1-2"]
    assert len(lines) <= 1, story
    machine.agent_ready()
    machine.push("9", units=UNIT)
    after = machine.start_op("pull-switch")
    assert machine.finished(after)["outcome"] == "ok", machine.story(after)


@pytest.mark.parametrize("who", ["agent", "worker", "service"])
def test_killed_while_it_activates(machine, who):
    """The activation goes on, and whoever comes next hears of its end."""
    machine.hold("after")
    machine.push("2", units=UNIT, after="hold after")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    kill(machine, op, who)
    machine.release("after")
    check_end(machine, op, "ok")


def test_service_killed_over_a_request(machine):
    """Whoever asked asks its successor, and the activation is begun once."""
    machine.push("2", units=UNIT)
    machine.hold("check")
    op = machine.start_op("pull-switch")
    wait_for("the service to look", lambda: machine.try_run(
        "pgrep -f check-validity")[0] == 0)
    kill(machine, op, "service")
    machine.release("check")
    check_end(machine, op, "ok")


@pytest.mark.parametrize("who", ["helper", "activation"])
def test_activation_killed(machine, who):
    """How it ended is not known, so what was there before comes back."""
    machine.hold("after")
    machine.push("2", units=UNIT, after="hold after")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    kill(machine, op, who)
    machine.release("after")
    check_end(machine, op, "rolled_back")
    assert "killed" in machine.result(op)["message"]


@pytest.mark.parametrize("who", ["agent", "worker", "service", "helper"])
def test_killed_while_it_waits_for_confirmation(machine, who):
    """The waiting goes on with the same deadline."""
    machine.push("2", units=UNIT, after="systemctl stop nixfleet-hub")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "confirming")
    deadline = machine.record(op)["confirm_by"]
    kill(machine, op, who)
    machine.run("systemctl start nixfleet-hub")
    check_end(machine, op, "ok")
    assert machine.record(op)["confirm_by"] == deadline


@pytest.mark.parametrize("who", ["agent", "worker", "service", "helper"])
def test_killed_while_it_goes_back(machine, who):
    """A revert is finished by whoever finds it."""
    machine.push("1b", units=UNIT, after="hold back")
    first = machine.start_op("pull-switch")
    assert machine.finished(first)["outcome"] == "ok", machine.story(first)
    machine.hold("back")
    machine.push("2", units=UNIT, after="exit 2")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "reverting")
    kill(machine, op, who)
    machine.release("back")
    result = machine.finished(op)
    assert result["outcome"] == "rolled_back", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-1b")
    machine.check_told_once(op)


@pytest.mark.parametrize("who", ["agent", "worker", "service", "helper"])
def test_killed_while_the_profile_is_set(machine, who):
    """Nothing ran yet: it goes on, or the profile goes back."""
    machine.push("2", units=UNIT)
    machine.hold("profile")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "profile")
    kill(machine, op, who)
    machine.release("profile")
    check_end(machine, op, "rolled_back" if who == "helper" else "ok")


PROCESSES = ("agent", "worker", "service", "helper", "child")


def pid_now(machine, op, who):
    """The pid of one of PROCESSES; None if there is none at the moment."""
    if who in ("agent", "service"):
        unit = "agent" if who == "agent" else "activate"
        return machine.pid_of(f"nixfleet-{unit}") or None
    if who == "worker":
        return machine.worker(op)
    return machine.record(op).get("pid" if who == "helper" else "child")


def check_round(machine, op, version, story):
    """It ended, once, and nothing of it is left half set or busy."""
    result = machine.finished(op)
    story = f"{story}\n{machine.story(op)}"
    # Refused: what the round before left behind is still going back.
    assert result["outcome"] in ("ok", "rolled_back", "interrupted",
                                 "failed", "refused"), story

    def settled():
        record = machine.record(op)
        return record.get("phase", "done") == "done" and machine.link(
            "/run/current-system") == machine.link(
            "/nix/var/nix/profiles/system")

    wait_for(f"profile and system to agree\n{story}", settled)
    if result["outcome"] == "ok":
        profile = machine.link("/nix/var/nix/profiles/system")
        assert profile.endswith(f"h1-{version}"), story
    ran = [s for s in machine.switches()
           if s[0] == f"nixos-system-h1-{version}"]
    assert len(ran) <= 1, story
    machine.check_told_once(op)
    machine.agent_ready()
    return result


def test_killed_at_random_moments(machine, record_property):
    """Whatever is killed whenever: one outcome, and never busy for ever."""
    choice = random.Random(SEED)
    ends = {}
    for number in range(ROUNDS):
        who = choice.choice(PROCESSES)
        machine.push(f"r{number}", units=UNIT)
        op = machine.start_op("pull-switch")
        wait = choice.uniform(0.05, 1.5)
        machine.run(f"sleep {wait:.3f}")
        pid = pid_now(machine, op, who)
        hit = bool(pid) and machine.try_run(f"kill -9 {pid}")[0] == 0
        story = f"seed {SEED}, round {number}: {who} after {wait:.3f} s"
        result = check_round(machine, op, f"r{number}", story)
        end = result["outcome"]
        if end == "failed":
            record_property(f"{story}: failed", result["message"])
        row = ends.setdefault(who, {"killed": 0})
        row["killed"] += hit
        row[end] = row.get(end, 0) + 1
    for who, row in sorted(ends.items()):
        record_property(f"kill -9 of the {who} at random", ", ".join(
            f"{n} {word}" for word, n in row.items()))
