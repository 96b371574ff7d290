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


def test_flake_in_a_subdirectory(config):
    """The flake may be below the top and use a submodule that is not: the
    nix of the day builds it, though "path:" knows no "dir=" there."""
    agent = config
    work = agent.fleet.root / "config"
    (work / "the site").mkdir()
    for name in git("ls-files", cwd=work).split():
        top = name.split("/")[0]
        if (work / top).exists() and top != ".gitmodules":
            (work / top).rename(work / "the site" / top)
    path = work / "the site" / "hosts" / "atlas" / "default.nix"
    path.write_text(path.read_text().replace("../../words",
                                             "../../../words"))
    rev = use(agent, git("rev-parse", "HEAD",
                         cwd=agent.fleet.root / "words").strip())
    agent.start(NIXFLEET_REPO_SUBMODULES="true",
                NIXFLEET_REPO_SUBDIR="the site")
    agent.hub.link()
    wait_for("the first clone", lambda: (
        agent.state / "repo/the site/flake.nix").exists(), 60)
    wait_for("nothing to run", agent.idle)
    done = agent.ask("run", op="switch")[-1]
    assert done["outcome"] == "ok" and done["generation"] == rev, done
    assert agent.fleet.motd("atlas") == "first"
    use(agent, say(agent, "second"))
    assert agent.ask("run", op="pull")[-1]["outcome"] == "ok"
    done = agent.ask("run", op="refresh-system")[-1]
    system = agent.ask("status")[0]["compartments"]["system"]
    assert system["status"] == "outdated", system
    done = agent.ask("run", op="switch")[-1]
    assert done["outcome"] == "ok", done
    assert agent.fleet.motd("atlas") == "second"


def test_update_moves_no_submodule(config):
    """An update commits the parent's flake.lock and nothing else: submodules
    stay at the commits that the branch names."""
    agent = config
    work = agent.fleet.root / "config"
    rev = git("rev-parse", "HEAD", cwd=agent.fleet.root / "words").strip()
    use(agent, rev)
    agent.start(NIXFLEET_REPO_SUBMODULES="true").ready()
    say(agent, "newer")
    before = agent.fleet.head()
    modules = agent.fleet.root / "modules"
    (modules / "NEWS").write_text("something to move to\n")
    git("add", "-A", cwd=modules)
    git("commit", "-q", "-m", "news", cwd=modules)
    git("push", "-q", "origin", "HEAD:main", cwd=modules)
    done = agent.ask("run", op="update")[-1]
    assert done["outcome"] == "ok", done
    git("pull", "-q", "origin", "main", cwd=work)
    after = agent.fleet.head()
    names = git("diff", "--name-only", before, after, cwd=work).split()
    assert names == ["flake.lock"], done
    assert rev in git("ls-tree", after, "words", cwd=work)
    words = agent.state / "repo" / "words"
    assert (words / "greeting").read_text() == "first"
    assert agent.ask("run", op="repo-verify")[-1]["outcome"] == "ok"
    done = agent.ask("run", op="switch")[-1]
    assert done["outcome"] == "ok" and done["generation"] == after, done
    assert agent.fleet.motd("atlas") == "first"
