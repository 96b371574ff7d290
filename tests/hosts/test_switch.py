"""Switches on a booted machine: what they change and what undoes itself."""

import contextlib
import re

import pytest

from conftest import agent_unit, configure
from machine import wait_for

# Cuts the host off from its hub, as a firewall of the new system would.
CUT = """\
table inet cut {
  chain input {
    type filter hook input priority 0;
    tcp dport 8000 drop
  }
}
"""
UNIT = {"nixfleet-agent.service": agent_unit()}


def activated(lines, version):
    return [line for line in lines
            if line == f"activated nixos-system-h1-{version}"]


def check_back_on_1(machine, op_id):
    """System 1 is there again: profile, running system, and the agent."""
    result = machine.finished(op_id)
    story = machine.story(op_id)
    assert result["outcome"] == "rolled_back", story
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-1")
    assert machine.link("/run/current-system").endswith("h1-1")
    assert machine.switches()[-1] == ("nixos-system-h1-1", "switch"), story
    machine.agent_ready()
    machine.check_told_once(op_id)


def test_agent_without_root(machine):
    """The agent switches the system without being able to become root."""
    status = machine.read(f"/proc/{machine.pid_of('nixfleet-agent')}/status")
    assert re.search(r"(?m)^CapBnd:\t0+$", status)
    assert re.search(r"(?m)^NoNewPrivs:\t1$", status)
    assert not re.search(r"(?m)^Uid:.*\b0\b", status)
    machine.push("2", units=UNIT)
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-2")
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-2")
    assert machine.record(op)["confirm_by"] > 0
    machine.check_told_once(op)
    back = machine.start_op("rollback")
    assert machine.finished(back)["outcome"] == "ok", machine.story(back)
    assert machine.link("/run/current-system").endswith("h1-1")


def test_no_room_for_the_kernel(machine):
    """A system whose kernel /boot or the EFI partition has no room for is
    refused before anything of it is activated, and switched to once there is
    room."""
    machine.run("mkdir -p /boot /efi; mount -t tmpfs -o size=2M none /boot;"
                "mount -t tmpfs -o size=3M,mode=0700 none /efi")
    machine.push("2", units=UNIT, build="eval mkdir $out; "
                 "head -c 4000000 /dev/zero > $out/kernel")
    op = machine.start_op("pull-switch")
    result = machine.finished(op)
    assert result["outcome"] == "refused", machine.story(op)
    assert "2.0 MiB are free in /boot" in result["message"], result
    assert machine.record(op) == {}
    assert machine.link("/run/current-system").endswith("h1-1")
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-1")
    assert machine.switches() == [("nixos-system-h1-1", "switch")]
    machine.run("umount /boot")
    op = machine.start_op("switch")
    result = machine.finished(op)
    assert result["outcome"] == "refused", machine.story(op)
    assert "3.0 MiB are free in /efi, 1.8 too few" in result["message"], result
    assert machine.link("/run/current-system").endswith("h1-1")
    machine.run("mount -o remount,size=64M /efi")
    op = machine.start_op("switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-2")


def test_exposure_of_the_units(machine, record_property):
    """systemd's own rating of the sandboxes stays as good as it was; that of
    the service which has to be able to do what a switch does is no better."""
    for unit, limit in (("nixfleet-agent", 2.0), ("nixfleet-hub", 2.0),
                        ("nixfleet-activate", 9.0)):
        text = machine.run(f"systemd-analyze security --no-pager {unit}")
        rating = re.search(r"level for .*: ([0-9.]+)", text)
        record_property(f"exposure of {unit}", rating[1])
        assert float(rating[1]) <= limit, text


def test_switch_restarts_the_agent(machine):
    """The new agent carries its predecessor's switch on; every line once."""
    before = machine.pid_of("nixfleet-agent")
    machine.push("2", units={"nixfleet-agent.service": agent_unit("changed")})
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.pid_of("nixfleet-agent") != before
    assert len(activated(machine.log(op), 2)) == 1, machine.log(op)
    assert machine.switches()[1:] == [("nixos-system-h1-2", "switch")]
    machine.check_told_once(op)


