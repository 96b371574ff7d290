"""Submodules through a whole agent: pulled, built by nix, kept in step."""

import pytest
from fleet import git, wait_for


@pytest.fixture
def config(new_agent):
    """An agent whose configuration reads its greeting from a submodule."""
    agent = new_agent()
    root = agent.fleet.root
    for name in ("words.git", "words"):
        (root / name).mkdir()
    git("init", "-q", "--bare", "-b", "main", cwd=root / "words.git")
    git("init", "-q", "-b", "main", cwd=root / "words")
    say(agent, "first")
    work = root / "config"
    (work / ".gitmodules").write_text(
        '[submodule "w"]\n\tpath = words\n\turl = ../words.git\n')
    path = work / "hosts" / "atlas" / "default.nix"
    text = path.read_text()
    line = next(one for one in text.splitlines() if "greeting =" in one)
    path.write_text(text.replace(
        line, "  greeting = builtins.readFile ../../words/greeting;"))
    return agent


def say(agent, greeting):
    """A commit of the submodule; returns it."""
    work = agent.fleet.root / "words"
    (work / "greeting").write_text(greeting)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", greeting, cwd=work)
    git("push", "-q", "../words.git", "HEAD:main", cwd=work)
    return git("rev-parse", "HEAD", cwd=work).strip()


def use(agent, rev):
    """The configuration has that commit of the submodule from now on."""
    work = agent.fleet.root / "config"
    (work / "words").mkdir(exist_ok=True)
    git("add", "-A", cwd=work)
    git("update-index", "--add", "--cacheinfo", f"160000,{rev},words",
        cwd=work)
    git("commit", "-q", "-m", f"words {rev}", cwd=work)
    git("push", "-q", "origin", "main", cwd=work)
    return agent.fleet.head()


def test_switch_with_submodules(config):
    """What nix builds has the submodule's files, and the commit's own name;
    the clone's submodule is not asked for by nix again."""
    agent = config
    use(agent, git("rev-parse", "HEAD",
                   cwd=agent.fleet.root / "words").strip())
    agent.start(NIXFLEET_REPO_SUBMODULES="true").ready()
    done = agent.ask("run", op="switch")[-1]
    assert done["outcome"] == "ok", done
    assert agent.fleet.motd("atlas") == "first"
    rev = use(agent, say(agent, "second"))
    done = agent.ask("run", op="pull")[-1]
    assert done["outcome"] == "ok" and done["generation"] == rev
    # From here on the servers are away.
    for name in ("words.git", "config.git"):
        (agent.fleet.root / name).rename(agent.fleet.root / f"{name}.away")
    done = agent.ask("run", op="switch")[-1]
    assert done["outcome"] == "ok", done
    assert agent.fleet.motd("atlas") == "second"
    done = agent.ask("run", op="refresh-system")[-1]
    assert done["outcome"] == "ok"
    assert agent.ask("status")[0]["compartments"]["system"]["status"] == "ok"


def test_refused_submodule_is_told(config):
    """The word for it is in status and facts, and the host goes on."""
    agent = config
    work = agent.fleet.root / "config"
    rev = git("rev-parse", "HEAD", cwd=agent.fleet.root / "words").strip()
    use(agent, rev)
    agent.start(NIXFLEET_REPO_SUBMODULES="true").ready()
    before = agent.ask("status")[0]["repo"]["head"]
    (work / ".gitmodules").write_text(
        '[submodule "w"]\n\tpath = words\n\turl = ext::sh -c id\n')
    use(agent, rev)
    done = agent.ask("run", op="pull")[-1]
    assert done["outcome"] == "refused" and "submodule words" in (
        done["message"])
    repo = agent.ask("status")[0]["repo"]
    assert repo["failure"] == "submodule" and repo["head"] == before
    wait_for("the facts at the hub", lambda: any(
        (p.get("facts") or {}).get("repo", {}).get("failure") == "submodule"
        for p in agent.hub.all("heartbeat")), 60)
