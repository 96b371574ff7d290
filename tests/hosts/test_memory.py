"""What an activation that prints without end costs those who run it."""

import re

from conftest import agent_unit
from machine import wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}
PRINTED = 100 * 1024 * 1024
LIMITS = {"helper": 16, "service": 16, "worker": 64}  # MiB
PRINT = f"""\
yes "$(printf '%01000d' 0)" | head -c {PRINTED}
hold printed
"""


def peak(machine, pid):
    """The most memory that a process had, in MiB."""
    status = machine.read(f"/proc/{pid}/status")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def test_activation_that_prints_a_lot(machine, record_property):
    """100 MB go to a file; nobody holds them in memory."""
    machine.hold("printed")
    machine.push("2", units=UNIT, after=PRINT)
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    log = machine.inside(f"/var/lib/nixfleet-activate/{op}/log")
    wait_for("the output", lambda: log.stat().st_size > PRINTED, 60)
    pids = {"helper": machine.record(op)["pid"],
            "service": machine.pid_of("nixfleet-activate"),
            "worker": machine.worker(op)}
    peaks = {who: peak(machine, pid) for who, pid in pids.items()}
    record_property("peak memory while an activation prints 100 MB", ", ".join(
        f"{who} {size:.1f} MiB" for who, size in peaks.items()))
    machine.release("printed")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    for who, size in peaks.items():
        assert size < LIMITS[who], peaks
