"""The link to the hub: registration, tokens, reconnecting, liveness."""

import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
from fleet import wait_for


@pytest.mark.parametrize("dialect", [3, 4])
def test_register_then_heartbeat(new_agent, dialect):
    """First register, then a heartbeat on every registered."""
    agent = new_agent(dialect).start(NIXFLEET_INTERVAL="600").ready()
    hub = agent.hub
    kinds = [kind for _, kind, _ in hub.messages]
    assert kinds[0] == "register" and kinds[1] == "heartbeat"
    reg = hub.all("register")[0]
    assert reg["hostname"] == "atlas" and reg["dialect"] == 4
    assert reg["host_type"] in ("nixos", "macos")
    before = len(hub.all("heartbeat"))
    hub.register(hub.link())
    hub.expect("heartbeat", count=before + 1)


def test_dialect_3_heartbeat_is_whole(new_agent):
    """A dialect 3 hub needs every field in every heartbeat."""
    agent = new_agent(3).start().ready()
    n = len(agent.hub.all("heartbeat"))
    beat = agent.hub.expect("heartbeat", count=n + 2)
    assert beat["generation"] == agent.fleet.head()[:7]
    assert beat["pending_command"] is None and beat["command_pid"] is None
    assert set(beat["update_status"]) == {"git", "lock", "system", "tests"}
    assert set(beat["metrics"]) == {"cpu", "ram", "swap", "load"}
    assert len(beat["lock_hash"]) == 64
    assert "facts" not in beat


def test_quiet_heartbeat_is_small(new_agent):
    """Dialect 4: when nothing happens a heartbeat takes under 100 bytes."""
    agent = new_agent().start().ready()
    n = len(agent.hub.sizes)
    agent.hub.wait("ten messages", lambda: len(agent.hub.sizes) > n + 10)
    assert max(agent.hub.sizes[n + 4:]) < 100


def test_hub_slows_heartbeats(new_agent):
    """The hub's wish for fewer heartbeats is heard: what ends brings one at
    once, but the agent's own interval would bring ten between two pings."""
    agent = new_agent()
    agent.hub.heartbeat = 30
    agent.start().ready()
    link = agent.hub.link()
    n = len(agent.hub.all("heartbeat"))
    pings = link.pings
    agent.hub.wait("two pings", lambda: link.pings >= pings + 2, 60)
    assert len(agent.hub.all("heartbeat")) < n + 6


def test_own_token_is_kept_and_used(new_agent):
    """Enrolled with the shared token, from then on only the own one is used."""
    agent = new_agent()
    agent.hub.give_token = "own-token"
    agent.start().ready()
    cache = agent.state / "token"
    wait_for("the token", cache.exists)
    assert cache.read_text() == "NIXFLEET_TOKEN=own-token\n"
    assert cache.stat().st_mode & 0o777 == 0o600
    agent.end()
    agent.start(NIXFLEET_TOKEN=None).ready()
    assert agent.hub.upgrades[-1] == (101, "own-token")


def test_refused_own_token_falls_back(new_agent):
    """A hub that forgot the own token gets the shared one, and is told of."""
    agent = new_agent()
    agent.state.mkdir(parents=True)
    (agent.state / "token").write_text("stale-token")
    agent.start().ready()
    assert agent.hub.upgrades[0] == (401, "stale-token")
    assert agent.hub.upgrades[1] == (101, "shared-token")
    assert "trying the shared one" in agent.log.read_text()


def test_wrong_token_is_retried_slowly(new_agent):
    """A 401 is no reason to hammer the hub, nor to exit."""
    agent = new_agent()
    agent.hub.tokens = {"another"}
    agent.start()
    agent.hub.wait("an attempt", lambda: agent.hub.upgrades)
    reason = wait_for("the reason", lambda: agent.ask("status")[0]["hub"]
                      ["reason"])
    assert "token" in reason
    agent.hub.tokens = {"shared-token"}
    assert len(agent.hub.upgrades) == 1
    agent.hub.link(40)


def test_hub_cannot_send_us_elsewhere(new_agent):
    """Who answers with a redirect does not get the agent, nor its token, to
    another server."""
    other = socket.create_server(("127.0.0.1", 0))
    other.setblocking(False)

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(307)
            self.send_header("Location", "http://localhost:"
                             f"{other.getsockname()[1]}/ws")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *unused):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    agent = new_agent()
    agent.start(NIXFLEET_URL=f"http://127.0.0.1:{server.server_port}")
    wait_for("the reason", lambda: agent.log.exists() and "no link to the hub"
             in agent.log.read_text())
    assert "HTTP 307" in agent.log.read_text()
    with pytest.raises(BlockingIOError):
        other.accept()
    server.shutdown()
    server.server_close()
    other.close()


