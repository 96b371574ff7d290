"""Every operation, from the hub's API to a real host and back."""

import re

import pytest

from fleet import FleetError, git, wait_for

HOST = "atlas"


def run(fleet, op, outcome="ok", **more):
    """Run an operation to its end; returns it with its log in "log"."""
    op_id = fleet.api.dispatch(op, [HOST], **more)[HOST]
    operation = fleet.api.finished(op_id)
    operation["log"] = fleet.api.output(op_id)
    text = "\n".join(operation["log"])
    assert operation["outcome"] == outcome, f"{operation['message']}\n{text}"
    assert operation["reported"], operation
    # The count follows the log by the time that storing takes.
    wait_for(
        "all lines to be counted",
        lambda: fleet.api.operation(op_id)["lines"] == len(operation["log"]),
    )
    return operation


def compartment(fleet, name):
    return fleet.api.hosts()[HOST]["compartments"][name]


def clone_head(fleet):
    return git(
        "-c", "safe.directory=*", "rev-parse", "HEAD",
        cwd=fleet.root / "hosts" / HOST / "state" / "repo",
    )


def test_pull_brings_the_tip(fleet):
    """A pull makes the clone hold exactly the tip, and the hub sees it."""
    head = fleet.set_greeting(HOST, "pulled")
    wait_for(
        "the host to be shown behind",
        lambda: compartment(fleet, "git")["behind"] == 1,
    )
    run(fleet, "pull")
    assert clone_head(fleet) == head
    wait_for(
        "the git compartment to be ok",
        lambda: compartment(fleet, "git")["status"] == "ok",
    )


def test_switch_builds_and_activates(fleet):
    """A switch builds the clone's revision and really activates it."""
    fleet.set_greeting(HOST, "switched")
    run(fleet, "pull")
    operation = run(fleet, "switch")
    assert fleet.motd(HOST) == "switched"
    assert any("motd is now: switched" in line for line in operation["log"])
    assert {p["name"] for p in operation["phases"]} >= {"build", "activate"}
    wait_for(
        "the system compartment to be ok",
        lambda: compartment(fleet, "system")["status"] == "ok",
    )


def test_same_closure_again_activates_nothing(fleet):
    """Switching to what already runs is ok and does nothing."""
    run(fleet, "switch")
    operation = run(fleet, "switch")
    assert not any("motd is now" in line for line in operation["log"])


def test_pull_switch_in_one(fleet):
    """pull-switch goes from a pushed commit to a running closure."""
    fleet.set_greeting(HOST, "in one go")
    run(fleet, "pull-switch")
    assert fleet.motd(HOST) == "in one go"


def test_rollback_returns_to_the_previous_closure(fleet):
    """A rollback makes the closure from before the last switch run again."""
    fleet.set_greeting(HOST, "before")
    run(fleet, "pull-switch")
    before = fleet.closure(HOST)
    fleet.set_greeting(HOST, "after")
    run(fleet, "pull-switch")
    assert fleet.closure(HOST) != before
    run(fleet, "rollback")
    assert fleet.closure(HOST) == before
    assert fleet.motd(HOST) == "before"
    run(fleet, "pull-switch")


def test_update_commits_and_pushes_the_lock_file(fleet):
    """update moves an input, commits flake.lock and pushes it."""
    work = fleet.root / "modules"
    (work / "NOTES").write_text("moved\n")
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "Move", cwd=work)
    git("push", "-q", "origin", "main", cwd=work)
    before = fleet.head()
    run(fleet, "update")
    assert fleet.head() != before
    changed = git(
        "diff", "--name-only", before, "main", cwd=fleet.root / "config.git"
    )
    assert changed == "flake.lock"
    again = fleet.head()
    run(fleet, "update")
    assert fleet.head() == again, "an update without news made a commit"


def test_every_host_test_counts(fleet):
    """One failing script among passing ones makes the test run fail."""
    run(fleet, "pull-switch")
    assert "2" in run(fleet, "test")["message"]
    tests = fleet.root / "config" / "hosts" / HOST / "tests"
    (tests / "05-fails.sh").write_text("#!/bin/sh\necho broken; exit 3\n")
    (tests / "05-fails.sh").chmod(0o755)
    fleet.push("Add a failing test")
    run(fleet, "pull")
    operation = run(fleet, "test", outcome="failed")
    assert re.search(r"2\D+3", operation["message"]), operation["message"]
    (tests / "05-fails.sh").unlink()
    fleet.push("Remove the failing test")
    run(fleet, "pull")
    run(fleet, "test")


@pytest.mark.parametrize(
    "op", ["refresh-lock", "refresh-system", "refresh-all", "refresh-git",
           "repo-verify", "repo-reset"]
)
def test_small_operations(fleet, op):
    """The operations that only look, and those on the clone, end ok."""
    run(fleet, op)


def test_failed_build_says_why(fleet):
    """The compiler's words reach the operator; the host runs on unchanged."""
    before = fleet.closure(HOST)
    path = fleet.root / "config" / "hosts" / HOST / "default.nix"
    good = path.read_text()
    path.write_text("{ greeting = undefinedName; services = [ ]; }\n")
    fleet.push("Break the configuration")
    operation = run(fleet, "pull-switch", outcome="failed")
    assert "undefinedName" in operation["message"] + "\n".join(operation["log"])
    assert fleet.closure(HOST) == before
    path.write_text(good)
    fleet.push("Mend the configuration")
    run(fleet, "pull-switch")


def slow_down(fleet, seconds):
    """Make the next build of the host take that long."""
    path = fleet.root / "config" / "hosts" / HOST / "default.nix"
    text = re.sub(r"\n  seconds = .*;", "", path.read_text())
    if seconds:
        text = text.replace("{\n", f"{{\n  seconds = {seconds};\n", 1)
    path.write_text(text)
    fleet.push(f"Build for {seconds} seconds")


def test_stop_ends_the_job_and_not_the_agent(fleet):
    """Stop kills the build with its children; the agent keeps its pid."""
    pid = fleet.agents[HOST].child.pid
    slow_down(fleet, 60)
    op_id = fleet.api.dispatch("pull-switch", [HOST])[HOST]
    wait_for(
        "the build to print",
        lambda: any("compiling" in line for line in fleet.api.output(op_id)),
        60,
    )
    with pytest.raises(FleetError, match="409|busy|command_pending"):
        fleet.api.dispatch("switch", [HOST])
    fleet.api.post(f"/api/operations/{op_id}/stop")
    assert fleet.api.finished(op_id, 20)["outcome"] == "stopped"
    assert fleet.agents[HOST].running()
    assert fleet.agents[HOST].child.pid == pid
    slow_down(fleet, 0)
    run(fleet, "pull-switch")


def test_restart_ends_the_agent_with_0(fleet):
    """restart is reported ok, and the agent leaves for its manager."""
    op_id = fleet.api.dispatch("restart", [HOST])[HOST]
    wait_for("the agent to leave", lambda: not fleet.agents[HOST].running())
    assert fleet.agents[HOST].child.returncode == 0
    fleet.start_agent(HOST)
    assert fleet.api.finished(op_id)["outcome"] == "ok"
    fleet.wait_connected()
