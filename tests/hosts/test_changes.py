"""What a switch changes, as people are told: packages, kernel, generations."""

import contextlib
import re

from conftest import agent_unit, configure
from machine import wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}
PROFILES = "/nix/var/nix/profiles"


def switch(machine, version, **changes):
    machine.push(version, units=UNIT, **changes)
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)
    return op


def closure_bytes(machine, path):
    """What nix itself says that it takes."""
    sizes = machine.run(f"nix-store -q --size $(nix-store -qR {path})")
    return sum(map(int, sizes.split()))


def test_packages_that_change(machine):
    """What comes, goes and changes is in the log and in the result, and the
    bytes are those that nix counts."""
    switch(machine, "2", packages={
        "hello-1.0": 1000, "openssl-3.0": 1000, "same-1": 1000})
    old = machine.link("/run/current-system")
    op = switch(machine, "3", packages={
        "curl-8.1": 2_000_000, "openssl-3.1": 3_000_000, "same-1": 1000})
    new = machine.link("/run/current-system")
    closure = machine.result(op)["changes"]["closure"]
    assert closure["from"].endswith(old) and closure["to"].endswith(new)
    assert closure["added"] == [{"name": "curl", "version": "8.1"}]
    assert closure["removed"] == [{"name": "hello", "version": "1.0"}]
    assert closure["changed"] == [
        {"name": "nixos-system-h1", "from": "2", "to": "3"},
        {"name": "openssl", "from": "3.0", "to": "3.1"}]
    size = closure_bytes(machine, f"/nix/store/{new}")
    assert closure["size"] == size
    assert closure["bytes"] == size - closure_bytes(
        machine, f"/nix/store/{old}")
    assert 4_900_000 < closure["bytes"] < 5_100_000
    log = machine.log(op)
    assert ("closure: 1 packages added, 1 removed, 2 changed, 0 rebuilt; "
            "+5.0 MB, now 5.0 MB") in log, log
    for line in ("added curl 8.1", "removed hello 1.0",
                 "changed openssl 3.0 -> 3.1"):
        assert log.count(line) == 1, log
    # Before anything of it was activated.
    assert log.index("added curl 8.1") < log.index(
        "activating nixos-system-h1-3")
    machine.check_told_once(op)


def summary(machine):
    with contextlib.suppress(OSError):
        return machine.control(cmd="status")["summary"]
    return {"rule": None}


def needs_reboot(machine):
    """The sentence that says so; None if it is not needed."""
    def looked():
        found = summary(machine)
        return found["rule"] in ("ok", "reboot") and found

    found = wait_for("the agent to look", looked)
    return found["text"] if found["rule"] == "reboot" else None


def test_reboot_is_needed(machine):
    """Another kernel is waited with until the machine restarts: it is said
    which part differs, and since when."""
    kernel = "eval mkdir $out; ln -s /srv/kernel-{} $out/kernel"
    machine.run("echo a > /srv/kernel-a; echo b > /srv/kernel-b")
    assert needs_reboot(machine) is None
    switch(machine, "2", build=kernel.format("a"))
    said = needs_reboot(machine)
    assert re.fullmatch(r"A reboot is needed since 20\d\d-\d\d-\d\d "
                        r"\d\d:\d\d UTC: kernel changed\.", said), said
    assert said in machine.run("nixfleet status")
    since = machine.read("/var/lib/nixfleet-agent/since.json")
    # Another system with the same kernel does not make it any newer.
    switch(machine, "3", build=kernel.format("a"))
    assert needs_reboot(machine) == said
    assert machine.read("/var/lib/nixfleet-agent/since.json") == since
    machine.try_run("systemctl reboot")
    machine.wait_reboot()
    machine.agent_ready()
    assert needs_reboot(machine) is None
    switch(machine, "4", build=kernel.format("b"), triggers="1")
    assert "kernel, reboot triggers changed" in needs_reboot(machine)
    back = machine.start_op("rollback")
    assert machine.finished(back)["outcome"] == "ok", machine.story(back)
    assert machine.link("/run/current-system").endswith("h1-3")
    wait_for("no reboot to be needed", lambda: summary(machine)["rule"]
             not in (None, "working", "reboot"))


def generations(machine):
    """Number and system of each."""
    text = machine.run(f"cd {PROFILES}; for link in system-*-link; do "
                       "echo $link $(readlink $link); done")
    return {int(number): system for number, system in re.findall(
        r"system-(\d+)-link /nix/store/\S+-(h1-\S+)", text)}


def test_old_generations_go(machine):
    """As many generations stay as are wanted, with what was booted; nix may
    collect the others and nothing else."""
    paths = {"1": machine.link("/run/current-system")}
    for version in "23":
        switch(machine, version)
        paths[version] = machine.link("/run/current-system")
    assert len(generations(machine)) == 3
    configure(machine, "NIXFLEET_KEEP_GENERATIONS=2")
    for version, removed in (("4", 1), ("5", 1)):
        op = switch(machine, version)
        paths[version] = machine.link("/run/current-system")
        text = f"removed {removed} old generation"
        assert text in machine.log(op), machine.story(op)
    assert generations(machine) == {
        1: "h1-1", 4: "h1-4", 5: "h1-5"}
    machine.run("nix-store --gc")
    there = machine.run("ls /nix/store").split()
    assert {version for version, path in paths.items() if path in there} == {
        "1", "4", "5"}
    back = machine.start_op("rollback")
    assert machine.finished(back)["outcome"] == "ok", machine.story(back)
    assert machine.link("/run/current-system") == paths["4"]