@pytest.mark.parametrize("how", ["fragments", "binary", "rubbish"])
def test_any_framing_is_accepted(new_agent, how):
    """Fragments, binary frames and rubbish between messages do no harm."""
    agent = new_agent().start().ready()
    link = agent.hub.link()
    op_id = "01J0000000000000000000000A"
    message = {"command": "refresh-git", "op_id": op_id}
    if how == "fragments":
        link.send("command", message, pieces=9)
    elif how == "binary":
        link.send("command", message, opcode=2)
    else:
        for text in ("{", "[]", '{"type":7}', '{"type":"never"}', "",
                     '{"type":"command","payload":{"command":5}}',
                     '{"type":"registered"}'):
            link.send_text(text)
        link.send_text("\x00\x01", opcode=2)
        link.send("command", message)
    assert agent.hub.finished(op_id)["outcome"] == "ok"
    assert len(agent.hub.links) == 1


def test_graceful_close(new_agent):
    """SIGTERM closes with 1000 "shutdown" and exit status 0."""
    agent = new_agent().start().ready()
    link = agent.hub.link()
    assert agent.end() == 0
    agent.hub.wait("the end of the link", lambda: not link.open)
    assert (link.close_code, link.close_reason) == (1000, "shutdown")
    assert not (agent.fleet.root / "sock").exists()


def test_reconnects_when_the_hub_comes_back(new_agent):
    """A hub that goes away and comes back is found again, with jitter."""
    agent = new_agent().start().ready()
    for _ in range(3):
        agent.hub.stop()
        agent.hub.start()
        agent.hub.link()
    assert agent.program.running()
    assert len(agent.hub.all("register")) == 4


def test_hub_that_accepts_and_drops(new_agent):
    """A hub that cuts every link at once is not hammered."""
    agent = new_agent()
    agent.hub.answer_register = False
    agent.start()
    began = time.monotonic()
    for n in range(1, 5):
        agent.hub.expect("register", count=n)
        agent.hub.links[-1].drop()
    assert time.monotonic() - began > 0.5
    agent.hub.answer_register = True
    agent.ready()


def test_second_agent_is_refused(new_agent):
    """One state directory, one agent."""
    agent = new_agent().start().ready()
    first = agent.program
    agent.start()
    assert agent.program.child.wait(10) == 1
    assert "another agent" in agent.log.read_text()
    assert first.running()
    first.stop()


def test_status_tells_of_the_hub(new_agent):
    """status says whether the hub is there, since when, and why not."""
    agent = new_agent().start().ready()
    hub = agent.ask("status")[0]["hub"]
    assert hub["state"] == "connected" and hub["dialect"] == 4
    agent.hub.stop()
    hub = wait_for("the loss", lambda: [
        h for h in [agent.ask("status")[0]["hub"]]
        if h["state"] != "connected"])[0]
    assert hub["reason"] and hub["since"]
    assert json.dumps(hub).find("shared-token") == -1
    agent.hub.start()


def held_knock(server):
    """The next connection that asks in plain words what it reached; those of
    the agent's link are closed."""
    while True:
        peer, _ = server.accept()
        peer.settimeout(10)
        try:
            if peer.recv(4) == b"GET ":
                peer.settimeout(0)
                return peer
        except OSError:
            pass
        peer.close()


def test_finding_out_why_stops_nothing(new_agent):
    """While the agent finds out why there is no link, it answers."""
    agent = new_agent()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        agent.start(NIXFLEET_URL="https://127.0.0.1:%d" %
                    server.getsockname()[1])
        wait_for("an agent", agent.idle)

        def answers_meanwhile():
            with held_knock(server) as peer:
                agent.ask("status")
                try:
                    peer.recv(100)
                    peer.recv(1)
                except BlockingIOError:
                    return True
                return False

        wait_for("an answer while it knocks", answers_meanwhile, 60)
        wait_for("one thread", lambda: "Threads:\t1\n" in open(
            f"/proc/{agent.program.child.pid}/status").read())


def certificate(folder):
    """A self-signed certificate for 127.0.0.1; server side, and its file."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
         cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    side.load_cert_chain(cert, key)
    return side, cert


def test_tls(new_agent, tmp_path):
    """A hub is believed by its certificate, and only then."""
    side, cert = certificate(tmp_path)
    agent = new_agent(tls=side)
    url = f"https://127.0.0.1:{agent.hub.port}"
    agent.start(NIXFLEET_URL=url)
    wait_for("an agent", agent.idle)
    wait_for("the reason", lambda: "TLS" in agent.ask("status")[0]["hub"]
             ["reason"])
    assert not agent.hub.upgrades
    agent.end()
    agent.start(NIXFLEET_URL=url, NIXFLEET_CA_FILE=str(cert)).ready()
    op_id = agent.hub.command("refresh-git")
    assert agent.hub.finished(op_id)["outcome"] == "ok"
    agent.hub.stop()
    agent.hub.start()
    agent.hub.link()
    status = f"/proc/{agent.program.child.pid}/status"
    with open(status) as f:
        assert "Threads:\t1\n" in f.read()
