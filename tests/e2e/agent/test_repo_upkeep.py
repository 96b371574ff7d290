"""The agent's care for its clone, and what it tells about it."""

import json
import os
import subprocess
import threading
import time

from fleet import wait_for


def git_that_waits(agent, tmp_path):
    """A PATH whose git stays in fsck for ever, and the file that says so."""
    spy, there = tmp_path / "spy", tmp_path / "there"
    spy.mkdir()
    (spy / "git").write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" fsck "*) : >{there}; exec sleep 600; esac\n'
        'exec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    return f"{spy}:{os.environ['PATH']}", there


def test_maintenance_makes_room(new_agent, tmp_path):
    """Whatever is asked for ends a maintenance that is at work, is done at
    once, and the clone is sound; the next maintenance does all of it."""
    agent = new_agent()
    path, there = git_that_waits(agent, tmp_path)
    agent.start(PATH=path).ready()
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(
        agent.ask("run", op="repo-maintain")))
    thread.start()
    wait_for("the maintenance", there.exists, 60)
    rev = agent.fleet.set_greeting("atlas", "meanwhile")
    begun = time.monotonic()
    done = agent.ask("run", op="pull")[-1]
    assert done["outcome"] == "ok" and done["generation"] == rev, done
    assert time.monotonic() - begun < 60
    thread.join(60)
    assert answers[-1]["outcome"] == "stopped", answers
    (tmp_path / "spy" / "git").unlink()
    done = agent.ask("run", op="repo-verify")[-1]
    assert done["outcome"] == "ok", done
    done = agent.ask("run", op="repo-maintain")[-1]
    assert done["outcome"] == "ok" and "checked" in done["message"]


def test_maintenance_does_not_interrupt(new_agent, tmp_path):
    """Asked for while something works on the clone, it gives up after its
    wait for the lock, and disturbs nothing."""
    agent = new_agent()
    spy, there = tmp_path / "spy", tmp_path / "there"
    go = tmp_path / "go"
    spy.mkdir()
    (spy / "git").write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = fetch ] && [ -e {tmp_path}/hold ]; then : >{there}\n'
        f"while [ ! -e {go} ]; do sleep 0.1; done; fi\n"
        'exec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    agent.start(PATH=f"{spy}:{os.environ['PATH']}").ready()
    (tmp_path / "hold").touch()
    rev = agent.fleet.set_greeting("atlas", "held")
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(
        agent.ask("run", op="pull")))
    thread.start()
    wait_for("the fetch", there.exists, 60)
    done = agent.ask("run", op="repo-maintain")[-1]
    assert done["outcome"] != "ok", done
    go.touch()
    thread.join(60)
    assert answers[-1]["outcome"] == "ok"
    assert answers[-1]["generation"] == rev
    assert agent.ask("status")[0]["repo"].get("failure") is None


def test_facts_of_the_repository(new_agent, bin_dir):
    """Heartbeat, status and --json: last success, last failure and why, and
    the bytes on disk."""
    agent = new_agent().start().ready()
    agent.pull()

    def facts(check):
        wait_for("the facts at the hub", lambda: any(
            check(p["facts"]["repo"]) for p in agent.hub.all("heartbeat")
            if "repo" in (p.get("facts") or {})), 60)

    facts(lambda r: r["last_success"] and r["bytes"] > 0 and
          "failure" not in r)
    good = agent.ask("status")[0]["repo"]["last_success"]
    remote = agent.fleet.root / "config.git"
    remote.rename(remote.with_name("away"))
    assert agent.ask("run", op="pull")[-1]["outcome"] == "failed"
    facts(lambda r: r.get("failure") == "not_found" and
          r["last_success"] == good and r["last_failure"] > good and
          "no such repository" in r["failure_text"])
    told = subprocess.run(
        [bin_dir / "nixfleet", "repo", "status", "--json"],
        env={"PATH": os.environ["PATH"],
             "NIXFLEET_CONTROL_SOCKET": str(agent.fleet.root / "sock")},
        capture_output=True, text=True, check=True)
    repo = json.loads(told.stdout)
    repo = repo.get("repo", repo)
    assert repo["failure"] == "not_found" and repo["bytes"] > 0
    assert repo["last_success"] == good
