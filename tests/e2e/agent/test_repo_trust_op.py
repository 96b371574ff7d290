"""Trust through a whole agent: refused, shown, accepted by a person only."""

import pytest
from fleet import git, wait_for
from signer import GpgSigner, Signer


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


@pytest.fixture(params=["ssh", "gpg"])
def keyed(request, new_agent, tmp_path):
    """An agent switched to a signed tip; writes whose keys it trusts."""
    setting = {"ssh": "NIXFLEET_TRUST_ALLOWED_SIGNERS",
               "gpg": "NIXFLEET_TRUST_GPG_KEYS"}[request.param]
    if request.param == "ssh":
        people = {n: Signer(tmp_path, n) for n in ("ann", "bob")}
        public = {n: p.line() for n, p in people.items()}
    else:
        people = {n: GpgSigner(tmp_path, n) for n in ("ann", "bob")}
        public = {n: p.public().decode() for n, p in people.items()}
    file = tmp_path / "trusted keys"

    def trust(name):
        file.write_text(public[name])

    agent = new_agent()
    people["ann"].config(agent.fleet.root / "config")
    agent.fleet.set_greeting("atlas", "signed")
    trust("ann")
    agent.start(**{setting: str(file)}).ready()
    yield agent, trust
    for person in people.values():
        if request.param == "gpg":
            person.stop()


def test_switch_checks_the_keys_of_today(keyed):
    """Without a pull: what the present keys do not trust is not built."""
    agent, trust = keyed
    rev = agent.fleet.head()
    trust("bob")
    for op in ("switch", "test", "refresh-system"):
        done = agent.ask("run", op=op)[-1]
        assert done["outcome"] == "refused", done
        assert rev in done["message"] and "accept" in done["message"]
        assert not done["phases"], "nothing was begun"
    assert not agent.fleet.profile("atlas").exists()
    status = agent.ask("status")[0]
    assert status["repo"]["failure"] == "untrusted"
    assert status["repo"]["refused"] == rev
    assert status["compartments"]["system"]["status"] == "error"
    trust("ann")
    assert agent.ask("run", op="switch")[-1]["outcome"] == "ok"
    assert agent.fleet.motd("atlas") == "signed"
    repo = agent.ask("status")[0]["repo"]
    assert repo.get("failure") is None and repo.get("refused") is None


def test_accepted_for_a_switch(keyed):
    """An operator's word for HEAD holds for a switch, too."""
    agent, trust = keyed
    trust("bob")
    assert agent.ask("run", op="switch")[-1]["outcome"] == "refused"
    done = agent.ask("run", op="repo-accept",
                     args={"revision": agent.fleet.head()})[-1]
    assert done["outcome"] == "ok", done
    assert agent.ask("run", op="switch")[-1]["outcome"] == "ok"


def test_switch_runs_nothing_that_was_planted(new_agent, tmp_path):
    """The git of nix reads the clone too: it is cleaned before a build."""
    agent = new_agent().start().ready()
    agent.ask("run", op="pull")
    mark, trap = tmp_path / "sprung", tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    trap.chmod(0o755)
    clone = agent.state / "repo"
    with open(clone / ".git" / "config", "a") as config:
        config.write(f"[core]\n\tfsmonitor = {trap}\n[filter \"x\"]\n"
                     f"\tsmudge = {trap}\n\tclean = {trap}\n"
                     f"[gpg]\n\tprogram = {trap}\n")
    (clone / ".git" / "info" / "attributes").write_text("* filter=x\n")
    (clone / "hosts" / "atlas" / "tests").mkdir(exist_ok=True)
    script = clone / "hosts" / "atlas" / "tests" / "00-planted.sh"
    script.write_text(trap.read_text())
    script.chmod(0o755)
    assert agent.ask("run", op="switch")[-1]["outcome"] == "ok"
    agent.ask("run", op="test")
    assert not mark.exists() and not script.exists()


def test_maintenance_runs_beside(new_agent):
    """Maintenance is an operation of this machine, and pulls go on."""
    agent = new_agent().start().ready()
    done = agent.ask("run", op="repo-maintain")[-1]
    assert done["outcome"] == "ok" and "checked" in done["message"]
    agent.fleet.set_greeting("atlas", "after")
    agent.pull()
