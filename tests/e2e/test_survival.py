"""What a fleet must survive: killed programs, a lost hub, offline hosts."""

import json

from fleet import wait_for

HOST = "atlas"


def journal(fleet, op_id):
    """The host's own log of an operation, as lines of text."""
    path = fleet.root / "hosts" / HOST / "state" / "ops" / op_id / "log"
    return [
        line.split(" ", 3)[3] if line.count(" ") > 2 else ""
        for line in path.read_text().splitlines()
    ]


def slow_switch(fleet, seconds=3):
    """Dispatch a switch whose build takes some seconds; wait until it does."""
    path = fleet.root / "config" / "hosts" / HOST / "default.nix"
    path.write_text(
        path.read_text().replace("{\n", f"{{\n  seconds = {seconds};\n", 1)
    )
    fleet.set_greeting(HOST, "slow")
    op_id = fleet.api.dispatch("pull-switch", [HOST])[HOST]
    wait_for(
        "the build to print",
        lambda: any("compiling" in line for line in fleet.api.output(op_id)),
    )
    return op_id


def check_told_once(fleet, op_id):
    """The hub has every line of the host's journal, once and in order."""
    page = fleet.api.get(
        f"/api/operations/{op_id}/output", after=0, limit=10000
    )
    lines = page["lines"]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["text"] for line in lines] == journal(fleet, op_id)


def test_hub_killed_during_a_switch(new_fleet):
    """A hub that is killed and comes back has every line and the outcome."""
    fleet = new_fleet()
    fleet.start()
    op_id = slow_switch(fleet)
    fleet.hub.kill()
    result = fleet.root / "hosts" / HOST / "state" / "ops" / op_id
    wait_for("the host to finish alone", (result / "result.json").exists, 60)
    fleet.start_hub()
    assert fleet.api.finished(op_id)["outcome"] == "ok"
    check_told_once(fleet, op_id)
    assert fleet.motd(HOST) == "slow"


def test_agent_killed_during_a_switch(new_fleet):
    """A killed agent finds its worker again; the switch runs exactly once."""
    fleet = new_fleet()
    fleet.start()
    op_id = slow_switch(fleet)
    fleet.agents[HOST].kill()
    fleet.start_agent(HOST)
    operation = fleet.api.finished(op_id)
    assert operation["outcome"] == "ok", operation
    check_told_once(fleet, op_id)
    activations = [l for l in journal(fleet, op_id) if "activating " in l]
    assert len(activations) == 1, activations


def test_queue_for_an_offline_host(new_fleet):
    """What is asked of a host that is away runs when it comes back."""
    fleet = new_fleet()
    fleet.start()
    fleet.agents[HOST].stop()
    wait_for(
        "the hub to see it gone",
        lambda: fleet.api.hosts()[HOST]["liveness"] != "connected",
    )
    fleet.set_greeting(HOST, "from the queue")
    op_id = fleet.api.dispatch("pull-switch", [HOST])[HOST]
    assert fleet.api.operation(op_id)["state"] == "queued"
    fleet.start_agent(HOST)
    assert fleet.api.finished(op_id)["outcome"] == "ok"
    assert fleet.motd(HOST) == "from the queue"


def test_hub_and_remote_away_at_start(new_fleet):
    """An agent without hub and remote stays; both may come later."""
    fleet = new_fleet()
    hidden = fleet.root / "config.git.away"
    (fleet.root / "config.git").rename(hidden)
    fleet.start_agent(HOST)
    log = fleet.root / "hosts" / HOST / "agent.log"
    wait_for("the agent to say so", lambda: "config.git" in log.read_text())
    fleet.start_hub(NIXFLEET_REPO_URL="")
    wait_for("the host to connect", lambda: HOST in fleet.api.hosts())
    fleet.agents[HOST].check()
    hidden.rename(fleet.root / "config.git")
    run = fleet.api.dispatch("pull", [HOST])[HOST]
    assert fleet.api.finished(run)["outcome"] == "ok"


def test_second_machine_with_the_same_name_is_refused(new_fleet):
    """A name belongs to the machine that enrolled it."""
    fleet = new_fleet()
    fleet.start()
    token = fleet.root / "hosts" / HOST / "state" / "token"
    wait_for("the host's own token", token.exists)
    assert token.stat().st_mode & 0o777 == 0o600
    other = fleet.root / "hosts" / "thief" / "state"
    fleet.start_agent("thief", NIXFLEET_HOSTNAME=HOST)
    wait_for(
        "the conflict to be shown",
        lambda: fleet.api.hosts()[HOST]["liveness"] == "conflict"
        or any(
            "conflict" in json.dumps(event)
            for event in fleet.api.get("/api/events")["events"]
        ),
    )
    assert not (other / "token").exists()
    op_id = fleet.api.dispatch("pull", [HOST])[HOST]
    assert fleet.api.finished(op_id)["outcome"] == "ok"
