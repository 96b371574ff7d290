"""NIXFLEET_ACTIVATE_MODE=test-then-commit: what a boot takes changes last."""

import pytest

from conftest import agent_unit, configure

UNIT = {"nixfleet-agent.service": agent_unit()}
UNHEARD = "systemctl stop nixfleet-hub"
PROFILE = "/nix/var/nix/profiles/system"


@pytest.fixture
def trial(machine):
    configure(machine, "NIXFLEET_ACTIVATE_MODE=test-then-commit")
    return machine


def switch(machine, **changes):
    machine.push("2", units=UNIT, **changes)
    return machine.start_op("pull-switch")


def check(machine, op, outcome, version, *switches):
    assert machine.finished(op)["outcome"] == outcome, machine.story(op)
    story = machine.story(op)
    for link in (PROFILE, "/run/current-system"):
        assert machine.link(link).endswith(f"h1-{version}"), story
    want = [(f"nixos-system-h1-{number}", mode) for number, mode in switches]
    assert machine.switches()[1:] == want, story
    machine.agent_ready()
    machine.check_told_once(op)


def test_confirmed(trial):
    """The profile and the boot entry follow the confirmation."""
    op = switch(trial, after=UNHEARD)
    trial.in_phase(op, "confirming")
    assert trial.link("/run/current-system").endswith("h1-2")
    assert trial.link(PROFILE).endswith("h1-1")
    trial.run("systemctl start nixfleet-hub")
    check(trial, op, "ok", 2, (2, "test"), (2, "boot"))
    back = trial.start_op("rollback")
    check(trial, back, "ok", 1, (2, "test"), (2, "boot"), (1, "test"),
          (1, "boot"))


def test_not_confirmed(trial):
    """Nothing of the new system is left: there was no generation of it."""
    op = switch(trial, after=UNHEARD)
    trial.finished(op)
    trial.run("systemctl start nixfleet-hub")
    check(trial, op, "rolled_back", 1, (2, "test"), (1, "test"))
    assert "system-2-link" not in trial.run("ls /nix/var/nix/profiles")


def test_power_cut_before_the_confirmation(trial):
    """The old system boots; nothing has to be activated for that."""
    op = switch(trial, after=UNHEARD)
    trial.in_phase(op, "confirming")
    trial.cut_power()
    trial.boot()
    check(trial, op, "rolled_back", 1, (2, "test"))
    assert "restarted" in trial.result(op)["message"]


def test_power_cut_while_it_commits(trial):
    """What was confirmed is finished, whatever had booted."""
    trial.hold("profile")
    op = switch(trial)
    trial.in_phase(op, "committing")
    trial.cut_power()
    trial.boot()
    check(trial, op, "ok", 2, (2, "test"), (2, "switch"))


def test_killed_while_it_commits(trial):
    """The next helper finishes what was confirmed."""
    trial.hold("profile")
    op = switch(trial)
    trial.in_phase(op, "committing")
    trial.kill(trial.record(op)["pid"])
    trial.release("profile")
    check(trial, op, "ok", 2, (2, "test"), (2, "boot"))


def test_boot_entry_fails(trial):
    """A system that cannot be made to boot does not stay either."""
    op = switch(trial, boot="exit 1")
    check(trial, op, "rolled_back", 1, (2, "test"), (2, "boot"),
          (1, "switch"))
    assert "cannot become what the next boot takes" in (
        trial.result(op)["message"])
