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


def git_that_holds(tmp_path):
    """A PATH whose git, once there is a file hold, fetches only when there is
    a file go; the file that says so."""
    spy, there, go = tmp_path / "spy", tmp_path / "there", tmp_path / "go"
    spy.mkdir()
    (spy / "git").write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = fetch ] && [ -e {tmp_path}/hold ]; then : >{there}\n'
        f"while [ ! -e {go} ]; do sleep 0.1; done; fi\n"
        'exec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    return f"{spy}:{os.environ['PATH']}", there, go


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
    path, there, go = git_that_holds(tmp_path)
    agent.start(PATH=path).ready()
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


def upkeeps(agent):
    """Results of the maintenances so far, oldest first."""
    done = []
    for path in sorted((agent.state / "ops").glob("*/result.json")):
        request = json.loads(path.with_name("request.json").read_text())
        if request["op"] == "repo-maintain":
            done.append({**request, **json.loads(path.read_text())})
    return done


def test_maintenance_by_itself(new_agent):
    """An idle agent checks its clone as often as it is told, and the hub
    hears of it."""
    agent = new_agent()
    agent.start(NIXFLEET_REPO_UPKEEP="2s").ready()
    wait_for("two maintenances", lambda: len(upkeeps(agent)) >= 2, 60)
    for one in upkeeps(agent):
        assert (one["outcome"], one["by"]) == ("ok", "agent"), one
        assert "checked" in one["message"]
    told = agent.hub.finished(upkeeps(agent)[0]["op_id"])
    assert told["outcome"] == "ok" and told["command"] == "repo-maintain"


def test_maintenance_waits_for_its_turn(new_agent, tmp_path):
    """While an operation runs none is begun, however often one is due."""
    agent = new_agent()
    path, there, go = git_that_holds(tmp_path)
    agent.start(PATH=path, NIXFLEET_REPO_UPKEEP="1s").ready()
    wait_for("a maintenance", lambda: upkeeps(agent), 60)
    (tmp_path / "hold").touch()
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(
        agent.ask("run", op="pull")))
    thread.start()
    wait_for("the fetch", there.exists, 60)

    def requests():
        return {path.parent.name for path in
                (agent.state / "ops").glob("*/request.json")}

    before, beats = requests(), len(agent.hub.all("heartbeat"))
    # The agent's own clock says when several intervals have passed.
    wait_for("heartbeats", lambda: len(
        agent.hub.all("heartbeat")) >= beats + 3, 60)
    assert requests() == before
    go.touch()
    thread.join(60)
    assert answers[-1]["outcome"] == "ok", answers
    done = len(upkeeps(agent))
    wait_for("the next maintenance", lambda: len(upkeeps(agent)) > done, 60)


def test_maintenance_has_a_deadline(new_agent, tmp_path):
    """At its deadline it is ended with all that it started, and that is told
    to the hub; the clone stays sound and the next one begins anew."""
    agent = new_agent()
    pids, spy = tmp_path / "pids", tmp_path / "spy"
    spy.mkdir()
    (spy / "git").write_text(
        "#!/bin/sh\n"
        'case " $* " in *" fsck "*)\n'
        "trap '' TERM\n"
        f"sleep 600 & echo $$ $! >>{pids}; wait; sleep 600;; esac\n"
        'exec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    agent.start(PATH=f"{spy}:{os.environ['PATH']}", NIXFLEET_REPO_UPKEEP="3s",
                NIXFLEET_REPO_UPKEEP_TIMEOUT="2s").ready()
    wait_for("the end of a maintenance", lambda: upkeeps(agent), 90)
    (spy / "git").unlink()
    one = upkeeps(agent)[0]
    assert one["outcome"] == "timed_out" and "2 s" in one["message"], one
    told = agent.hub.finished(one["op_id"])
    assert told["outcome"] == "timed_out", told
    started = pids.read_text().split("\n")[0].split()
    wait_for("the end of all it started", lambda: not any(
        os.path.exists(f"/proc/{pid}") for pid in started), 60)
    wait_for("one that ends well", lambda: any(
        one["outcome"] == "ok" for one in upkeeps(agent)), 90)
    assert agent.ask("run", op="repo-verify")[-1]["outcome"] == "ok"


def test_maintenance_turned_off(new_agent):
    """With 0 there is none by itself; a person may still ask for one."""
    agent = new_agent()
    agent.start(NIXFLEET_REPO_UPKEEP="0").ready()
    beats = len(agent.hub.all("heartbeat"))
    wait_for("heartbeats", lambda: len(
        agent.hub.all("heartbeat")) >= beats + 2, 60)
    assert upkeeps(agent) == []
    done = agent.ask("run", op="repo-maintain")[-1]
    assert done["outcome"] == "ok" and "checked" in done["message"]


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
