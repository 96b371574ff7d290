"""The control socket, settings, --check."""

import json
import os
import socket
import subprocess

import pytest
from fleet import wait_for


def test_run_and_follow(new_agent):
    """accepted, output, done, in this order; done is the Result."""
    agent = new_agent().start().ready()
    answers = agent.ask("run", op="switch")
    assert answers[0]["type"] == "accepted"
    outputs = [a for a in answers if a["type"] == "output"]
    assert [a["seq"] for a in outputs] == list(range(1, len(outputs) + 1))
    assert answers[-1]["outcome"] == "ok"
    assert answers[-1]["op_id"] == answers[0]["op_id"]
    assert [a["text"] for a in outputs] == agent.journal(
        answers[0]["op_id"])


def test_logs_and_ops(new_agent):
    """logs of the newest or a named one; ops newest first."""
    agent = new_agent().start().ready()
    first = agent.ask("run", op="refresh-git")[-1]["op_id"]
    second = agent.ask("run", op="switch")[-1]["op_id"]
    assert agent.ask("logs")[-1]["op_id"] == second
    assert agent.ask("logs", op_id=first)[-1]["op_id"] == first
    ops = agent.ask("ops", limit=2)[-1]["operations"]
    assert [op["op_id"] for op in ops] == [second, first]


def test_stop_waits_for_the_end(new_agent):
    """stop answers with the stopped operation's Result."""
    agent = new_agent().start().ready()
    agent.test_script("50-slow.sh", "#!/bin/sh\nsleep 300\n")
    agent.pull()
    op_id = agent.ask("run", op="test", follow=False)[0]["op_id"]
    agent.worker(op_id)
    running = agent.ask("logs")[-1]
    assert running["outcome"] is None
    done = agent.ask("stop")[-1]
    assert done["op_id"] == op_id and done["outcome"] == "stopped"
    assert agent.ask("stop")[-1]["type"] == "error"


def test_watch(new_agent):
    """watch shows status, output and result of what others start."""
    agent = new_agent().start().ready()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(agent.fleet.root / "sock"))
        sock.sendall(b'{"cmd":"watch"}\n')
        with sock.makefile() as lines:
            assert json.loads(lines.readline())["type"] == "status"
            op_id = agent.hub.command("switch")
            seen = []
            while "result" not in seen:
                message = json.loads(lines.readline())
                seen.append(message["type"])
    assert message["op_id"] == op_id
    assert "output" in seen and "progress" in seen


@pytest.mark.parametrize("text,code", [
    (b"{", "bad_args"), (b"[]", "bad_args"), (b"\xff\xfe", "bad_args"),
    (b'{"cmd":"dance"}', "unknown"), (b'{"cmd":7}', "bad_args"),
    (b'{"cmd":"run"}', "bad_args"), (b'{"cmd":"logs","op_id":"../x"}',
                                     "bad_args"),
    (b'{"cmd":"ops","limit":-1}', "bad_args"),
    (b'{"cmd":"run","op":"swich"}', None)])
def test_bad_requests(op_agent, text, code):
    """Every bad request gets an error that says what is allowed."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(op_agent.fleet.root / "sock"))
        sock.sendall(text + b"\n")
        answer = json.loads(sock.makefile().readline())
    assert answer["type"] == "error" and answer["text"]
    assert code is None or answer["code"] == code


def test_endless_line(op_agent):
    """A line without end costs its sender the connection, nobody else."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(op_agent.fleet.root / "sock"))
        try:
            for _ in range(100):
                sock.sendall(b"a" * 4096)
        except OSError:
            pass
        try:
            while sock.recv(65536):
                pass
        except OSError:
            pass
    assert op_agent.ask("status")[0]["host"] == "atlas"


