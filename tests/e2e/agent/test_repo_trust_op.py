"""Trust through a whole agent: refused, shown, accepted by a person only."""

import pytest
from fleet import git, wait_for


@pytest.fixture
def refusing(new_agent, tmp_path):
    """An agent that refuses a rewritten branch, and such a branch."""
    agent = new_agent().start(NIXFLEET_TRUST_HISTORY="fast-forward").ready()
    first = agent.fleet.head()
    agent.fleet.set_greeting("atlas", "one")
    agent.pull()
    # The same change again, as another commit on the first one.
    work = agent.fleet.root / "config"
    git("reset", "-q", "--soft", first, cwd=work)
    git("commit", "-q", "-m", "rewritten", cwd=work)
    git("push", "-q", "-f", "origin", "HEAD:main", cwd=work)
    return agent, agent.fleet.head()


def test_refused_and_accepted(refusing):
    """The refused revision is in status and facts until it is accepted."""
    agent, rev = refusing
    done = agent.ask("run", op="pull")[-1]
    assert done["outcome"] == "refused" and rev in done["message"]
    repo = agent.ask("status")[0]["repo"]
    assert repo["failure"] == "rewritten" and repo["refused"] == rev
    assert "accept" in repo["failure_text"] and repo["bytes"] > 0
    wait_for("the facts at the hub", lambda: any(
        (p.get("facts") or {}).get("repo", {}).get("refused") == rev
        for p in agent.hub.all("heartbeat")), 60)
    done = agent.ask("run", op="repo-accept",
                     args={"revision": rev})[-1]
    assert done["outcome"] == "ok" and done["generation"] == rev
    repo = agent.ask("status")[0]["repo"]
    assert repo.get("failure") is None and repo.get("refused") is None


def test_no_hub_may_accept(refusing):
    """A hub that asks for it is rejected, and nothing changes."""
    agent, rev = refusing
    agent.ask("run", op="pull")
    op_id = agent.hub.command("repo-accept", args={"revision": rev})
    said = agent.hub.expect("command_rejected", 30, op_id=op_id)
    assert said["code"] == "policy"
    assert agent.ask("status")[0]["repo"]["head"] != rev


def test_maintenance_runs_beside(new_agent):
    """Maintenance is an operation of this machine, and pulls go on."""
    agent = new_agent().start().ready()
    done = agent.ask("run", op="repo-maintain")[-1]
    assert done["outcome"] == "ok" and "checked" in done["message"]
    agent.fleet.set_greeting("atlas", "after")
    agent.pull()