def test_switch_brings_another_agent(machine):
    """The agent's program moves to another place, as it does in the store."""
    machine.run("mkdir /opt/new && cp /usr/bin/nixfleet-agent /opt/new")
    unit = agent_unit(path="/opt/new/nixfleet-agent")
    machine.push("2", units={"nixfleet-agent.service": unit},
                 before="mv /usr/bin/nixfleet-agent /usr/bin/gone")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    exe = machine.run(
        f"readlink /proc/{machine.pid_of('nixfleet-agent')}/exe")
    assert exe.strip() == "/opt/new/nixfleet-agent"
    machine.check_told_once(op)


def test_switch_brings_an_agent_that_does_not_start(machine):
    """Nobody is there to confirm: the old agent comes back and tells."""
    unit = agent_unit(path="/bin/false")
    machine.push("2", units={"nixfleet-agent.service": unit})
    check_back_on_1(machine, machine.start_op("pull-switch"))


def test_switch_removes_the_agent(machine):
    """A system without agent undoes itself."""
    machine.push("2", units={})
    check_back_on_1(machine, machine.start_op("pull-switch"))


def test_switch_restarts_the_service(machine):
    """The activation outlives the service that answers requests."""
    machine.push("2", units=UNIT,
                 after="systemctl restart nixfleet-activate.service")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    machine.check_told_once(op)


def test_network_cut(machine):
    """A firewall that locks the operators out goes away without their help."""
    machine.push("2", units=UNIT, nft=CUT)
    op = machine.start_op("pull-switch")
    check_back_on_1(machine, op)
    record = machine.record(op)
    assert record["finished_at"] - record["started_at"] < 20_000
    assert "hub" in "\n".join(machine.log(op))


def test_hosts_own_tests_decide(machine):
    """A system whose host tests fail is undone, where that is asked for."""
    configure(machine, "NIXFLEET_CONFIRM_TESTS=true")
    machine.push("2", units=UNIT)
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    machine.push("3", units=UNIT, test="#!/bin/sh\nexit 1\n")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "rolled_back", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-2")
    assert any("0 of 1" in line for line in machine.log(op)), machine.log(op)


def test_without_a_hub(machine):
    """Alone, a host proves itself by reaching its git server."""
    env = machine.inside("/etc/nixfleet/agent.conf")
    env.write_text(re.sub("NIXFLEET_(URL|TOKEN)=.*\n", "", env.read_text()))
    machine.run("systemctl stop nixfleet-hub; "
                "systemctl restart nixfleet-agent")

    def ready():
        with contextlib.suppress(OSError):
            return machine.control(cmd="status")["hub"]["state"] == "none"

    wait_for("the agent", ready)
    machine.push("2", units=UNIT)
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert "confirmed: this host can still do its job" in machine.log(op)
    machine.push("3", units=UNIT, after="mv /srv/config.git /srv/away")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "rolled_back", machine.story(op)
    assert any("git server" in line for line in machine.log(op))
    assert machine.link("/run/current-system").endswith("h1-2")


@pytest.mark.parametrize("code", [1, 2])
def test_activation_fails(machine, code):
    """What failed half-way is undone, and the reason is told."""
    machine.push("2", units=UNIT, after=f"exit {code}")
    op = machine.start_op("pull-switch")
    check_back_on_1(machine, op)
    assert f"exit status {code}" in machine.result(op)["message"]


BAD = """\
[Service]
Type=oneshot
ExecStart=/bin/false
"""


def test_a_unit_of_the_new_system_fails(machine):
    """A system that breaks a unit is undone; the unit is named."""
    machine.push("2", units={**UNIT, "bad.service": BAD})
    op = machine.start_op("pull-switch")
    check_back_on_1(machine, op)
    assert "bad.service" in machine.result(op)["message"]


