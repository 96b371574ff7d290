#!/usr/bin/env python3
"""make bench: figures of NixFleet, most of them as ratios to public tools.

Everything is measured in the same run on the same machine.  Timing alone
never makes this fail; a table says what is within its target.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "demo"))

import history  # noqa: E402
import idle  # noqa: E402
import load  # noqa: E402
import pulls  # noqa: E402
import repo_bench  # noqa: E402
import running  # noqa: E402
from fleet import Fleet, git  # noqa: E402
from gitserver import GitServer  # noqa: E402
from table import Table  # noqa: E402

COMMITS = 5000
PARTS = ("idle", "pulls", "running", "hub")


class Run:
    """What the parts of the bench share."""

    def __init__(self, folder, bin_dir, bench_dir):
        self.folder = pathlib.Path(folder)
        self.bench = pathlib.Path(bench_dir).resolve()
        self.fleet = Fleet(self.folder / "fleet", bin_dir, hosts=())
        (self.fleet.root / "home").mkdir(parents=True)
        self.config = self.fleet.root / "config.git"
        history.make(self.config, COMMITS, git)


def pids_of_our_own():
    """Run again in a pid namespace, where processes can be counted exactly."""
    if os.environ.get("NIXFLEET_BENCH_INSIDE"):
        return
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    inside = ["unshare", *user, "--pid", "--fork", "--kill-child",
              "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run(
            [*inside, "true"], capture_output=True).returncode:
        print("bench: no pid namespace here; the processes of everybody on "
              "this machine are counted")
        return
    env = {**os.environ, "NIXFLEET_BENCH_INSIDE": "1"}
    sys.exit(subprocess.run([*inside, sys.executable, *sys.argv],
                            env=env).returncode)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/bin",
                        help="folder with the programs")
    parser.add_argument("--bench", default="build/obj/bench",
                        help="folder with swarm and the bare programs")
    parser.add_argument("--only", choices=PARTS, action="append",
                        help="measure this part alone")
    parser.add_argument("--seconds", type=int, default=60,
                        help="how long agents at rest are watched")
    parser.add_argument("--rounds", type=int, default=20,
                        help="how often each pull and each push is repeated")
    parser.add_argument("--agents", type=int, default=10000)
    parser.add_argument("--json", help="also write the table here")
    return parser.parse_args()


def measure(args, run, table):
    parts = args.only or PARTS
    if "idle" in parts:
        idle.measure(run, table, args.seconds)
    if "pulls" in parts:
        server = GitServer(run.folder / "ssh")
        server.start()
        try:
            pulls.measure(run, table, "ssh", server.url(run.config),
                          server.settings(),
                          {"GIT_SSH_COMMAND": server.ssh_command()},
                          args.rounds)
            repo_bench.measure(run, table, server, git, args.rounds)
        finally:
            server.stop()
        pulls.measure(run, table, "file", f"file://{run.config}", {}, {},
                      args.rounds, targets=False)
    if "running" in parts:
        running.measure(run, table, git, args.rounds)
    if "hub" in parts:
        load.measure(run, table, args.agents, 10)


def main():
    args = parse_args()
    pids_of_our_own()
    table = Table()
    folder = tempfile.mkdtemp(prefix="nixfleet-bench-")
    run = Run(folder, args.bin, args.bench)
    try:
        measure(args, run, table)
    finally:
        run.fleet.stop()
        print("", *table.lines(), sep="\n")
        if args.json:
            table.write(args.json)
        run.fleet.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
