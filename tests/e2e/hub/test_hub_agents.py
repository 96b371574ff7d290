"""Agents of both dialects at the hub's WebSocket: identity, operations."""

import json
import time

import pytest

from hub_process import SHARED
from ws_agent import WsAgent
from ws_client import Closed, Refused, WsClient


@pytest.mark.parametrize("dialect", [3, 4])
def test_dispatch_output_and_outcome(agent, user, dialect):
    """A command reaches the host; its log and outcome are stored."""
    host = agent("atlas", dialect=dialect)
    assert host.registered["host_id"] == "atlas"
    assert user.host("atlas")["liveness"] == "connected"
    assert user.host("atlas")["dialect"] == dialect
    answer = user.ask("test", "atlas")
    assert answer["status"] == "success", answer
    assert answer["results"][0]["status"] == "EXECUTING"
    op_id = answer["results"][0]["command_id"]
    command = host.command()
    assert command["command"] == "test"
    if dialect == 4:
        assert command["op_id"] == op_id and command["by"] == "operator"
    host.output(command, ["one", "two ä", "<three>"])
    if dialect == 4:
        ack = host.recv_type("output_ack")["payload"]
        assert ack == {"op_id": op_id, "seq": 3}
    host.status(command)
    if dialect == 4:
        assert host.recv_type("status_ack")["payload"] == {"op_id": op_id}
    op = user.wait_operation(op_id, state="finished")
    assert (op["outcome"], op["exit_code"]) == ("ok", 0)
    assert op["reported"] and op["by"] == "operator"
    page = user.get(f"/api/operations/{op_id}/output").json
    assert [line["text"] for line in page["lines"]] == \
        ["one", "two ä", "<three>"]
    assert page["complete"] and page["next"] == 3
    page = user.get(f"/api/operations/{op_id}/output?after=1&limit=1").json
    assert [line["seq"] for line in page["lines"]] == [2]
    log = user.get(f"/api/operations/{op_id}/log")
    assert log.text == "one\ntwo ä\n<three>\n"
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert user.get("/api/hosts/atlas/output?lines=1").text == "<three>\n"
    assert user.get("/api/operations?host=atlas").json["operations"][0][
        "id"] == op_id


def test_metrics_are_sent_with_two_decimals(agent, user):
    """12.3 is sent as that, not as what a float makes of it."""
    agent("atlas").heartbeat(metrics={"cpu": 12.3, "ram": 40.126, "swap": 0.1,
                                      "load": 0.07})
    user.wait(lambda: (user.host("atlas")["metrics"] or {}).get("cpu") == 12.3)
    text = user.get("/api/hosts/atlas").text
    assert '"cpu":12.3,"ram":40.13,"swap":0.1,"load":0.07' in text, text


def test_dialect_3_heartbeat_and_deltas(agent, user):
    host = agent("atlas", dialect=3, register=False)
    host.send("register", {"hostname": "atlas"})
    message = host.recv()
    assert message == {"type": "registered", "payload": {"host_id": "atlas"}}
    host.heartbeat(generation="f00dfeed", metrics=None)
    user.wait(lambda: user.host("atlas")["generation"] == "f00dfeed")
    assert user.host("atlas")["metrics"] is None
    assert user.host("atlas")["identity"] == "shared"


def test_bad_messages_keep_the_link(agent, user):
    """A wrong type, an unknown type or no JSON: logged, nothing more."""
    host = agent("atlas")
    for text in ("{", "[]", '{"type":"new_thing","payload":{}}',
                 '{"type":"status","payload":{"exit_code":"x"}}',
                 '{"type":"heartbeat"}', "\u0000", '{"type":7}'):
        host.send_text(text)
    host.heartbeat(generation="cafe123")
    user.wait(lambda: user.host("atlas")["generation"] == "cafe123")


def test_fragments_binary_and_pings(agent, user):
    """What the old hub took: fragments, binary frames, pings."""
    host = agent("atlas", dialect=3)
    text = json.dumps({"type": "heartbeat", "payload": {
        "generation": "beef123"}}).encode()
    host.send_frame(1, text[:10], fin=False)
    host.ping(b"hello")
    host.send_frame(0, text[10:20], fin=False)
    host.send_frame(0, text[20:])
    user.wait(lambda: user.host("atlas")["generation"] == "beef123")
    host.send_frame(2, text.replace(b"beef", b"dead"))
    user.wait(lambda: user.host("atlas")["generation"] == "dead123")
    user.ask("pull", "atlas")
    host.command()
    assert host.pongs == [b"hello"]