def test_a_unit_had_failed_before(machine):
    """What was broken before is not the new system's fault."""
    machine.inside("/etc/systemd/system/old.service").write_text(BAD)
    machine.try_run("systemctl daemon-reload; systemctl start old")
    machine.push("2", units=UNIT, after="exit 4")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert "failed before" in machine.result(op)["message"]


def test_disk_full(machine):
    """Without room for its record it goes back all the same."""
    machine.run("mount -t tmpfs -o size=1m tmpfs /var/lib/nixfleet-activate; "
                "systemctl restart nixfleet-activate.service nixfleet-agent")
    machine.agent_ready()
    fill = "/var/lib/nixfleet-activate/fill"
    machine.push("2", units=UNIT,
                 after=f"dd if=/dev/zero of={fill} bs=4k 2>/dev/null || :")
    op = machine.start_op("pull-switch")
    wait_for("system 1 to come back", lambda: machine.switches()[1:] == [
        ("nixos-system-h1-2", "switch"), ("nixos-system-h1-1", "switch")])
    machine.run(f"rm {fill}")
    check_back_on_1(machine, op)


def test_somebody_else_switches(machine):
    """The lock of switch-to-configuration is held: nothing is changed."""
    machine.push("2", units=UNIT, before="exit 11")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "refused", machine.story(op)
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-1")
    assert machine.link("/run/current-system").endswith("h1-1")


def test_named_generation(machine):
    """A person says which generation to go back to."""
    for version in ("2", "3"):
        machine.push(version, units=UNIT)
        op = machine.start_op("pull-switch")
        assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    op = machine.start_op("rollback", generation=1)
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-1")
    link = machine.run("readlink /nix/var/nix/profiles/system").strip()
    assert link == "system-1-link"
    op = machine.start_op("rollback", generation=99)
    assert machine.finished(op)["outcome"] == "failed", machine.story(op)


def test_inhibitors(machine):
    """A system that must not be switched to waits for the next boot."""
    machine.push("2", units=UNIT, inhibitors="dbus 1")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    machine.push("3", units=UNIT, inhibitors="dbus 2")
    for _ in range(2):
        op = machine.start_op("pull-switch")
        result = machine.finished(op)
        assert result["outcome"] == "ok", machine.story(op)
        assert "next boot" in result["message"]
        assert result["changes"]["reboot_needed"] is True
        assert machine.link("/run/current-system").endswith("h1-2")
        assert machine.link("/nix/var/nix/profiles/system").endswith("h1-3")
    assert machine.switches()[-1] == ("nixos-system-h1-3", "boot")


def test_specialisation_is_kept(machine):
    """Who runs a specialisation gets the new system's one, or the old back."""
    machine.push("2", units=UNIT, specialisations="gpu")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    machine.run("/nix/var/nix/profiles/system/specialisation/gpu/bin/"
                "switch-to-configuration test")
    assert machine.link("/run/current-system").endswith("h1-2-special")
    machine.push("3", units=UNIT, specialisations="gpu")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-3-special")
    assert machine.link("/nix/var/nix/profiles/system").endswith("h1-3")
    machine.push("4", units=UNIT, specialisations="gpu", after="exit 2")
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "rolled_back", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-3-special")


def test_same_system_again(machine):
    """What runs already is not activated again."""
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    assert machine.switches() == [("nixos-system-h1-1", "switch")]
    assert machine.record(op) == {}


def test_reboot(machine):
    """The agent has the machine restarted, and comes back with the result."""
    boot = machine.read("/proc/sys/kernel/random/boot_id")
    op = machine.start_op("reboot")
    machine.wait_reboot()
    machine.agent_ready()
    assert machine.read("/proc/sys/kernel/random/boot_id") != boot
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
