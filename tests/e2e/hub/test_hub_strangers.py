"""Connections that have not shown who they are."""

import contextlib
import select
import socket
import time

import pytest

from hub_process import SHARED
from ws_agent import WsAgent
from ws_client import Closed, WsClient

HALF = b"POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"
TOKEN = {"Authorization": f"Bearer {SHARED}"}


def connect(hub, source, send=HALF):
    sock = socket.create_connection(hub.address, 10, (source, 0))
    sock.sendall(send)
    return sock


def is_closed(sock):
    try:
        while select.select([sock], [], [], 0)[0]:
            if sock.recv(4096) == b"":
                return True
    except ConnectionError:
        return True
    return False


def wait_open(socks, number):
    """Until so many are open; the hub closes the others."""
    end = time.monotonic() + 20
    while (left := sum(not is_closed(s) for s in socks)) > number:
        assert time.monotonic() < end, left
        time.sleep(0.05)
    return left


def test_one_address_has_so_many(new_hub):
    """Who takes every place takes it from himself, and not from others."""
    hub = new_hub(NIXFLEET_STRANGERS="20")
    with contextlib.ExitStack() as held:
        def take(source, number):
            return [held.enter_context(connect(hub, source))
                    for _ in range(number)]

        other = take("127.0.0.2", 5)
        bad = take("127.0.0.1", 100)
        assert wait_open(bad, 20) == 20
        assert all(is_closed(s) for s in bad[:80])
        assert not any(is_closed(s) for s in other)
        # From the same address, and quick: one comes in all the same.
        user = hub.client().log_in()
        assert user.get("/api/session").status == 200


def test_fleet_behind_one_address(new_hub):
    """A fleet has one address and many hosts: those who registered count no
    more."""
    hub = new_hub(NIXFLEET_STRANGERS="8", NIXFLEET_STRANGER_TIMEOUT="2s")
    agents = [WsAgent(hub.address, SHARED, f"host{n}") for n in range(50)]
    user = hub.client().log_in()
    browser = WsClient(hub.address, headers={
        "Cookie": f"nixfleet_session={user.cookie}"})
    # Longer than a stranger may stay.
    silent = connect(hub, "127.0.0.1", b"")
    wait_open([silent], 0)
    silent.close()
    online = [h for h in user.get("/api/hosts").json["hosts"]
              if h["status"] == "online"]
    assert len(online) == 50
    browser.send("get_state")
    assert browser.recv_type("init")
    for one in agents:
        one.drop()
    browser.drop()


def test_agent_that_never_registers(new_hub):
    """Chatter is no register message: the socket is closed, and says why."""
    hub = new_hub(NIXFLEET_STRANGER_TIMEOUT="2s")
    link = WsClient(hub.address, headers=TOKEN)
    start = time.monotonic()
    with pytest.raises(Closed) as end:
        while time.monotonic() < start + 20:
            link.send("heartbeat", {})
            link.ping()
            with contextlib.suppress(TimeoutError):
                link.recv(0.1)
    assert (end.value.code, end.value.reason) == (
        1008, "no register message came")


def test_head_that_drips(new_hub):
    """A byte now and then does not keep a place."""
    hub = new_hub(NIXFLEET_STRANGER_TIMEOUT="2s")
    sock = connect(hub, "127.0.0.1", b"GET / HTTP/1.1\r\n")
    end = time.monotonic() + 12
    while not is_closed(sock):
        assert time.monotonic() < end
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"x")
        time.sleep(0.1)
    sock.close()


def test_clients_of_a_proxy(new_hub):
    """Behind a trusted proxy its clients are counted, and not the proxy."""
    hub = new_hub(NIXFLEET_STRANGERS="8", NIXFLEET_TRUSTED_PROXIES="127.0.0.1")

    def links(clients):
        return [WsClient(hub.address, headers={
            **TOKEN, "X-Forwarded-For": c}).sock for c in clients]

    many = links(f"192.0.2.{n}" for n in range(30))
    one = links(["198.51.100.1"] * 30)
    assert wait_open(one, 8) == 8
    assert not any(is_closed(s) for s in many)
    for sock in many + one:
        sock.close()