def test_too_long_a_message(agent, user):
    """More than 512 KiB is close 1009; just less is fine."""
    host = agent("atlas")
    host.heartbeat(generation="a" * 40, extra="x" * 500000)
    user.wait(lambda: user.host("atlas")["generation"] == "a" * 40)
    with pytest.raises((Closed, OSError)) as end:
        host.send_text('{"type":"heartbeat","payload":{"x":"' +
                       "y" * 600000)
        host.recv_type("command")
    if isinstance(end.value, Closed):
        assert end.value.code in (1009, 1006)
    user.wait(lambda: user.host("atlas")["status"] == "offline")


def test_upgrade_refused(hub):
    """Who has no token, a wrong one, or comes from elsewhere."""
    good = {"Authorization": f"Bearer {SHARED}"}
    for headers, status, body in (
            ({}, 401, "Unauthorized\n"),
            ({"Authorization": "Bearer wrong"}, 401, "Unauthorized\n"),
            ({"Authorization": f"bearer {SHARED}"}, 401, "Unauthorized\n"),
            ({"Cookie": "nixfleet_session=x"}, 401, "Unauthorized\n"),
            ({**good, "Origin": "https://evil.example"}, 403, "Forbidden\n")):
        with pytest.raises(Refused) as no:
            WsClient(hub.address, headers=headers)
        assert (no.value.status, no.value.body) == (status, body)
        assert no.value.headers["content-type"].startswith("text/plain")
    for path in ("/ws/", "/ws/agent", "/"):
        with pytest.raises(Refused) as no:
            WsClient(hub.address, path, good)
        assert no.value.status == 404
    WsClient(hub.address, headers={
        **good, "Origin": "http://localhost:5173"}).drop()


@pytest.mark.parametrize("more", (
    {}, {"Sec-WebSocket-Extensions": "permessage-deflate"}))
def test_upgrade_answer(hub, more):
    """One head, ended once: some versions of lws forget to."""
    link = WsClient(hub.address, headers={
        "Authorization": f"Bearer {SHARED}", **more})
    assert set(link.headers) == {"upgrade", "connection",
                                 "sec-websocket-accept"}
    assert link.data == b""
    link.drop()


def test_own_token_and_conflict(hub, agent, user):
    """After enrolment only the host's own token speaks for it."""
    first = agent("atlas")
    own = first.registered["token"]
    assert own and own != SHARED
    first.close()
    again = agent("atlas", token=own)
    assert "token" not in again.registered or not again.registered["token"]
    assert user.host("atlas")["identity"] == "own"
    thief = WsAgent(hub.address, SHARED, "atlas", agent_id="other",
                    register=False)
    with pytest.raises((Closed, AssertionError)) as end:
        thief.register()
    assert end.value.code == 1008
    user.wait(lambda: user.host("atlas")["liveness"] in
              ("conflict", "connected"))
    events = user.get("/api/hosts/atlas/events").json["events"]
    assert any("conflict" in json.dumps(e).lower() for e in events)
    # The rightful one is still there.
    user.ask("pull", "atlas")
    assert again.command()["command"] == "pull"
    # An operator decides for the other one.
    assert user.post("/api/hosts/atlas/accept").json["status"] == "accepted"
    again.close()
    other = agent("atlas", agent_id="other")
    assert other.registered["token"]
    with pytest.raises(Refused) as no:
        WsAgent(hub.address, own, "atlas")
    assert no.value.status in (401, 403)


def test_revoked(hub, agent, user):
    """A revoked host is cut off and told so."""
    host = agent("atlas")
    own = host.token
    answer = user.request("DELETE", "/api/hosts/atlas/token")
    assert answer.json == {"status": "revoked"}
    with pytest.raises(Closed):
        host.recv_type("command")
    with pytest.raises(Refused) as no:
        WsAgent(hub.address, own, "atlas")
    assert (no.value.status, "revoked" in no.value.body) == (403, True)
    assert user.host("atlas")["identity"] == "revoked"


