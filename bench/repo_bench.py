"""Pulls of repositories with short and long histories, beside bare git.

Over ssh and file://, without an agent: the library's own driver against
`git fetch` and `git reset`, with the processes started, the bytes written and
the memory of a pull.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import time

import history
import procfs

SIZES = (200, 5000, 100000)
TARGET = 1.2


class Case:
    """One history over one transport: a clone of git's and one of ours."""

    def __init__(self, top, bare, url, server, tool):
        self.top, self.bare, self.url = top, bare, url
        top.mkdir()
        self.clone = self.top / "clone"
        self.state = self.top / "state"
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

    def begin(self):
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

    def memory(self):
        """Most KiB that our process of a changed pull ever held."""
        history.advance(self.bare)
        child = subprocess.Popen(self.ours, env=self.env,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        own = 0
        # It grows only, and is gone with the process.
        while peak := procfs.peak(child.pid):
            own = peak
            time.sleep(0.0005)
        if child.wait():
            raise RuntimeError(f"{self.ours}: status {child.returncode}")
        return own

    def measure(self, table, name, rounds):
        self.begin()
        _compare(table, f"unchanged pull, {name}", rounds, self.fetch,
                 self.pull)
        _compare(table, f"changed pull, {name}", rounds, self.fetch_reset,
                 self.pull, before=lambda: history.advance(self.bare))
        table.add(f"changed pull, {name}, written", self.written() / 1024,
                  "KiB")
        table.add(f"changed pull, {name}, memory", self.memory() / 1024,
                  "MiB")


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
        top = run.folder / f"history-{commits}"
        top.mkdir()
        bare = top / "config.git"
        history.make(bare, commits, git)
        for proto, url in (("ssh", server.url(bare)),
                           ("file", f"file://{bare}")):
            case = Case(top / proto, bare, url, server, tool)
            case.measure(table, f"{commits} commits, {proto}", rounds)
        shutil.rmtree(top)
