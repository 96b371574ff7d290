"""Pulls of repositories with short and long histories, beside bare git.

Over ssh, without an agent: the library's own driver against `git fetch` and
`git reset`, with the processes started, the bytes written and the memory of
a pull.
"""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import time

import history
import procfs

SIZES = (200, 5000, 100000)
TARGET = 1.2


class Case:
    def __init__(self, run, server, tool, commits):
        self.commits = commits
        self.top = run.folder / f"history-{commits}"
        self.top.mkdir()
        self.bare = self.top / "config.git"
        self.clone = self.top / "clone"
        self.state = self.top / "state"
        self.url = server.url(self.bare)
        settings = server.settings()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.top),
                    "LC_ALL": "C"}
        self.git_env = {**self.env, "GIT_CONFIG_NOSYSTEM": "1",
                        "GIT_SSH_COMMAND": server.ssh_command()}
        self.ours = [str(tool), f"url={self.url}", f"state={self.state}",
                     f"dir={self.state}/repo",
                     f"key={settings['NIXFLEET_SSH_KEY']}", "pull"]

    def call(self, argv, env, cwd=None):
        """Seconds and processes of one run."""
        before, start = procfs.started(), time.monotonic()
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True)
        took = time.monotonic() - start, procfs.started() - before
        if done.returncode:
            raise RuntimeError(f"{argv}: {done.stdout!r} {done.stderr!r}")
        return took

    def git(self, *args):
        return self.call(["git", *args], self.git_env, self.clone)

    def pull(self):
        return self.call(self.ours, self.env)

    def fetch(self):
        return self.git("fetch", "origin")

    def fetch_reset(self):
        fetched = self.fetch()
        reset = self.git("reset", "--hard", "origin/main")
        return fetched[0] + reset[0], fetched[1] + reset[1]

    def begin(self, git):
        history.make(self.bare, self.commits, git)
        self.call(["git", "clone", "-q", "--single-branch", self.url,
                   str(self.clone)], self.git_env)
        self.pull()

    def written(self):
        """Bytes that a changed pull leaves on disk in place of others."""
        def files():
            return {p: (st.st_ino, st.st_ctime_ns, st.st_size)
                    for p in self.state.rglob("*")
                    if p.is_file() and (st := p.lstat())}
        before = files()
        history.advance(self.bare)
        self.pull()
        return sum(v[2] for p, v in files().items() if before.get(p) != v)

    def done(self):
        shutil.rmtree(self.top, ignore_errors=True)


def _compare(table, label, rounds, bare, ours, before=None):
    pairs = []
    for _ in range(rounds):
        if before:
            before()
        pairs.append((bare(), ours()))
    seconds = [statistics.median(p[i][0] for p in pairs) for i in (0, 1)]
    started = [min(p[i][1] for p in pairs) for i in (0, 1)]
    table.add(f"{label}, time", seconds[1] * 1000, "ms", seconds[0] * 1000,
              ratio_target=TARGET)
    table.add(f"{label}, processes", started[1], "", started[0])


def measure(run, table, server, git, rounds, sizes=SIZES):
    tool = pathlib.Path(run.bench).parent / "tests/unit/repo/repo_tool"
    if not tool.exists():
        print(f"bench: no {tool}; histories are not measured")
        return
    for commits in sizes:
        print(f"histories of {commits} commits", flush=True)
        case = Case(run, server, tool, commits)
        try:
            case.begin(git)
            name = f"{commits} commits"
            _compare(table, f"unchanged pull, {name}", rounds, case.fetch,
                     case.pull)
            _compare(table, f"changed pull, {name}", rounds,
                     case.fetch_reset, case.pull,
                     before=lambda: history.advance(case.bare))
            table.add(f"changed pull, {name}, written",
                      case.written() / 1024, "KiB")
        finally:
            case.done()
    # The largest child there was: git with the longest history.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    table.add("pull, largest process", peak / 1024, "MiB")