def test_revoked_and_removed(hub, agent, user):
    """Removing a revoked host does not open its name to whoever has the
    shared token, also after a restart; only an operator does."""
    agent("atlas").close()
    user.request("DELETE", "/api/hosts/atlas/token")
    user.wait(lambda: user.host("atlas")["status"] == "offline")
    answer = user.request("DELETE", "/api/hosts/atlas")
    assert answer.json["status"] == "deleted", answer.text
    assert user.get("/api/hosts").json == {"hosts": [], "blocked": ["atlas"]}
    hub.stop()
    hub.start()
    user.log_in()
    for _ in range(3):
        for dialect in 3, 4:
            with pytest.raises((Closed, AssertionError)) as end:
                agent("atlas", dialect=dialect, agent_id="other")
            assert end.value.code == 1008
    assert user.get("/api/hosts").json == {"hosts": [], "blocked": ["atlas"]}
    told = [(e["actor"], e["action"], e["message"]) for e in
            user.get("/api/events").json["events"]]
    # Once for six attempts.
    assert [t[:2] for t in told].count(("system", "enrol")) == 2, told
    assert ("operator", "remove", "atlas was removed; its name stays "
            "blocked, because its token was revoked") in told, told
    # Nobody adds it by the way, either.
    answer = user.post("/api/hosts", {"hostname": "atlas"})
    assert (answer.status, "blocked" in answer.text) == (409, True)
    assert user.post("/api/hosts/atlas/accept").json == {"status": "accepted"}
    assert user.get("/api/hosts").json["blocked"] == []
    newest = user.get("/api/events").json["events"][0]
    assert (newest["actor"], newest["action"]) == ("operator", "accept")
    assert agent("atlas", agent_id="other").registered["token"]
    assert user.post("/api/hosts/nosuch/accept").status == 404


def test_removed_and_back(agent, user):
    """The name of a host that was removed, but not revoked, is free."""
    agent("atlas").close()
    user.wait(lambda: user.host("atlas")["status"] == "offline")
    user.request("DELETE", "/api/hosts/atlas")
    assert user.get("/api/hosts").json["blocked"] == []
    assert agent("atlas", agent_id="other").registered["token"]


def test_rotated(hub, agent, user):
    host = agent("atlas")
    host.close()
    token = user.post("/api/hosts/atlas/token").json["token"]
    assert agent("atlas", token=token).registered["host_id"] == "atlas"


def test_second_register(agent, user):
    """The same name again is an update; another name is refused."""
    host = agent("atlas")
    host.register(agent_version="9.9.9")
    user.wait(lambda: user.host("atlas")["agent_version"] == "9.9.9")
    host.hostname = "borg"
    with pytest.raises(Closed) as end:
        host.register()
    assert end.value.code == 1008
    assert user.get("/api/hosts/borg").status == 404
    user.wait(lambda: user.host("atlas")["status"] == "offline")


def test_bad_hostname(hub, user):
    for name in ("", "../etc", "<script>", "a" * 64, "-a"):
        host = WsAgent(hub.address, SHARED, name, register=False)
        with pytest.raises(Closed) as end:
            host.register()
        assert end.value.code == 1008
        assert end.value.reason
    assert user.get("/api/hosts").json["hosts"] == []


def test_offline_queue(agent, user):
    """What is asked of a sleeping laptop is done when it wakes."""
    host = agent("atlas")
    host.close()
    user.wait(lambda: user.host("atlas")["status"] == "offline")
    assert user.host("atlas")["liveness"] == "stopped"
    item = user.ask("pull", "atlas")["results"][0]
    assert item["status"] == "QUEUED"
    assert user.host("atlas")["queued"] == 1
    blocked = user.ask("restart", "atlas")["results"][0]
    assert (blocked["status"], blocked["code"]) == ("blocked", "offline")
    back = agent("atlas", token=host.token)
    command = back.command()
    assert command["op_id"] == item["command_id"]
    back.status(command)
    user.wait_operation(item["command_id"], outcome="ok")


def test_stop(agent, user):
    for dialect, name in ((4, "atlas"), (3, "borg")):
        host = agent(name, dialect=dialect)
        op_id = user.ask("switch", name)["results"][0]["command_id"]
        command = host.command()
        user.wait_operation(op_id, state="running") if dialect == 4 else None
        answer = user.post(f"/api/operations/{op_id}/stop")
        assert answer.status == 200, answer.text
        word = host.recv_type("stop" if dialect == 4 else "command")
        if dialect == 4:
            assert word["payload"]["op_id"] == op_id
        else:
            assert word["payload"]["command"] == "stop"
        host.status(command, "stopped", 130, status="stopped")
        op = user.wait_operation(op_id, state="finished")
        assert op["outcome"] == "stopped"
        assert user.post(f"/api/operations/{op_id}/stop").status == 409


