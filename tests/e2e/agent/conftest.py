"""Fixtures of the agent's own tests: one agent, a hub of python, real git and
real nix."""

import json
import os
import signal
import socket

import pytest

from fleet import Fleet, Program, wait_for
from ws_hub import WsHub

HOST = "atlas"


class Agent:
    """One agent on the sample configuration, and its hub."""

    def __init__(self, fleet, hub):
        self.fleet, self.hub = fleet, hub
        self.dir = fleet.root / "hosts" / HOST
        self.state = self.dir / "state"
        self.log = self.dir / "agent.log"
        self.program = None

    def start(self, **settings):
        env = {"NIXFLEET_TOKEN": "shared-token",
               "NIXFLEET_CONTROL_SOCKET": str(self.fleet.root / "sock"),
               **settings}
        self.fleet.start_agent(HOST, **env)
        self.program = self.fleet.agents[HOST]
        return self

    def ready(self):
        """Connected, with a clone, and nothing at work."""
        self.hub.link()
        wait_for("the first clone", lambda: (self.state / "repo" /
                                             "flake.nix").exists(), 60)
        wait_for("nothing to run", self.idle)
        return self

    def idle(self):
        """It answers, and nothing is at work."""
        try:
            return self.ask("status")[0]["operation"] is None
        except OSError:
            return False

    def kill(self):
        self.program.kill(signal.SIGKILL)
        self.hub.wait("the end of its link", lambda: not any(
            link.open for link in self.hub.links))

    def end(self):
        return self.program.stop()

    def ask(self, cmd, timeout=60, **fields):
        """Every answer of the control socket to one request."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(str(self.fleet.root / "sock"))
            sock.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
            answers = []
            with sock.makefile() as lines:
                for line in lines:
                    answers.append(json.loads(line))
                    if answers[-1]["type"] in ("done", "error"):
                        return answers
        return answers

    def pull(self):
        """Bring the clone to the branch, asked for on this host."""
        answers = self.ask("run", op="pull")
        assert answers[-1].get("outcome") == "ok", answers

    def op_dir(self, op_id):
        return self.state / "ops" / op_id

    def journal(self, op_id):
        """The lines of an operation's log on disk."""
        text = (self.op_dir(op_id) / "log").read_text().split("\n")[:-1]
        return [line.split(" ", 3)[3] if line.count(" ") > 2 else ""
                for line in text]

    def result(self, op_id):
        return json.loads((self.op_dir(op_id) / "result.json").read_text())

    def worker(self, op_id):
        """The pid of the operation's worker while it lives."""
        def check():
            try:
                pid = int((self.op_dir(op_id) / "lock").read_text())
                os.kill(pid, 0)
                return pid
            except (OSError, ValueError):
                return None
        return wait_for("a worker", check)

    def test_script(self, name, text):
        """Put a host test into the configuration and push it."""
        path = (self.fleet.root / "config" / "hosts" / HOST / "tests" / name)
        path.write_text(text)
        path.chmod(0o755)
        return self.fleet.push(f"Add {name}")


@pytest.fixture
def new_agent(tmp_path, bin_dir):
    """A factory of agents with a hub that runs; not started yet."""
    made = []

    def make(dialect=4, **how):
        hub = WsHub(dialect, **how).start()
        fleet = Fleet(tmp_path / f"f{len(made)}", bin_dir, port=hub.port,
                      hosts=(HOST,))
        fleet.create()
        agent = Agent(fleet, hub)
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.fleet.stop()
        agent.hub.stop()


@pytest.fixture(scope="module")
def op_agent(tmp_path_factory, bin_dir):
    """One agent, switched once, for what leaves nothing behind."""
    hub = WsHub().start()
    fleet = Fleet(tmp_path_factory.mktemp("ops"), bin_dir, port=hub.port,
                  hosts=(HOST,))
    fleet.create()
    agent = Agent(fleet, hub)
    agent.start(PATH=f"{bin_dir}:{os.environ['PATH']}").ready()
    assert hub.finished(hub.command("switch"))["outcome"] == "ok"
    yield agent
    fleet.stop()
    hub.stop()
