"""Who may ask the activation service, and for what."""

import json
import socket
import subprocess
import sys

from conftest import agent_unit
from machine import ulid, wait_for

SOCKET = "/run/nixfleet-activate/socket"
UNIT = {"nixfleet-agent.service": agent_unit()}
# Connects from the directory it is started in, as somebody else.
STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[2]))
peer = socket.socket(socket.AF_UNIX)
try:
    peer.connect("socket")
    peer.sendall(b'{"verb":"reboot"}\\n')
    print(peer.recv(1000))
except OSError as error:
    print(error.strerror)
"""


def ask(machine, **request):
    (answer,) = machine.ask(SOCKET, request)
    return answer


def prepare(machine, path, **more):
    request = {"verb": "prepare", "op": ulid(), "kind": "nixos",
               "mode": "switch", "path": path, "timeout": 60000,
               "confirm": 8000, **more}
    return ask(machine, **request)


def user_id(machine, flag, user):
    return machine.run(f"id {flag} {user}").strip()


def stranger(machine, gid, uid):
    return subprocess.run(
        [sys.executable, "-c", STRANGER, gid, uid],
        cwd=machine.inside("/run/nixfleet-activate"),
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.strip()


def test_strangers(machine):
    """The socket's group opens the door, the user's id is checked behind it."""
    nobody = user_id(machine, "-u", "nobody")
    group = user_id(machine, "-g", "nixfleet-agent")
    assert stranger(machine, nobody, nobody) == "Permission denied"
    # Which of the two depends on who is first, the question or the close.
    assert stranger(machine, group, nobody) in (
        "Connection reset by peer", "Broken pipe")
    assert "stranger" in machine.run("journalctl -u nixfleet-activate")


def test_closures_that_are_not_systems(machine):
    """The service looks for itself whether it may activate a path."""
    system = machine.run("readlink -f /nix/var/nix/profiles/system").strip()
    plain = machine.run(
        "cd /tmp && mkdir -p x/bin && cp $(which true) "
        "x/bin/switch-to-configuration && nix-store --add x").strip()
    forged = system.replace("-1", "-7")
    machine.run(f"cp -r {system} {forged}")
    for path, text in (
        ("/etc", "not a store path"),
        (system + "/bin", "not a store path"),
        (system + "-gone", "No such file"),
        (plain, "not a system of kind nixos"),
        (forged, "not registered in the store"),
    ):
        answer = prepare(machine, path)
        assert not answer["ok"] and text in answer["text"], answer
    answer = prepare(machine, system, kind="darwin")
    assert not answer["ok"] and "kind nixos" in answer["text"], answer
    assert machine.run("ls /var/lib/nixfleet-activate").count("\n") <= 2


def test_one_at_a_time(machine):
    """While one is open there is no other, no reboot and no confirmation."""
    machine.hold("after")
    machine.push("2", units=UNIT, after="hold after")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "activating")
    system = machine.run("readlink -f /nix/var/nix/profiles/system").strip()
    assert prepare(machine, system)["code"] == "busy"
    assert ask(machine, verb="reboot")["code"] == "busy"
    for verb in ("confirm", "revert"):
        answer = ask(machine, verb=verb, op=op)
        assert answer["code"] == "refused", answer
    assert ask(machine, verb="activate", op=op)["code"] == "refused"
    assert ask(machine, verb="status", op=op)["ok"]
    machine.release("after")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)


def test_a_person_reverts(machine):
    """What waits for its confirmation can be undone at once."""
    machine.push("2", units=UNIT, after="systemctl stop nixfleet-hub")
    op = machine.start_op("pull-switch")
    machine.in_phase(op, "confirming")
    assert ask(machine, verb="revert", op=op, reason="Ada said so")["ok"]
    result = machine.finished(op)
    assert result["outcome"] == "rolled_back", machine.story(op)
    assert "Ada said so" in result["message"]
    assert machine.link("/run/current-system").endswith("h1-1")


def test_requests_that_are_none(machine):
    """Garbage, half a line and silence cost the service nothing."""
    for junk in (b"\n", b"{}\n", b"x" * 20000, b'{"verb":"reboot"', b"\xff\n"):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(str(machine.inside(SOCKET)))
            peer.sendall(junk)
            peer.shutdown(socket.SHUT_WR)
            answer = json.loads(peer.makefile().readline())
            assert answer["ok"] is False
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(str(machine.inside(SOCKET)))
    assert not ask(machine, verb="status", op=ulid())["ok"]
    silent.close()


def test_kind_is_roots_to_say(machine):
    """A file of root's names the kind; the agent's word does not change it."""
    env = machine.inside("/etc/nixfleet/activate.conf")
    env.write_text("NIXFLEET_ACTIVATE_KIND=darwin\n")
    machine.run("systemctl restart nixfleet-activate.service")
    system = machine.run("readlink -f /nix/var/nix/profiles/system").strip()
    answer = prepare(machine, system)
    assert not answer["ok"] and "kind darwin" in answer["text"], answer
    env.write_text("NIXFLEET_ACTIVATE_KIND=cat\n")
    machine.try_run("systemctl restart nixfleet-activate.service")
    wait_for("the reason", lambda: 'not a kind of system: "cat"'
             in machine.run("journalctl -u nixfleet-activate"))


def test_ends_when_idle(machine):
    """It costs no memory while there is nothing to do, and comes back."""
    machine.run("mkdir -p /run/systemd/system/nixfleet-activate.service.d; "
                "sed -n 's/^ExecStart=.*/[Service]\\nExecStart=\\n& --idle 500"
                "/p' /lib/systemd/system/nixfleet-activate.service > "
                "/run/systemd/system/nixfleet-activate.service.d/idle.conf; "
                "systemctl daemon-reload; "
                "systemctl restart nixfleet-activate.service")
    wait_for("the service to end",
             lambda: machine.pid_of("nixfleet-activate") == 0)
    assert not ask(machine, verb="status", op=ulid())["ok"]
    assert machine.pid_of("nixfleet-activate") != 0
