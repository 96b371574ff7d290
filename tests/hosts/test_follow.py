"""Following the branch on a booted machine that has no hub."""

import contextlib

from conftest import agent_unit
from machine import wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}


def follow(machine, mode, **settings):
    """From now on the agent follows, at every second, without a hub."""
    settings = {"NIXFLEET_FOLLOW": mode,
                "NIXFLEET_FOLLOW_INTERVAL": "1",
                "NIXFLEET_FOLLOW_JITTER": "0", **settings}
    lines = "".join(f"{key}={value}\n" for key, value in settings.items())
    machine.run("sed -i /^NIXFLEET_URL/d /etc/nixfleet/agent.conf\n"
                f"cat >> /etc/nixfleet/agent.conf <<END\n{lines}END\n"
                "systemctl restart nixfleet-agent")


def status(machine):
    with contextlib.suppress(OSError):
        return machine.control(cmd="status")
    return None


def brought_to(machine, system):
    """Wait for a system that was activated and stays."""
    def there():
        state = status(machine)
        return (state and not state["operation"] and state["last"] and
                state["last"][0]["outcome"] == "ok" and
                machine.link("/nix/var/nix/profiles/system").endswith(system))
    wait_for(f"system {system}", there, 90)


def test_boot_and_restart_in_the_window(machine):
    """Mode boot prepares the next boot, and in its window the machine is
    restarted if that is needed, once."""
    follow(machine, "boot", NIXFLEET_REBOOT_WINDOW='"00:00-24:00"')
    machine.push("2", triggers="another kernel", units=UNIT)
    machine.wait_reboot()
    assert machine.switches()[-1] == ("nixos-system-h1-2", "boot")
    wait_for("the agent", lambda: status(machine), 60)
    assert machine.link("/run/current-system").endswith("h1-2")
    ops = machine.control(cmd="ops")["operations"]
    mine = [(op["op"], op["outcome"]) for op in ops
            if op["origin"] == "follow"]
    assert ("pull-switch", "ok") in mine
    assert len([op for op, _ in mine if op == "reboot"]) == 1
    # Nothing is left to be done.
    state = status(machine)["follow"]
    wait_for("another look", lambda: (status(machine) or {}).get(
        "follow", state)["last_poll"] not in (None, state["last_poll"]))
    assert len(machine.control(cmd="ops")["operations"]) == len(ops)


def held_back(machine):
    """What is known of the branch's tip once it is held back."""
    tip = machine.run("git -C /srv/config rev-parse HEAD").strip()

    def there():
        rows = (status(machine) or {}).get("follow", {}).get("held_back")
        return next((row for row in rows or [] if row["revision"] == tip),
                    None)

    return wait_for("what is held back", there, 90)


def check_not_tried_again(machine, held):
    """When the branch is looked at again, nothing is begun."""
    def last_poll():
        return (status(machine) or {}).get("follow", {}).get("last_poll")

    last = wait_for("a look", last_poll)
    wait_for("another look", lambda: last_poll() not in (None, last))
    ops = machine.control(cmd="ops")["operations"]
    assert held["op_id"] == max(op["op_id"] for op in ops
                                if op["op"] == "pull-switch"), ops


def test_failed_activation_is_held_back(machine):
    """What failed in activation is undone by the service and not tried
    again; the branch's next revision is."""
    follow(machine, "switch")
    machine.push("2", after="exit 2", units=UNIT)
    held = held_back(machine)
    assert held["kind"] in ("activation", "rolled_back"), held
    assert held["retry_at"] is None
    check_not_tried_again(machine, held)
    assert machine.link("/run/current-system").endswith("h1-1")
    assert machine.switches().count(("nixos-system-h1-2", "switch")) == 1
    machine.push("3", units=UNIT)
    brought_to(machine, "h1-3")
    assert machine.link("/run/current-system").endswith("h1-3")


def test_unhealthy_revision_is_held_back(machine):
    """A probe that fails after the switch undoes it; the revision is not
    tried again until a person says so, or the branch moves."""
    broken = "[ -e /run/mended ] || rm /run/well"
    machine.run("touch /run/well")
    follow(machine, "switch",
           NIXFLEET_CONFIRM_PROBES="within=2 exec:/bin/ls /run/well")
    machine.push("2", after=broken, units=UNIT)
    held = held_back(machine)
    assert held["kind"] == "rolled_back" and held["retry_at"] is None, held
    assert "/bin/ls /run/well: ls ended with status 2" in held["text"], held
    check_not_tried_again(machine, held)
    assert machine.link("/run/current-system").endswith("h1-1")
    # The branch moves: the next revision is tried.
    machine.run("touch /run/well")
    machine.push("3", units=UNIT)
    brought_to(machine, "h1-3")
    machine.push("4", after=broken, units=UNIT)
    bad = held_back(machine)
    check_not_tried_again(machine, bad)
    assert machine.link("/run/current-system").endswith("h1-3")
    # A person says so.
    machine.run("touch /run/well /run/mended; "
                f"nixfleet repo accept {bad['revision']}")
    brought_to(machine, "h1-4")
    assert machine.switches().count(("nixos-system-h1-4", "switch")) == 2
    assert bad["revision"] not in [
        row["revision"] for row in status(machine)["follow"]["held_back"]]
