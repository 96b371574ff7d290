"""From a pushed commit to the closure that runs, and what of it is our own.

An agent without a hub follows the branch, on a closure that holds nothing but
its activation script.  git, nix and that script run below bench/stopwatch,
which notes when; the rest of the operation is ours.
"""

import datetime
import json
import os
import re
import shutil
import statistics

from fleet import FleetError, wait_for

HOST = "running"
TOOLS = ("git", "nix", "nix-store", "nix-env", "sh")
OWN_TARGET_MS = 150
FLAKE = """\
{
  outputs = { self }: {
    fleet.running = derivation {
      name = "trivial";
      system = "@system@";
      builder = "/bin/sh";
      args = [ ./build.sh ];
      PATH = "/run/current-system/sw/bin:/usr/bin:/bin";
    };
  };
}
"""
BUILD = """\
mkdir -p $out/bin
echo '#!@sh@
echo @version@ > @live@' > $out/bin/activate
chmod 755 $out/bin/activate
"""


class Stopwatches:
    """A folder for PATH in which the tools tell when they ran."""

    def __init__(self, folder, stopwatch):
        self.bin, self.times = folder / "bin", folder / "times"
        self.bin.mkdir(parents=True)
        (folder / "real").mkdir()
        for tool in TOOLS:
            shutil.copy(stopwatch, self.bin / tool)
            (folder / "real" / tool).symlink_to(shutil.which(tool))
        self.times.touch()

    def intervals(self):
        """[(tool, begin, end)] in seconds since 1970."""
        lines = (line.split() for line in self.times.read_text().splitlines())
        return [(tool, int(begin) / 1e9, int(end) / 1e9)
                for tool, begin, end in lines]


def covered(intervals, begin, end):
    """How much of begin to end lies within at least one of the intervals."""
    total, at = 0, begin
    for one, other in sorted(intervals):
        one, other = max(one, at), min(other, end)
        if other > one:
            total += other - one
            at = other
    return total


def seconds(stamp):
    return datetime.datetime.fromisoformat(
        stamp.replace("Z", "+00:00")).timestamp()


class Host:
    """A configuration of one trivial closure and the agent that follows it."""

    def __init__(self, run, git):
        self.fleet, self.git = run.fleet, git
        self.folder = run.folder / HOST
        self.work = self.folder / "config"
        self.watches = Stopwatches(self.folder, run.bench / "stopwatch")
        self.ops = self.fleet.root / "hosts" / HOST / "state" / "ops"
        bare = self.folder / "config.git"
        system = self.fleet.nix("eval", "--impure", "--raw", "--expr",
                                "builtins.currentSystem")
        self.work.mkdir()
        git("init", "-q", "--bare", "-b", "main", str(bare))
        git("init", "-q", "-b", "main", ".", cwd=self.work)
        git("remote", "add", "origin", str(bare), cwd=self.work)
        (self.work / "flake.nix").write_text(
            FLAKE.replace("@system@", system))
        self.first = self.push("0")
        self.fleet.start_agent(
            HOST, NIXFLEET_URL=None, NIXFLEET_TOKEN=None,
            NIXFLEET_REPO_URL=f"file://{bare}", NIXFLEET_FOLLOW="switch",
            NIXFLEET_FOLLOW_INTERVAL="1", NIXFLEET_FOLLOW_JITTER="0",
            PATH=f"{self.watches.bin}:{os.environ['PATH']}",
        )

    def push(self, version):
        """Commit and push a closure of that version; returns the revision."""
        words = {"@sh@": self.watches.bin / "sh", "@version@": version,
                 "@live@": self.folder / "live"}
        (self.work / "build.sh").write_text(
            re.sub("@[a-z]+@", lambda word: str(words[word[0]]), BUILD))
        self.git("add", "-A", cwd=self.work)
        self.git("commit", "-q", "-m", version, cwd=self.work)
        rev = self.git("rev-parse", "HEAD", cwd=self.work)
        self.git("push", "-q", "origin", "main", cwd=self.work)
        return rev

    def settled(self, rev):
        """The result of the operation that brought this revision."""
        def check():
            self.fleet.agents[HOST].check()
            for path in self.ops.glob("*/result.json"):
                result = json.loads(path.read_text())
                if result["generation"] == rev:
                    return result
            return None

        result = wait_for("the pushed commit on the host", check, 120)
        if result["outcome"] != "ok":
            raise FleetError(f"{result['op']}: {result['message']}")
        return result


def _round(host, version):
    """Seconds from push to running, of the operation, and of its tools."""
    rev = host.push(version)
    pushed = datetime.datetime.now().timestamp()
    result = host.settled(rev)
    begin, end = (seconds(result[name])
                  for name in ("accepted_at", "finished_at"))
    times = host.watches.intervals()
    running = max(stop for tool, _, stop in times if tool == "sh")
    tools = covered([stretch for _, *stretch in times], begin, end)
    return running - pushed, end - begin, tools


def measure(run, table, git, rounds):
    """Medians of so many pushes."""
    print(f"pushed commits that come to run, {rounds} rounds", flush=True)
    host = Host(run, git)
    try:
        host.settled(host.first)
        found = [_round(host, str(n + 1)) for n in range(rounds)]
    finally:
        run.fleet.agents[HOST].stop()
    running, whole, tools = (statistics.median(column) * 1000
                             for column in zip(*found))
    own = statistics.median(all_ - tools for _, all_, tools in found) * 1000
    table.add("pushed to running, looking every second", running, "ms")
    table.add("of it the operation; git, nix and script", whole, "ms", tools)
    table.add("of that our own", own, "ms", target=OWN_TARGET_MS)