def test_command_route_and_blocked(agent, user):
    """The route that scripts for NixFleet v3 use."""
    agent("atlas")
    answer = user.post("/api/hosts/atlas/command", {"command": "pull"})
    assert answer.json["status"] == "queued"
    assert answer.json["command"] == "pull" and answer.json["command_id"]
    answer = user.post("/api/hosts/atlas/command", {"command": "test"})
    assert answer.status == 409
    assert answer.json["status"] == "blocked"
    assert answer.json["validation"]["valid"] is False
    assert user.post("/api/hosts/none/command",
                     {"command": "pull"}).status == 404
    assert user.post("/api/hosts/atlas/command",
                     {"command": "kill"}).status == 400
    # It is sent as soon as it is stored.
    states = user.wait(
        lambda: user.get("/api/command-states").json["states"])
    assert states["atlas"]["op"] == "pull"


def test_reboot_needs_a_code(agent, user):
    """Without one-time codes there is no reboot, by whatever route."""
    agent("atlas")
    assert user.post("/api/hosts/atlas/reboot", {}).status == 403
    assert user.post("/api/hosts/atlas/command",
                     {"command": "reboot"}).status == 403
    assert user.post("/api/dispatch",
                     {"op": "reboot", "hosts": ["atlas"]}).status == 403


def test_hub_killed_in_mid_operation(hub, agent, user):
    """kill -9 loses no operation, no line and no outcome."""
    host = agent("atlas")
    op_id = user.ask("switch", "atlas")["results"][0]["command_id"]
    command = host.command()
    host.output(command, [f"line {i}" for i in range(1, 101)])
    assert host.recv_type("output_ack")["payload"]["seq"] == 100
    hub.kill()
    hub.start()
    user.log_in()
    assert user.operation(op_id)["state"] != "finished"
    back = WsAgent(hub.address, host.token, "atlas", register=False)
    back.register(resume={op_id: 101})
    back.output(command, ["line 101"], seq=101)
    # The hub may first say again what it had.
    while back.recv_type("output_ack")["payload"]["seq"] != 101:
        pass
    back.status(command, last_seq=101)
    back.recv_type("status_ack")
    op = user.wait_operation(op_id, state="finished")
    assert (op["outcome"], op["reported"]) == ("ok", True)
    log = user.get(f"/api/operations/{op_id}/log").text
    assert log == "".join(f"line {i}\n" for i in range(1, 102))
    back.drop()


def test_graceful_stop(hub, agent):
    """Agents are told that the hub goes, and the hub ends well."""
    host = agent("atlas")
    hub.process.terminate()
    with pytest.raises(Closed) as end:
        host.recv_type("command")
    assert end.value.code == 1001
    host.drop()
    assert hub.process.wait(10) == 0


def test_silent_agent_is_pinged(hub):
    """The hub asks after 25 seconds of silence."""
    host = WsAgent(hub.address, SHARED, "atlas")
    end = time.monotonic() + 35
    while host.pings == 0 and time.monotonic() < end:
        try:
            host.recv(2)
        except TimeoutError:
            pass
    assert host.pings > 0
    host.drop()


def test_host_routes(agent, user):
    assert user.post("/api/hosts", {"hostname": "new", "location": "work"}
                     ).json == {"status": "created", "host_id": "new"}
    assert user.host("new")["liveness"] == "never"
    assert user.post("/api/hosts", {"hostname": "new", "location": "home"}
                     ).json == {"status": "updated", "host_id": "new"}
    assert user.post("/api/hosts", {"hostname": "../x"}).status == 400
    assert user.post("/api/hosts", {"hostname": 3}).status == 400
    assert user.request("DELETE", "/api/hosts/new").json["status"] == "deleted"
    assert user.request("DELETE", "/api/hosts/new").status == 404
    agent("atlas")
    assert user.request("DELETE", "/api/hosts/atlas").status == 409
    fresh = user.post("/api/hosts/atlas/refresh").json
    assert fresh["online"] is True and fresh["pending_pr"] is None
    assert set(fresh["update_status"]) >= {"git", "lock", "system", "tests"}
    ops = user.get("/api/ops").json["ops"]
    assert {"pull", "switch"} <= {op["id"] for op in ops}
