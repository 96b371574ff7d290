"""The operator's command, against a real agent and a real hub."""

import contextlib
import json
import os
import pty
import re
import select
import subprocess

import pytest

HOST = "atlas"


@pytest.fixture
def command(fleet, tmp_path_factory):
    """Run `nixfleet ARGS` as a person would; returns the finished process."""
    home = tmp_path_factory.mktemp("home")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NIXFLEET_CONTROL_SOCKET": str(
            fleet.root / "hosts" / HOST / "state" / "control.sock"
        ),
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]

    def run(*args, stdin="", code=0, **more):
        done = subprocess.run(
            [fleet.bin / "nixfleet", *args], env={**env, **more},
            input=stdin, capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    run.env = env
    return run


@pytest.fixture
def logged_in(command, fleet):
    command(
        "login", f"http://127.0.0.1:{fleet.port}", stdin=fleet.password + "\n"
    )
    return command


def test_local_status(command, fleet):
    """Status names the host, the hub and the revision; also as JSON."""
    text = command("status").stdout
    assert HOST in text and fleet.head()[:7] in text
    status = json.loads(command("status", "--json").stdout)
    assert status["host"] == HOST
    assert status["repo"]["head"] == fleet.head()


def test_local_operations(command, fleet):
    """Operations run through the agent, their logs are printed and kept."""
    fleet.set_greeting(HOST, "by hand")
    command("pull")
    assert "motd is now: by hand" in command("switch").stdout
    assert "motd is now: by hand" in command("logs").stdout
    assert fleet.motd(HOST) == "by hand"
    command("test")
    command("repo", "verify")
    command("repo", "reset")
    assert "by hand" in fleet.motd(HOST)
    fleet.set_greeting(HOST, "by hand again")
    command("pull-switch")
    command("rollback")
    assert fleet.motd(HOST) == "by hand"


def test_generations(command, fleet):
    """They are listed with their commits; one is gone back to by its number
    or by its path."""
    closures = []
    for greeting in ("first", "second", "third"):
        rev = fleet.set_greeting(HOST, greeting)
        command("pull-switch")
        closures.append(fleet.closure(HOST))
    text = command("generations").stdout
    assert f"{HOST}: greet with 'third'" in text and closures[0] in text
    assert re.search(rf"next runs +\d+ .* {rev[:7]} .*third", text)
    listed = json.loads(command("generations", "--json").stdout)
    assert [g["path"] for g in listed[-3:]] == closures
    assert [g["current"] for g in listed[-2:]] == [False, True]
    assert listed[-1]["revision"] == rev
    command("rollback", str(listed[-3]["number"]))
    assert fleet.motd(HOST) == "first"
    command("rollback", closures[1])
    assert fleet.motd(HOST) == "second"
    gone = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-gone"
    assert gone in command("rollback", gone, code=1).stderr
    assert '"third"' in command("rollback", "third", code=2).stderr


SLOW = """
        atlas = derivation {
          name = "slow"; system = "@system@"; builder = "/bin/sh";
          PATH = "/bin:/usr/bin";
          args = [ "-c" "while [ ! -e @go@ ]; do sleep 0.05; done; exit 3" ];
        };
"""


def on_terminal(argv, env, see, then):
    """Run a program on a terminal; ${then} is called once it has printed
    what ${see} matches.  All that it printed."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, env=env, stdin=theirs, stdout=theirs,
                             stderr=theirs)
    os.close(theirs)
    text, seen = "", False
    with contextlib.suppress(OSError):      # the terminal's end
        while select.select([ours], [], [], 60)[0]:
            part = os.read(ours, 65536)
            text += part.decode(errors="replace")
            if not seen and re.search(see, text):
                seen = True
                then()
    os.close(ours)
    assert seen or child.kill(), text
    child.wait(60)
    return text


def test_progress_on_a_terminal(command, fleet, tmp_path):
    """A bar says what is built while it is built, and goes; on failure the
    builder's end is told."""
    flake = fleet.root / "config" / "flake.nix"
    before, go = flake.read_text(), tmp_path / "go"
    system = fleet.nix("eval", "--impure", "--raw", "--expr",
                       "builtins.currentSystem")
    slow = SLOW.replace("@system@", system).replace("@go@", str(go))
    flake.write_text(before.replace('atlas = host "atlas";', slow.strip()))
    fleet.push("Build slowly")
    text = on_terminal(
        [fleet.bin / "nixfleet", "pull-switch"], command.env,
        r"build +\[\.+\] 0/1 building slow", go.touch)
    end = text.replace("\r", "\n").rstrip().splitlines()[-1]
    assert "pull-switch: failed in " in end
    assert "exit code 3" in end
    flake.write_text(before)
    fleet.push("Build fast")


def test_local_update_dry_run_changes_nothing(command, fleet):
    """--dry-run only shows."""
    before = fleet.head()
    command("update", "--dry-run")
    assert fleet.head() == before


def test_no_agent(command, tmp_path):
    """Without an agent the command says where it looked, with status 3."""
    gone = str(tmp_path / "nobody.sock")
    done = command("status", code=3, NIXFLEET_CONTROL_SOCKET=gone)
    assert gone in done.stderr


def test_unknown_verb_names_the_nearest(command):
    """A slip of the finger gets the verb that was meant, with status 2."""
    assert "switch" in command("swich", code=2).stderr
    assert "NIXFLEET_HUB" in command(
        "status", code=2, NIXFLEET_HUBB="x"
    ).stderr


def test_fleet_verbs(logged_in, fleet):
    """Hosts, runs, logs and events of the hub, for people and programs."""
    assert HOST in logged_in("hosts").stdout
    hosts = json.loads(logged_in("hosts", "--json").stdout)
    rows = hosts["hosts"] if isinstance(hosts, dict) else hosts
    assert [row["id"] for row in rows] == [HOST]
    fleet.set_greeting(HOST, "from afar")
    done = logged_in("run", "pull-switch", HOST)
    assert "motd is now: from afar" in done.stdout
    assert "motd is now: from afar" in logged_in("logs", HOST).stdout
    logged_in("run", "test", "--all")
    assert "pull-switch" in logged_in("events").stdout


def test_remove_host(logged_in, fleet):
    """A host that is gone is removed; one that is connected is not."""
    fleet.api.post("/api/hosts", {"hostname": "retired"})
    assert "retired" in logged_in("hosts").stdout
    assert "retired" in logged_in("hosts", "remove", "retired").stdout
    assert "retired" not in logged_in("hosts").stdout
    assert "connected" in logged_in("hosts", "remove", HOST, code=1).stderr
    assert "retired" in logged_in("hosts", "remove", "retired", code=1).stderr
    logged_in("hosts", "remove", "../session", code=2)
    assert HOST in logged_in("hosts").stdout


def test_accept_host(logged_in, fleet):
    """The name of a revoked host that was removed is shown as blocked, until
    it is accepted."""
    fleet.api.post("/api/hosts", {"hostname": "stolen"})
    fleet.api.call("DELETE", "/api/hosts/stolen/token")
    logged_in("hosts", "remove", "stolen")
    assert "nixfleet hosts accept stolen" in logged_in("hosts").stdout
    assert json.loads(logged_in("hosts", "--json").stdout)
    assert "accepted" in logged_in("hosts", "accept", "stolen").stdout
    assert "stolen" not in logged_in("hosts").stdout
    assert "stolen" in logged_in("hosts", "accept", "stolen", code=1).stderr


def test_fleet_errors(logged_in, command):
    """Unknown hosts and operations are named, with the nearest known one."""
    assert "no such host" in logged_in("run", "pull", "atlass", code=1).stdout
    assert "pull" in logged_in("run", "pul", HOST, code=2).stderr


def test_wrong_password(command, fleet):
    """A wrong password is an error, and no session is kept."""
    command("login", f"http://127.0.0.1:{fleet.port}", stdin="no\n", code=1)
    assert "login" in command("hosts", code=1).stderr
