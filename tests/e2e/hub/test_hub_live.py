"""The live channel of browsers: init, deltas, output, resynchronising."""

import time

import pytest

from ws_client import Closed, Refused, WsClient


def browser(hub, user, **options):
    return WsClient(hub.address, headers={
        "Cookie": f"nixfleet_session={user.cookie}",
        "Origin": "http://%s:%d" % hub.address}, **options)


def test_init_and_deltas(hub, agent, user):
    """First everything, then only what changed, one version apart."""
    page = browser(hub, user)
    init = page.recv()
    assert init["type"] == "init"
    assert set(init["payload"]) >= {"hosts", "operations", "events",
                                    "repository", "ops", "hub"}
    version = init["version"]
    host = agent("atlas")
    seen = {}
    end = time.monotonic() + 10
    while seen.get("liveness") != "connected" and time.monotonic() < end:
        delta = page.recv_type("delta")
        version += 1
        assert delta["version"] == version
        for patch in delta["payload"].get("hosts", []):
            assert patch["id"] == "atlas"
            seen.update(patch)
    assert seen["liveness"] == "connected"
    host.heartbeat(generation="feed123")
    while seen.get("generation") != "feed123":
        for patch in page.recv_type("delta")["payload"].get("hosts", []):
            seen.update(patch)
    page.send("get_state")
    state = page.recv_type("init")
    assert state["payload"]["hosts"][0]["generation"] == "feed123"
    page.close()


def test_deltas_are_coalesced(hub, agent, user):
    """A storm of heartbeats is at most four messages a second."""
    host = agent("atlas")
    page = browser(hub, user)
    page.recv_type("init")
    for i in range(300):
        host.heartbeat(generation=f"{i:07x}")
    count, newest, start = 0, None, time.monotonic()
    while newest != f"{299:07x}":
        for patch in page.recv_type("delta")["payload"].get("hosts", []):
            newest = patch.get("generation", newest)
        count += 1
    assert count <= 4 * (time.monotonic() - start) + 3
    page.close()


def test_output_is_followed(hub, agent, user):
    """Stored lines first, then live ones; none twice, none missing."""
    host = agent("atlas")
    op_id = user.ask("switch", "atlas")["results"][0]["command_id"]
    command = host.command()
    sent = 0

    def more(n):
        nonlocal sent
        host.output(command, [f"line {i}" for i in
                              range(sent + 1, sent + n + 1)], seq=sent + 1)
        sent += n

    more(700)
    page = browser(hub, user)
    page.recv_type("init")
    page.send("subscribe", {"op_id": op_id, "after": 0})
    for _ in range(10):
        more(60)
    got = []
    while len(got) < sent:
        batch = page.recv_type("output")["payload"]
        assert (batch["op_id"], batch["host_id"]) == (op_id, "atlas")
        got += [line["seq"] for line in batch["lines"]]
    assert got == list(range(1, sent + 1))
    page.send("unsubscribe", {"op_id": op_id})
    page.send("get_state")
    page.recv_type("init")
    more(1)
    with pytest.raises(TimeoutError):
        page.recv_type("output", 1)
    page.close()


def test_slow_browser(hub, agent, user):
    """One that does not read is given the whole state when it does."""
    host = agent("atlas")
    page = browser(hub, user, rcvbuf=4096)
    op_id = user.ask("switch", "atlas")["results"][0]["command_id"]
    command = host.command()
    page.send("subscribe", {"op_id": op_id, "after": 0})
    lines = 0
    for _ in range(120):
        host.output(command, ["x" * 500] * 100, seq=lines + 1)
        lines += 100
        while host.recv_type("output_ack", 20)["payload"]["seq"] < lines:
            pass
    host.heartbeat(generation="5105105")
    user.wait(lambda: user.host("atlas")["generation"] == "5105105")
    # The hub went on for others meanwhile; now the browser reads.
    got, generation = [], None
    end = time.monotonic() + 40
    while (len(got) < lines or generation != "5105105") and \
            time.monotonic() < end:
        message = page.recv(20)
        payload = message.get("payload")
        if message["type"] == "output":
            got += [line["seq"] for line in payload["lines"]]
        elif message["type"] in ("init", "delta"):
            for patch in payload.get("hosts", []):
                generation = patch.get("generation", generation)
    assert got == list(range(1, lines + 1))
    assert generation == "5105105"
    page.close()


def test_nonsense_and_limits(hub, user):
    page = browser(hub, user)
    page.recv_type("init")
    for text in ("", "{", "[]", '{"type":1}', '{"type":"subscribe"}',
                 '{"type":"subscribe","payload":{"op_id":"../x"}}',
                 '{"type":"subscribe","payload":{"op_id":3,"after":"x"}}',
                 '{"type":"unsubscribe","payload":[]}'):
        page.send_text(text)
    for i in range(40):
        page.send("subscribe", {"op_id": "01ARZ3NDEKTSV4RRFFQ69G5F%02d" % i,
                                "after": 0})
    page.send("get_state")
    page.recv_type("init")
    page.send_text("x" * 100000)
    with pytest.raises(Closed) as end:
        page.recv_type("never")
    assert end.value.code in (1009, 1006)


def test_strange_origin_and_end_of_session(hub, user):
    with pytest.raises(Refused) as no:
        WsClient(hub.address, headers={
            "Cookie": f"nixfleet_session={user.cookie}",
            "Origin": "https://evil.example"})
    assert no.value.status == 403
    page = browser(hub, user)
    page.recv_type("init")
    user.post("/logout")
    with pytest.raises(Closed) as end:
        page.recv_type("never", 35)
    assert end.value.code == 1008
