"""Programs killed with -9 while a switch is at work: it ends, and once."""

import collections
import os
import random
import re
import time

import pytest

from conftest import agent_unit, configure
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


# How long after they are there the last of the moments is, in seconds.
MOMENT = {"agent": 1.2, "worker": 1.2, "service": 1.2, "helper": 0.4,
          "child": 0.2}
PROCESSES = tuple(MOMENT)
# Why a switch may end so when something of it was killed.
EXPLAINED = {
    "ok": "",
    "rolled_back": 'nixfleet-activate was killed during the activation '
                   r'\(step "[a-z-]+"\)|'
                   "the activation was killed by signal 9",
    "interrupted": "the worker ended without a result|"
                   "interrupted before (the activation began|anything was "
                   "changed)",
}


def pid_now(machine, op, who):
    """The pid of one of PROCESSES; None if there is none at the moment."""
    if who in ("agent", "service"):
        unit = "agent" if who == "agent" else "activate"
        return machine.pid_of(f"nixfleet-{unit}") or None
    if who == "worker":
        return machine.worker(op)
    return machine.record(op).get("pid" if who == "helper" else "child")


def kill_at_random(machine, op, who, wait):
    """Kill it so long after it is there; not if the switch is faster."""
    pid = wait_for(f"the {who} or the end", lambda: pid_now(machine, op, who)
                   or machine.result(op) and -1)
    if pid == -1:
        return False
    time.sleep(wait)
    # Another may do the work by now.
    pid = pid_now(machine, op, who) or pid
    return machine.try_run(f"kill -9 {pid}")[0] == 0


def check_round(machine, op, version, story):
    """It ended, once, and nothing of it is left half set or busy."""
    result = machine.finished(op)
    story = f"{story}\n{machine.story(op)}"
    end = result["outcome"]
    assert end in EXPLAINED, story
    reason = re.search(EXPLAINED[end], result["message"])
    assert reason, story

    def settled():
        record = machine.record(op)
        return record.get("phase", "done") == "done" and machine.link(
            "/run/current-system") == machine.link(
            "/nix/var/nix/profiles/system")

    wait_for(f"profile and system to agree\n{story}", settled)
    if end == "ok":
        profile = machine.link("/nix/var/nix/profiles/system")
        assert profile.endswith(f"h1-{version}"), story
    ran = [s for s in machine.switches()
           if s[0] == f"nixos-system-h1-{version}"]
    assert len(ran) <= 1, story
    machine.check_told_once(op)
    machine.agent_ready()
    return f"{end} ({reason[0]})" if reason[0] else end


def test_killed_at_random_moments(machine, record_property):
    """Whatever is killed whenever: one outcome, whose reason is known, and
    never busy for ever."""
    configure(machine, "NIXFLEET_CONFIRM_TIMEOUT=60")
    ends = {who: collections.Counter() for who in PROCESSES}
    for number in range(ROUNDS):
        choice = random.Random(f"{SEED}/{number}")
        who = choice.choice(PROCESSES)
        machine.push(f"r{number}", units=UNIT)
        op = machine.start_op("pull-switch")
        wait = choice.uniform(0, MOMENT[who])
        hit = kill_at_random(machine, op, who, wait)
        story = f"seed {SEED}, round {number}: {who} after {wait:.3f} s"
        end = check_round(machine, op, f"r{number}", story)
        ends[who][end if hit else "was faster"] += 1
    for who, ends in ends.items():
        record_property(f"kill -9 of the {who}, {ends.total()} times",
                        ", ".join(f"{n} {end}" for end, n
                                  in ends.most_common()))
