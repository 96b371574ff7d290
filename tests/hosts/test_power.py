"""Power cuts while a switch is at work: the next boot decides."""

from conftest import agent_unit
from machine import ulid, wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}


def cut(machine):
    machine.cut_power()
    machine.boot()
    machine.agent_ready()


def check_end(machine, op, outcome, version):
    result = machine.finished(op)
    story = machine.story(op)
    assert result["outcome"] == outcome, story
    for link in ("/nix/var/nix/profiles/system", "/run/current-system"):
        assert machine.link(link).endswith(f"h1-{version}"), story
    machine.check_told_once(op)
    machine.push("9", units=UNIT)
    after = machine.start_op("pull-switch")
    assert machine.finished(after)["outcome"] == "ok", machine.story(after)


def test_prepared(machine):
    """Nothing had changed; it is over, and nobody is kept from the next."""
    path = machine.run("readlink -f /nix/var/nix/profiles/system").strip()
    op = ulid()
    answer = list(machine.ask("/run/nixfleet-activate/socket", {
        "verb": "prepare", "op": op, "kind": "nixos", "mode": "switch",
        "path": path, "timeout": 60000, "confirm": 8000}))
    assert answer == [{"ok": True}]
    cut(machine)
    machine.push("2", units=UNIT)
    wait = machine.start_op("pull-switch")
    assert machine.finished(wait)["outcome"] == "ok", machine.story(wait)
    assert machine.record(op)["outcome"] == "interrupted"


def test_while_the_profile_is_set(machine):
    """The profile goes back to what runs."""
    machine.push("2", units=UNIT)
    machine.hold("profile")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "profile")
    cut(machine)
    check_end(machine, op, "rolled_back", "1")


def test_while_it_activates(machine):
    """Half a switch is undone."""
    machine.hold("after")
    machine.push("2", units=UNIT, after="hold after")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    cut(machine)
    check_end(machine, op, "rolled_back", "1")
    assert "restarted" in machine.result(op)["message"]


def test_while_it_waits_for_confirmation(machine):
    """The new system boots and gets its time to prove itself again."""
    machine.push("2", units=UNIT, after="systemctl stop nixfleet-hub")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "confirming")
    cut(machine)
    check_end(machine, op, "ok", "2")


def test_new_system_boots_without_an_agent(new_machine):
    """Nobody confirms after the boot either: back to the old system."""
    machine = new_machine()
    machine.boot()
    machine.agent_ready()
    unit = agent_unit(path="/bin/false")
    machine.push("2", units={"nixfleet-agent.service": unit})
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "confirming")
    cut(machine)
    check_end(machine, op, "rolled_back", "1")


def test_while_it_goes_back(machine):
    """Going back is begun again from its start."""
    machine.push("1b", units=UNIT, after="hold back")
    first = machine.start_op("pull-switch")
    assert machine.finished(first)["outcome"] == "ok", machine.story(first)
    machine.hold("back")
    machine.push("2", units=UNIT, after="exit 2")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "reverting")
    cut(machine)
    check_end(machine, op, "rolled_back", "1b")


def test_while_it_builds(machine):
    """A build that is lost with the power ends as interrupted."""
    machine.hold("build")
    machine.push("2", units=UNIT, build="/usr/local/bin/hold build")
    op = machine.start_op("pull-switch")
    wait_for("the build", lambda: any("building" in line
                                      for line in machine.log(op)))
    cut(machine)
    result = machine.finished(op)
    assert result["outcome"] == "interrupted", machine.story(op)
    assert machine.link("/run/current-system").endswith("h1-1")
