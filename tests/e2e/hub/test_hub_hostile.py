"""Agents, browsers and strangers that mean harm."""

import contextlib
import os
import resource
import socket
import time

import pytest

from hub_process import SHARED, totp
from ws_agent import WsAgent
from ws_client import Closed, WsClient

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(n):
    text = ""
    for _ in range(16):
        text = LETTERS[n % 32] + text
        n //= 32
    return "01K0000000" + text


def closed(agent):
    """How the hub ended the link."""
    try:
        while True:
            agent.recv()
    except Closed as e:
        return e.code
    except ConnectionError:
        return 1006


def flood(agent, kind, payloads):
    try:
        for payload in payloads:
            agent.send(kind, payload)
    except OSError:
        pass
    return closed(agent)


def memory(hub):
    with open(f"/proc/{hub.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if "VmRSS" in line)


def test_host_does_not_speak_for_the_operator(agent, user):
    """What a host does by itself is not shown as asked for at the hub."""
    one = agent()
    one.status({"op_id": ulid(1), "command": "switch"}, by="operator")
    op = user.wait_operation(ulid(1), state="finished")
    assert (op["op"], op["by"]) == ("switch", "operator@atlas")
    one.status({"op_id": ulid(2), "command": "<b>x</b>"}, by="x" * 5000)
    op = user.wait_operation(ulid(2), state="finished")
    assert (op["op"], op["by"]) == ("local", "atlas")


def test_long_message_is_no_empty_event(agent, user):
    """An event cut in the middle of a character is still told."""
    one = agent()
    for n in range(4):
        one.status({"op_id": ulid(n), "command": "switch"}, "failed", 1,
                   message="x" * n + "\N{EURO SIGN}" * 1000)
        user.wait_operation(ulid(n), state="finished")
    events = user.get("/api/events").json["events"]
    assert all(e["message"] for e in events)


def test_strange_numbers_of_lines(agent, user):
    """Numbers that overflow are no lines, and harm no others."""
    one = agent()
    for seq in (2**63 - 1, -2**63, 0, -1, 2**60):
        one.output({"op_id": ulid(1)}, ["bad", "bad"], seq=seq)
    one.output({"op_id": ulid(1)}, ["good"])
    user.wait(lambda: user.get(
        f"/api/operations/{ulid(1)}/output").json.get("lines"))
    lines = user.get(f"/api/operations/{ulid(1)}/output").json["lines"]
    assert [(line["seq"], line["text"]) for line in lines] == [(1, "good")]


def test_flood_of_operations(agent, user):
    """A host cannot fill memory and disk with operations of its own."""
    code = flood(agent(), "command_accepted",
                 ({"op_id": ulid(n)} for n in range(5000)))
    assert code in (1013, 1006)
    assert user.get("/health").status == 200
    agent("other")
    assert user.host("other")["status"] == "online"


def test_flood_of_registers(agent, user):
    """A host cannot fill the log of events by registering again."""
    one = agent()
    code = flood(one, "register", [
        {"hostname": "atlas", "dialect": 4, "agent_id": one.agent_id,
         "agent_version": str(n)} for n in range(1000)])
    assert code in (1008, 1006)
    assert user.get("/api/events?limit=500").json["events"][-1]["action"] \
        == "login"


@pytest.mark.parametrize("route", ["dispatch", "reboot"])
def test_codes_cannot_be_guessed(new_hub, route):
    """A stolen session does not get to try a million one-time codes."""
    hub = new_hub(NIXFLEET_TOTP_SECRET=SECRET)
    user = hub.client().log_in(totp(SECRET))
    one = WsAgent(hub.address, SHARED, "atlas")
    path, body = {
        "dispatch": ("/api/dispatch", {"op": "reboot", "hosts": ["atlas"]}),
        "reboot": ("/api/hosts/atlas/reboot", {}),
    }[route]
    codes = [user.post(path, {**body, "totp": "abcdef"}).status
             for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    assert user.post(path, {**body, "totp": totp(
        SECRET, time.time() + 30)}).status == 429
    one.drop()


def test_greedy_browser(hub, agent, user):
    """A browser that subscribes and does not read costs no memory."""
    one = agent()
    for n in range(20):
        one.output({"op_id": ulid(1)}, ["x" * 4000] * 50, seq=1 + 50 * n)
    user.wait_operation(ulid(1), lines=1000)
    browser = WsClient(hub.address, headers={
        "Cookie": f"nixfleet_session={user.cookie}"}, rcvbuf=4096)
    before = memory(hub)
    for _ in range(200):
        browser.send("subscribe", {"op_id": ulid(1), "after": 0})
        # The store answers in turn: what was asked before is read by then.
        user.get(f"/api/operations/{ulid(1)}/output?limit=1")
    # AddressSanitizer keeps 256 MiB of what was freed.
    kept = 256 if "ASAN_OPTIONS" in os.environ else 0
    assert memory(hub) - before < (64 + kept) * 1024
    browser.drop()


def test_half_requests(hub, user):
    """A thousand requests that never end leave room for others."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    body = (b"POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Length: 60000"
            b"\r\n\r\n{")
    with contextlib.ExitStack() as held:
        for _ in range(1100):
            sock = held.enter_context(socket.create_connection(hub.address))
            sock.sendall(body)
        assert user.get("/health").status == 200


def test_enrolments_of_one_address(new_hub):
    """Who holds the shared token cannot fill the fleet with names."""
    hub = new_hub(NIXFLEET_ENROL_LIMIT="3")
    user = hub.client().log_in()
    tokens = {}
    for n in range(3):
        one = WsAgent(hub.address, SHARED, f"host{n}")
        tokens[one.hostname] = one.token
        one.drop()
    for n in range(3, 8):
        one = WsAgent(hub.address, SHARED, f"host{n}", register=False)
        with pytest.raises(Closed) as end:
            one.register()
        assert end.value.code == 1008
        assert "NIXFLEET_ENROL_LIMIT" in end.value.reason
    assert len(user.get("/api/hosts").json["hosts"]) == 3
    told = [e for e in user.get("/api/events").json["events"]
            if e["action"] == "enrol" and e["level"] == "warning"]
    assert len(told) == 1 and "127.0.0.1" in told[0]["message"]
    assert "NIXFLEET_ENROL_LIMIT" in hub.log.read_text()
    # Those of the fleet come and go as they like.
    WsAgent(hub.address, tokens["host1"], "host1").drop()


def test_host_that_comes_and_goes(hub, agent, user):
    """A host in a loop of connecting does not fill the log of events."""
    token = agent().token
    for _ in range(150):
        one = WsAgent(hub.address, token, "atlas", register=False)
        one.send("register", {"hostname": "atlas", "dialect": 4,
                              "agent_id": "agent-atlas"})
        one.recv_type("registered")
        one.drop()
    user.wait(lambda: user.host("atlas")["status"] == "offline")
    events = user.get("/api/events?limit=500").json["events"]
    mine = [e for e in events if e["host_id"] == "atlas"
            and e["category"] == "host"]
    assert 150 < len(mine) <= 200
    assert "the next ones are not told" in mine[0]["message"]


def test_flood_of_facts(agent, user):
    """Facts that no agent of ours has are not kept."""
    one = agent()
    one.heartbeat(facts={"kernel": "6.1"})
    user.wait(lambda: user.host("atlas")["facts"] == {"kernel": "6.1"})
    for n in range(20):
        one.heartbeat(facts={"n": n, "x": "x" * 400000})
    one.heartbeat(generation="fedcba9", facts={"x": "x" * 100000})
    user.wait(lambda: user.host("atlas")["generation"] == "fedcba9")
    assert user.host("atlas")["facts"] is None
