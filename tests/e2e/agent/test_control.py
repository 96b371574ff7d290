"""The control socket, settings, --check."""

import json
import os
import socket
import subprocess
import sys

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
        "s = socket.socket(socket.AF_UNIX); s.connect('sock')\n"
        "s.sendall(b'{\"cmd\":\"ops\"}\\n{\"cmd\":\"run\",\"op\":\"pull\"}"
        "\\n')\n"
        "f = s.makefile(); print(f.readline(), f.readline())\n")
    # Entered as root: what lies above is another test's, too.
    path.parent.chmod(0o711)
    out = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", code], cwd=path.parent, user=65534,
        group=0, extra_groups=[], stdout=subprocess.PIPE, text=True,
        check=True).stdout
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
    ({"NIXFLEET_FLAKE_ATTR": None}, "NIXFLEET_FLAKE_ATTR"),
    ({"NIXFLEET_ACTIVATE": "/nowhere/activate"}, "NIXFLEET_ACTIVATE"),
    ({"NIXFLEET_ACTIVATE": "/etc/passwd"}, "NIXFLEET_ACTIVATE"),
    ({"NIXFLEET_HOST_KIND": "nixos" if sys.platform == "darwin"
      else "darwin"}, "NIXFLEET_HOST_KIND"),
    ({"NIXFLEET_STATE_DIR": "/proc/x", "NIXFLEET_REPO_DIR": None},
     "NIXFLEET_STATE_DIR"),
    ({"NIXFLEET_URL": "http://no-such-host.invalid",
      "NIXFLEET_ALLOW_INSECURE_HTTP": "true"},
     'the host name "no-such-host.invalid"'),
    ({"NIXFLEET_URL": "http://127.0.0.1:1"}, "connection refused")])
def test_check_says_what_is_wrong(new_agent, settings, words):
    """--check fails with the reason and what to set."""
    agent = new_agent()
    done = program(agent, "--check", **settings)
    assert done.returncode == 1
    line = [li for li in done.stdout.splitlines() if "FAIL" in li]
    assert line and words in " ".join(line)


def test_check_looks_for_the_attribute(new_agent):
    """With a clone, --check knows whether there is anything to build."""
    agent = new_agent().start().ready()
    agent.end()
    done = program(agent, "--check")
    assert done.returncode == 0, done.stdout
    done = program(agent, "--check", NIXFLEET_FLAKE_ATTR="fleet.nosuch")
    line = [li for li in done.stdout.splitlines() if "FAIL" in li]
    assert done.returncode == 1 and "fleet.nosuch" in line[0], done.stdout


def test_custom_without_attribute(new_agent):
    """The start warns with the words that a switch is refused with."""
    agent = new_agent().start(NIXFLEET_FLAKE_ATTR=None).ready()
    words = "host kind custom: set NIXFLEET_FLAKE_ATTR"
    assert words in agent.log.read_text()
    end = agent.ask("run", op="switch")[-1]
    assert end["outcome"] == "refused" and words in end["message"]


def test_other_repository(new_agent):
    """An agent restarted with another branch pulls it at once."""
    agent = new_agent().start().ready()
    agent.end()
    git = ["git", "-C", str(agent.fleet.root / "config.git")]
    subprocess.run([*git, "branch", "other", "main"], check=True)
    agent.start(NIXFLEET_BRANCH="nosuch")
    repo = wait_for("a failed pull", lambda: agent.idle() and agent.ask(
        "status")[0]["repo"].get("failure") and agent.ask("status")[0]["repo"])
    assert repo["branch"] == "nosuch" and repo["failure"] == "branch_missing"
    agent.end()
    agent.start(NIXFLEET_BRANCH="other")
    repo = wait_for("the other branch", lambda: agent.idle() and "failure" not
                    in agent.ask("status")[0]["repo"] and
                    agent.ask("status")[0]["repo"])
    assert repo["branch"] == "other"


def test_missing_token_is_logged_once(new_agent):
    """One line an attempt, not two."""
    agent = new_agent().start(NIXFLEET_TOKEN=None)
    wait_for("the word", lambda: "no token" in agent.log.read_text())
    wait_for("the clone", agent.idle)
    log = agent.log.read_text()
    assert "NIXFLEET_TOKEN_FILE" in log and "no link to the hub" not in log


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


def test_stopped_pull_is_no_failure(new_agent):
    """Whoever stops a pull says nothing about the repository."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        agent = new_agent().start(NIXFLEET_REPO_URL="http://127.0.0.1:%d/x.git"
                                  % silent.getsockname()[1])
        peer, _ = silent.accept()
        agent.ask("stop")
        status = agent.ask("status")[0]
        peer.close()
    assert status["last"][0]["outcome"] == "stopped"
    assert "failure" not in status["repo"]
    assert status["compartments"]["git"]["status"] != "error"
