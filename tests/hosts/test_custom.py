"""Hosts of the kind custom whose closures the activation service activates.

One machine for all: it goes from version to version, like a host does.
"""

import itertools

import pytest

from conftest import agent_unit, configure
from machine import Machine, wait_for

PROFILE = "/nix/var/nix/profiles/fleet"
SERVICE = f"""\
NIXFLEET_ACTIVATE_KIND=custom
NIXFLEET_ACTIVATE_PROFILE={PROFILE}
NIXFLEET_ACTIVATE_PROGRAM=bin/deploy
"""
SETTINGS = ("NIXFLEET_HOST_KIND=custom", "NIXFLEET_FLAKE_ATTR=custom",
            f"NIXFLEET_PROFILE={PROFILE}", "NIXFLEET_ACTIVATE_BY=service",
            "NIXFLEET_CONFIRM_TIMEOUT=60")
versions = itertools.count(1)


def push(machine, **changes):
    """A closure with the next version, which is returned."""
    version = f"c{next(versions)}"
    units = changes.pop("units", {"nixfleet-agent.service": agent_unit()})
    machine.push(version, units=units, **changes)
    return version


def check(machine):
    return machine.try_run(
        "runuser -u nixfleet-agent -- env HOME=/var/lib/nixfleet-agent "
        "NIX_REMOTE=daemon NIXFLEET_CONFIG=/etc/nixfleet/agent.conf "
        "nixfleet-agent --check")


def configure_service(machine, text=SERVICE):
    machine.inside("/etc/nixfleet/activate.conf").write_text(text)
    machine.run("systemctl restart nixfleet-activate.service")


def ended(machine, op, outcome, version):
    """So, with that closure in place, activated once, told once and whole."""
    result = machine.finished(op)
    story = machine.story(op)
    assert result["outcome"] == outcome, story
    assert machine.link(PROFILE).endswith(f"custom-h1-{version}"), story
    assert machine.switches()[-1] == (f"custom-h1-{version}", "switch"), story
    machine.check_told_once(op)
    machine.agent_ready()
    return result


def switched(machine, **changes):
    version = push(machine, **changes)
    op = machine.start_op("pull-switch")
    ended(machine, op, "ok", version)
    return version


def held(machine):
    """An operation whose activation is at work until it is released; and what
    it activates."""
    machine.hold("after")
    version = push(machine, after="hold after")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    return op, version


def activated_once(machine, op, version):
    said = machine.log(op)
    assert said.count(f"activating custom-h1-{version}") == 1, said
    assert said.count(f"activated custom-h1-{version}") == 1, said
    ran = [name for name, _ in machine.switches()
           if name == f"custom-h1-{version}"]
    assert len(ran) == 1


@pytest.fixture(scope="module")
def machine(prepared):
    """A booted custom host whose first closure runs."""
    directory, layers = prepared
    one = Machine(directory / "custom", layers)
    try:
        one.boot()
        configure_service(one)
        configure(one, *SETTINGS)
        switched(one)
        yield one
    finally:
        one.delete()


def test_restarts_the_agent(machine):
    """It changes the agent's unit; the agent that comes follows it."""
    agent = machine.pid_of("nixfleet-agent")
    version = push(machine, units={
        "nixfleet-agent.service": agent_unit("of a custom closure")})
    op = machine.start_op("pull-switch")
    ended(machine, op, "ok", version)
    activated_once(machine, op, version)
    assert machine.pid_of("nixfleet-agent") != agent
    assert "restarting nixfleet-agent.service" in machine.log(op)


@pytest.mark.parametrize("how", [
    "systemctl restart nixfleet-agent", "kill -9 {agent}", "kill -9 {worker}",
    "kill -9 {service}"])
def test_goes_on_without(machine, how):
    """Whoever else goes, the activation goes on, and its end is told."""
    op, version = held(machine)
    machine.run(how.format(agent=machine.pid_of("nixfleet-agent"),
                           service=machine.pid_of("nixfleet-activate"),
                           worker=machine.worker(op)))
    assert machine.record(op)["phase"] == "activating"
    machine.release("after")
    ended(machine, op, "ok", version)
    activated_once(machine, op, version)


def test_helper_killed(machine):
    """How it ended is not known, so the closure from before comes back."""
    old = switched(machine)
    op, _ = held(machine)
    machine.kill(machine.record(op)["pid"])
    machine.release("after")
    result = ended(machine, op, "rolled_back", old)
    assert "killed" in result["message"]


def test_cuts_the_network(machine):
    """It cannot reach its hub any more, and gets back by itself."""
    old = switched(machine)
    configure(machine, "NIXFLEET_CONFIRM_TIMEOUT=5")
    push(machine, nft="table inet x { chain o { type filter hook output "
         "priority 0; tcp dport 8000 reject; }; }")
    op = machine.start_op("pull-switch")
    result = ended(machine, op, "rolled_back", old)
    assert "nobody could confirm" in result["message"]
    assert "chain" not in machine.run("nft list ruleset")
    configure(machine, *SETTINGS)


def test_unit_that_fails(machine):
    """A unit that fails with it is a reason to go back; one from before not."""
    machine.try_run("systemd-run --unit=old-sorrow --wait false")
    old = switched(machine)
    push(machine, after="systemd-run -q --unit=new-sorrow --wait false || :")
    op = machine.start_op("pull-switch")
    result = ended(machine, op, "rolled_back", old)
    assert "new-sorrow" in result["message"], result
    assert "old-sorrow" not in result["message"], result
    machine.run("systemctl reset-failed")


def test_without_the_program(machine):
    """A closure that lacks the program changes nothing."""
    old = switched(machine)
    push(machine, build="touch bare")
    op = machine.start_op("pull-switch")
    result = ended(machine, op, "failed", old)
    assert "bin/deploy: No such file" in result["message"], result
    assert not machine.record(op)


def test_power_cut(machine):
    """At the next boot the record decides: the closure from before."""
    old = switched(machine)
    op, _ = held(machine)
    machine.cut_power()
    machine.boot()
    result = ended(machine, op, "rolled_back", old)
    assert "the machine was restarted" in result["message"]


def test_check(machine):
    """What does not fit together is said before it is tried."""
    code, text = check(machine)
    assert code == 0, text
    configure_service(machine, SERVICE.replace("fleet", "other"))
    code, text = check(machine)
    assert code != 0
    assert ("the profile that is set here is /nix/var/nix/profiles/other, not "
            f"{PROFILE}") in text, text
    configure_service(machine, "")
    code, text = check(machine)
    assert code != 0
    assert "systems of kind nixos are activated here, not custom" in text, text
    machine.run("systemctl stop nixfleet-activate.socket")
    code, text = check(machine)
    assert code != 0
    assert "(nixfleet-activate.socket) is of no use" in text, text
    machine.run("systemctl start nixfleet-activate.socket")
    configure_service(machine)
    wait_for("all to fit again", lambda: check(machine)[0] == 0)
