"""Clocks that jump and processes that stand still while a deadline runs."""

import os
import shutil
import struct
import time

import pytest

from conftest import agent_unit, bin_dir, configure
from machine import ulid, wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}
DAY = 24 * 3600
LAST_WORD = 1000  # the agent gives up so many ms before the deadline
SHIM = """\
[Service]
Environment=LD_PRELOAD=/usr/lib/clockshim.so CLOCK_OFFSET=/run/clock
"""


def boottime():
    """The clock that deadlines count on, in ms; machines share it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@pytest.fixture
def clocked(machine):
    """A machine whose agent, service and helper have a clock that we set."""
    built = (bin_dir() / "nixfleet-agent").resolve().parents[1]
    shim = built / "tests/fault/clockshim.so"
    if not shim.exists():
        pytest.skip(f"{shim} was not built")
    shutil.copy(shim, machine.inside("/usr/lib/clockshim.so"))
    machine.inside("/run/clock").write_bytes(bytes(8))
    for unit in ("nixfleet-agent", "nixfleet-activate"):
        extra = machine.inside(f"/etc/systemd/system/{unit}.service.d")
        extra.mkdir()
        (extra / "clock.conf").write_text(SHIM)
    machine.run("systemctl daemon-reload; "
                "systemctl restart nixfleet-activate.service")
    configure(machine, "NIXFLEET_CONFIRM_TIMEOUT=12")
    return machine


def jump(machine, seconds):
    """From now on their wall clock is so far off."""
    with open(machine.inside("/run/clock"), "r+b", buffering=0) as offset:
        os.pwrite(offset.fileno(), struct.pack("=q", seconds), 0)


def sleep(machine, seconds):
    """They slept so long: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC did not."""
    with open(machine.inside("/run/clock"), "r+b", buffering=0) as offset:
        os.pwrite(offset.fileno(), struct.pack("=q", seconds), 8)


def waiting(machine, version="2"):
    """A switch that nobody can confirm, and its deadline."""
    machine.push(version, units=UNIT, after="systemctl stop nixfleet-hub")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "confirming")
    return op, machine.record(op)["confirm_by"]


def check_undone_once(machine, op):
    assert machine.finished(op)["outcome"] == "rolled_back", machine.story(op)
    assert machine.switches()[1:] == [
        ("nixos-system-h1-2", "switch"), ("nixos-system-h1-1", "switch"),
    ], machine.story(op)
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-1")
    machine.run("systemctl start nixfleet-hub")
    machine.agent_ready()
    machine.check_told_once(op)


def test_the_date_changes(clocked):
    """A day forwards and back makes the deadline neither nearer nor farther."""
    op, end = waiting(clocked)
    jump(clocked, DAY)
    while boottime() < end - 6000:
        assert clocked.record(op)["phase"] == "confirming", clocked.story(op)
        time.sleep(0.05)
    jump(clocked, -DAY)
    wait_for("it to go back", lambda: clocked.record(op)["phase"]
             in ("reverting", "done"))
    assert end - LAST_WORD <= boottime() < end + 15_000
    check_undone_once(clocked, op)
    record = clocked.record(op)
    assert record["finished_at"] - record["started_at"] < -DAY / 2 * 1000


def test_the_date_changes_after_prepare(clocked):
    """What is prepared is not forgotten because of the date."""
    path = clocked.run("readlink -f /nix/var/nix/profiles/system").strip()
    op = ulid()

    def ask(**request):
        (answer,) = clocked.ask("/run/nixfleet-activate/socket",
                                {"op": op, **request})
        return answer

    assert ask(verb="prepare", kind="nixos", mode="test", path=path,
               timeout=60000, confirm=0)["ok"]
    for offset in (DAY, -DAY):
        jump(clocked, offset)
        # It looks around between two requests.
        assert ask(verb="status")["ok"] and ask(verb="status")["ok"]
    assert ask(verb="activate")["ok"]
    wait_for("its end", lambda: clocked.record(op)["phase"] == "done")
    assert clocked.record(op)["outcome"] == "ok", clocked.record(op)


def test_the_machine_sleeps(clocked):
    """Time asleep counts: a switch whose deadline is not over is confirmed
    after a sleep, one whose deadline passed meanwhile is undone on waking."""
    configure(clocked, "NIXFLEET_CONFIRM_TIMEOUT=600")
    op, _ = waiting(clocked)
    sleep(clocked, 300)
    clocked.run("systemctl start nixfleet-hub")
    assert clocked.finished(op)["outcome"] == "ok", clocked.story(op)
    op, end = waiting(clocked, "3")
    sleep(clocked, 300 + 8 * 3600)
    assert clocked.finished(op)["outcome"] == "rolled_back", clocked.story(op)
    assert boottime() + 300_000 < end
    assert clocked.link("/run/current-system").endswith("h1-2")
    clocked.run("systemctl start nixfleet-hub")
    clocked.agent_ready()
    clocked.check_told_once(op)


def test_everything_stands_still(clocked):
    """Asleep for longer than the deadline: undone once on waking up, and a
    confirmation that comes too late does not count."""
    op, end = waiting(clocked)
    helper, worker = clocked.record(op)["pid"], clocked.worker(op)
    clocked.run(f"kill -STOP {helper} {worker}; systemctl start nixfleet-hub")
    wait_for("the deadline to pass", lambda: boottime() > end + 500)
    assert clocked.record(op)["phase"] == "confirming"
    (answer,) = clocked.ask("/run/nixfleet-activate/socket",
                            {"verb": "confirm", "op": op})
    assert answer["code"] == "refused" and "is over" in answer["text"], answer
    clocked.run(f"kill -CONT {helper} {worker}")
    check_undone_once(clocked, op)