def test_greedy_reader(op_agent):
    """Who asks and does not read is not answered without end."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(2)
        sock.connect(str(op_agent.fleet.root / "sock"))
        asked = 0
        with pytest.raises(TimeoutError):
            while asked < 64 << 20:
                asked += sock.send(b'{"cmd":"status"}\n' * 200)
    assert asked < 4 << 20
    assert op_agent.ask("status")[0]["host"] == "atlas"


def test_others_may_only_look(new_agent):
    """Members of the socket's group may read; they may not run."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    agent = new_agent().start().ready()
    path = agent.fleet.root / "sock"
    assert path.stat().st_mode & 0o777 == 0o660
    code = (
        "import os, socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.sendall(b'{\"cmd\":\"ops\"}\\n{\"cmd\":\"run\",\"op\":\"pull\"}"
        "\\n')\n"
        "f = s.makefile(); print(f.readline(), f.readline())\n")
    parent = path.parent
    while parent != parent.parent:
        parent.chmod(parent.stat().st_mode | 0o011)
        parent = parent.parent
    out = subprocess.run(
        ["/usr/bin/python3", "-c", code, str(path)], user=65534, group=0,
        extra_groups=[], stdout=subprocess.PIPE, text=True, check=True).stdout
    ops, run = [json.loads(x) for x in out.strip().split("\n") if x.strip()]
    assert ops["type"] == "done"
    assert run["type"] == "error" and run["code"] == "refused"


def program(agent, *args, **settings):
    env = agent.fleet.agent_env(
        "atlas", NIXFLEET_TOKEN=settings.pop("NIXFLEET_TOKEN",
                                             "shared-token"), **settings)
    return subprocess.run([agent.fleet.bin / "nixfleet-agent", *args],
                          env=env, capture_output=True, text=True)


def test_check(new_agent):
    """--check passes when all is well and leaves nothing behind."""
    agent = new_agent()
    done = program(agent, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shared-token" not in done.stdout
    assert "NIXFLEET_BRANCH" in done.stdout and "environment" in done.stdout
    assert agent.hub.upgrades == [(101, "shared-token")]
    assert not agent.hub.all("register")
    assert not agent.state.exists()


@pytest.mark.parametrize("settings,words", [
    ({"NIXFLEET_TOKEN": "wrong"}, "refuses this token"),
    ({"NIXFLEET_TOKEN": None}, "NIXFLEET_TOKEN_FILE"),
    ({"NIXFLEET_REPO_URL": "file:///nowhere/at/all"}, "repository"),
    ({"NIXFLEET_BRANCH": "nosuch"}, "nosuch"),
    ({"NIXFLEET_FLAKE_ATTR": None}, "system"),
    ({"NIXFLEET_URL": "http://127.0.0.1:1"}, "hub")])
def test_check_says_what_is_wrong(new_agent, settings, words):
    """--check fails with the reason and what to set."""
    agent = new_agent()
    done = program(agent, "--check", **settings)
    assert done.returncode == 1
    line = [li for li in done.stdout.splitlines() if "FAIL" in li]
    assert line and words in " ".join(line)


@pytest.mark.parametrize("settings,words", [
    ({"NIXFLEET_REPO_URL": None}, "NIXFLEET_REPO_URL"),
    ({"NIXFLEET_INTERVAL": "0"}, "NIXFLEET_INTERVAL"),
    ({"NIXFLEET_HOSTNAME": "../x"}, "NIXFLEET_HOSTNAME"),
    ({"NIXFLEET_URL": "http://fleet.example"}, "INSECURE"),
    ({"NIXFLEET_BRANHC": "x"}, "NIXFLEET_BRANCH")])
def test_bad_settings_end_the_start(new_agent, settings, words):
    """A bad setting is named, and the exit status is 1."""
    agent = new_agent()
    done = program(agent, **settings)
    assert done.returncode == 1 and words in done.stderr


def test_version_and_help(new_agent):
    """--version is what check-version expects; --help lists the settings."""
    agent = new_agent()
    assert program(agent, "--version").stdout.startswith("nixfleet-agent ")
    assert "NIXFLEET_URL" in program(agent, "--help").stdout
    assert program(agent, "--nonsense").returncode == 2


def test_works_without_a_hub(new_agent):
    """Without NIXFLEET_URL the agent serves its own host."""
    agent = new_agent()
    agent.start(NIXFLEET_URL=None, NIXFLEET_TOKEN=None)
    wait_for("the clone", (agent.state / "repo" / "flake.nix").exists)
    wait_for("nothing to run", agent.idle)
    assert agent.ask("run", op="switch")[-1]["outcome"] == "ok"
    assert agent.ask("status")[0]["hub"]["state"] == "none"
    assert agent.end() == 0
