"""Pulls and clones through the agent, beside git by itself."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import time

import history
import procfs
from fleet import wait_for

PULL_TARGET = 1.2
CLONE_TARGET = 1.15


def timed(call):
    """Seconds and processes that call() took."""
    before, start = procfs.started(), time.monotonic()
    call()
    return time.monotonic() - start, procfs.started() - before


class Pair:
    """A clone that git keeps by itself and one that an agent keeps."""

    def __init__(self, run, name, url, settings, env):
        self.run, self.name, self.url = run, name, url
        self.settings = {"NIXFLEET_URL": None, "NIXFLEET_REPO_URL": url,
                         **settings}
        self.env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1",
                    "GIT_CONFIG_GLOBAL": "/dev/null", **env}
        self.bare = run.folder / f"bare-{name}"
        self.host = f"pull-{name}"
        self.state = run.fleet.root / "hosts" / self.host / "state"

    def git(self, *args, cwd=None):
        subprocess.run(["git", *args], cwd=cwd, env=self.env, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def bare_clone(self):
        shutil.rmtree(self.bare, ignore_errors=True)
        return timed(lambda: self.git(
            "clone", "--single-branch", "--branch", "main", self.url,
            str(self.bare)))

    def bare_fetch(self):
        return timed(lambda: self.git("fetch", "origin", cwd=self.bare))

    def bare_fetch_reset(self):
        def call():
            self.git("fetch", "origin", cwd=self.bare)
            self.git("reset", "--hard", "origin/main", cwd=self.bare)
        return timed(call)

    def agent_clone(self):
        """From the start of an agent without a clone until it has one."""
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)
        fleet = self.run.fleet

        def call():
            fleet.start_agent(self.host, **self.settings)
            end = time.monotonic() + 60
            while not (self.state / "repo" / ".git").exists():
                if time.monotonic() > end:
                    fleet.agents[self.host].check()
                    raise RuntimeError("the agent makes no clone")
                time.sleep(0.001)
        return timed(call)

    def ask(self, op):
        """The last answer of the agent's control socket."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(60)
            link.connect(str(self.state / "control.sock"))
            link.sendall(json.dumps({"cmd": "run", "op": op}).encode() + b"\n")
            for line in link.makefile("rb"):
                answer = json.loads(line)
                if answer["type"] in ("done", "error"):
                    return answer
        return {"type": "nothing"}

    def pull(self):
        answer = {}

        def call():
            answer.update(self.ask("pull"))

        took = timed(call)
        if answer.get("outcome") != "ok":
            raise RuntimeError(f"pull: {answer}")
        return took

    def ready(self):
        """Wait until the agent has done what it does when it starts."""
        where = self.state / "control.sock"
        wait_for("the agent's control socket", where.exists, 20)
        wait_for("the agent's first pull",
                 lambda: self.ask("pull")["type"] == "done", 60)

    def stop(self):
        agent = self.run.fleet.agents.pop(self.host, None)
        if agent:
            agent.stop()


def _compare(table, label, rounds, bare, ours, target, before=None):
    """Medians of both, taken in turns; processes are the fewest seen."""
    pairs = []
    for _ in range(rounds):
        if before:
            before()
        pairs.append((bare(), ours()))
    seconds = [statistics.median(p[side][0] for p in pairs)
               for side in (0, 1)]
    started = [min(p[side][1] for p in pairs) for side in (0, 1)]
    table.add(f"{label}, time", seconds[1] * 1000, "ms", seconds[0] * 1000,
              ratio_target=target)
    table.add(f"{label}, processes", started[1], "", started[0])


def measure(run, table, name, url, settings, env, rounds, targets=True):
    """All three comparisons over one transport."""
    print(f"pulls over {name}", flush=True)
    pair = Pair(run, name, url, settings, env)
    pull_target = PULL_TARGET if targets else None
    try:
        _compare(table, f"first clone, {name}", max(3, rounds // 4),
                 pair.bare_clone, pair.agent_clone,
                 CLONE_TARGET if targets else None)
        pair.ready()
        _compare(table, f"unchanged pull, {name}", rounds, pair.bare_fetch,
                 pair.pull, pull_target)
        _compare(table, f"changed pull, {name}", rounds,
                 pair.bare_fetch_reset, pair.pull, pull_target,
                 before=lambda: history.advance(run.config))
    finally:
        pair.stop()
