"""The hub under thousands of simulated agents, beside a bare server."""

import json
import os
import queue
import resource
import subprocess
import threading
import time

import procfs
from idle import Server

MEMORY_TARGET_KIB = 6
CPU_TARGET_US = 40
COMMAND_TARGET_S = 1.0
INTERVAL_MS = 5000
WARM_UP = 20		# agents that have the hub touch its code first


class Swarm:
    """bench/swarm, spoken to through its pipes."""

    def __init__(self, bench, agents, url, token, prefix="bench-"):
        self.agents = agents
        self.child = subprocess.Popen(
            [bench / "swarm", "-n", str(agents), "-p", prefix, url, token],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1,
        )
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.events.put(json.loads(line))

    def say(self, line):
        self.child.stdin.write(line + "\n")

    def wait(self, event, seconds):
        end = time.monotonic() + seconds
        lost = []
        while True:
            try:
                got = self.events.get(timeout=end - time.monotonic())
            except (queue.Empty, ValueError):
                raise RuntimeError(
                    f"swarm: waited {seconds} s for {event}; lost: {lost[:3]}"
                ) from None
            if got["event"] == event:
                return got
            if got["event"] == "closed":
                lost.append(got["why"])

    def stats(self):
        self.say("stats")
        return self.wait("stats", 20)

    def stop(self):
        self.child.stdin.close()
        self.child.wait(20)


def _steady(swarm, pid, seconds):
    """Microseconds of the server's CPU a heartbeat."""
    swarm.say(f"interval {INTERVAL_MS}")
    time.sleep(2)
    beats, cpu = swarm.stats()["heartbeats"], procfs.cpu(pid)
    time.sleep(seconds)
    beats, cpu = (swarm.stats()["heartbeats"] - beats,
                  procfs.cpu(pid) - cpu)
    swarm.say("interval 0")
    return cpu * 1e6 / beats


def _memory_each(run, pid, url, token, agents):
    """KiB of private memory for each of them, and the swarm, connected."""
    first = Swarm(run.bench, WARM_UP, url, token, "warm-")
    first.wait("registered", 60)
    time.sleep(2)
    before = procfs.memory(pid)[1]
    swarm = Swarm(run.bench, agents, url, token)
    swarm.wait("registered", 120)
    time.sleep(3)
    each = (procfs.memory(pid)[1] - before) / agents
    first.stop()
    return each, swarm


def _reference(run, agents, seconds):
    server = Server(run.bench, run.folder, False)
    pid = server.program.child.pid
    try:
        each, swarm = _memory_each(
            run, pid, f"http://127.0.0.1:{server.port}", "bench", agents)
        beat = _steady(swarm, pid, seconds)
        swarm.stop()
    finally:
        server.program.stop()
    return each, beat


def _commands(run, swarm):
    """Seconds from the request until the last agent has the command."""
    hosts = [f"bench-{i}" for i in range(swarm.agents)]
    start = time.monotonic_ns()
    run.fleet.api.dispatch("refresh-lock", hosts)
    answered = time.monotonic_ns()
    got = swarm.wait("commanded", 60)
    return (got["last_ns"] - start) / 1e9, (answered - start) / 1e9


def most_agents(wanted):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(wanted, hard - 200)


def measure(run, table, agents, seconds):
    agents = most_agents(agents)
    print(f"hub with {agents} agents", flush=True)
    ref_each, ref_beat = _reference(run, agents, seconds)
    fleet = run.fleet
    fleet.start_hub(NIXFLEET_REPO_POLL="3600", NIXFLEET_LOG_LEVEL="warn",
                    NIXFLEET_ENROL_LIMIT="100000")
    pid = fleet.hub.child.pid
    try:
        each, swarm = _memory_each(run, pid, f"http://127.0.0.1:{fleet.port}",
                                   fleet.agent_token, agents)
        table.add("hub memory an agent", each, "KiB", ref_each,
                  target=MEMORY_TARGET_KIB)
        table.add("hub CPU a heartbeat", _steady(swarm, pid, seconds), "us",
                  ref_beat, target=CPU_TARGET_US)
        last, answered = _commands(run, swarm)
        table.add(f"last of {agents} agents commanded", last, "s",
                  target=COMMAND_TARGET_S)
        table.add("answer to that request", answered, "s")
        swarm.stop()
    finally:
        fleet.hub.stop()
    os.sync()
