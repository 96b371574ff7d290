"""A hub for agents on the standard library alone, of dialect 3 or 4.

Keeps every message that came, answers `register`, acknowledges in dialect 4,
and can misbehave: refuse tokens, go away in mid-sentence, stay silent, split
its messages into fragments.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import threading
import time

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid():
    """A new operation id."""
    n = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(ALPHABET[n >> s & 31] for s in range(125, -1, -5))


class Timeout(Exception):
    """What was waited for did not come; the text says what did."""


class Link:
    """One agent's connection, from upgrade to close."""

    def __init__(self, hub, sock, headers):
        self.hub, self.sock, self.headers = hub, sock, headers
        self.lock = threading.Lock()
        self.hostname = None
        self.close_code = None
        self.close_reason = ""
        self.pings = 0
        self.open = True

    def frame(self, opcode, data, fin=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        if len(data) < 126:
            head += bytes([len(data)])
        elif len(data) < 65536:
            head += struct.pack(">BH", 126, len(data))
        else:
            head += struct.pack(">BQ", 127, len(data))
        with self.lock:
            self.sock.sendall(head + data)

    def send_text(self, text, opcode=TEXT, pieces=1):
        data = text.encode()
        if pieces == 1:
            self.frame(opcode, data)
            return
        step = max(1, len(data) // pieces)
        parts = [data[i:i + step] for i in range(0, len(data), step)]
        for i, part in enumerate(parts):
            self.frame(opcode if i == 0 else 0, part, i == len(parts) - 1)

    def send(self, kind, payload, **how):
        self.send_text(json.dumps({"type": kind, "payload": payload}), **how)

    def drop(self):
        """Cut the connection without a word."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def read_exact(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return data

    def read_frame(self):
        first, second = self.read_exact(2)
        n = second & 127
        if n == 126:
            n = struct.unpack(">H", self.read_exact(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.read_exact(8))[0]
        mask = self.read_exact(4) if second & 128 else bytes(4)
        data = bytearray(self.read_exact(n))
        for i in range(len(data)):
            data[i] ^= mask[i & 3]
        return first & 15, bool(first & 128), bytes(data)

    def serve(self):
        message = b""
        try:
            while True:
                opcode, fin, data = self.read_frame()
                if opcode == PING:
                    self.pings += 1
                    if self.hub.pong:
                        self.frame(PONG, data)
                elif opcode == CLOSE:
                    if len(data) >= 2:
                        self.close_code = struct.unpack(">H", data[:2])[0]
                        self.close_reason = data[2:].decode()
                    self.frame(CLOSE, data[:2])
                    break
                elif opcode in (0, TEXT, BINARY):
                    message += data
                    if fin:
                        self.hub.receive(self, message)
                        message = b""
        except OSError:
            pass
        self.open = False
        self.sock.close()
        self.hub.changed()


class WsHub:
    """Listens on 127.0.0.1 from start() to stop(); the port stays the same."""

    def __init__(self, dialect=4, token="shared-token", port=0, tls=None):
        self.dialect, self.port = dialect, port
        self.tls = tls  # an ssl.SSLContext
        self.tokens = {token}
        self.give_token = None  # sent with registered
        self.heartbeat = 0
        self.pong = True
        self.answer_register = True
        self.ack_output = self.ack_status = True
        self.links = []
        self.messages = []  # (link, type, payload), as they came
        self.sizes = []  # bytes of each
        self.upgrades = []  # (status, bearer)
        self.lines = {}  # dialect 4: op_id -> {seq: text}
        self.repeats = 0  # records that came more than once
        self.cond = threading.Condition()
        self.listener = None

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,),
                         daemon=True).start()
        return self

    def stop(self):
        """Go away: no listener, every connection cut."""
        if self.listener is not None:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        for link in list(self.links):
            link.drop()
        self.wait("every link to end",
                  lambda: not any(link.open for link in self.links))

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,),
                             daemon=True).start()

    def _serve(self, sock):
        data = b""
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            while b"\r\n\r\n" not in data:
                part = sock.recv(4096)
                if not part:
                    return
                data += part
        except OSError:
            return
        first, *rest = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
        headers = {k.lower(): v for k, v in
                   (line.split(": ", 1) for line in rest)}
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        status = 101
        if first.split()[1].split("?")[0] != "/ws":
            status = 404
        elif bearer not in self.tokens:
            status = 401
        with self.cond:
            self.upgrades.append((status, bearer))
            self.cond.notify_all()
        if status != 101:
            sock.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n".encode())
            sock.close()
            return
        digest = hashlib.sha1(
            (headers["sec-websocket-key"] + GUID).encode()).digest()
        sock.sendall(
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: "
             f"{base64.b64encode(digest).decode()}\r\n\r\n").encode())
        link = Link(self, sock, headers)
        with self.cond:
            self.links.append(link)
        link.serve()

    def changed(self):
        with self.cond:
            self.cond.notify_all()

    def receive(self, link, data):
        message = json.loads(data)
        kind, payload = message["type"], message["payload"]
        with self.cond:
            self.sizes.append(len(data))
            self.messages.append((link, kind, payload))
            if kind == "output" and "lines" in payload:
                known = self.lines.setdefault(payload["op_id"], {})
                for i, line in enumerate(payload["lines"]):
                    self.repeats += payload["seq"] + i in known
                    known[payload["seq"] + i] = line["t"]
            self.cond.notify_all()
        try:
            self._answer(link, kind, payload)
        except OSError:
            pass

    def _answer(self, link, kind, payload):
        if kind == "register":
            link.hostname = payload["hostname"]
            if self.answer_register:
                self.register(link)
                if self.dialect >= 4 and self.ack_output:
                    for op_id in payload.get("resume", {}):
                        if self.lines.get(op_id):
                            link.send("output_ack", {
                                "op_id": op_id, "seq": self.stored(op_id)})
        elif self.dialect < 4:
            return
        elif kind == "output" and self.ack_output:
            link.send("output_ack", {"op_id": payload["op_id"],
                                     "seq": self.stored(payload["op_id"])})
        elif kind == "status" and self.ack_status and "op_id" in payload:
            link.send("status_ack", {"op_id": payload["op_id"]})

    def stored(self, op_id):
        """Everything up to this record is there."""
        known, n = self.lines.get(op_id, {}), 0
        while n + 1 in known:
            n += 1
        return n

    def register(self, link):
        reply = {"host_id": link.hostname}
        if self.dialect >= 4:
            reply["dialect"] = 4
            if self.heartbeat:
                reply["heartbeat"] = self.heartbeat
            if self.give_token:
                reply["token"] = self.give_token
                self.tokens.add(self.give_token)
        link.send("registered", reply)

    # -- for tests -------------------------------------------------------

    def wait(self, what, check, seconds=30):
        """check()'s first true value; looked at whenever something came."""
        end = time.monotonic() + seconds
        with self.cond:
            while True:
                value = check()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    seen = [(k, p) for _, k, p in self.messages
                            if k != "heartbeat"][-8:]
                    raise Timeout(f"no {what} within {seconds} s; last: "
                                  f"{json.dumps(seen)[:3000]}")
                self.cond.wait(min(left, 0.2))

    def link(self, seconds=30):
        """The newest connection that is registered and alive."""
        def check():
            alive = [link for link in self.links
                     if link.open and link.hostname]
            return alive and alive[-1]
        return self.wait("connected agent", check, seconds)

    def all(self, kind, **fields):
        """Every payload of that type with those fields."""
        with self.cond:
            return [p for _, k, p in self.messages if k == kind and
                    all(p.get(f) == v for f, v in fields.items())]

    def expect(self, kind, seconds=30, count=1, **fields):
        """Wait for the count-th such message; its payload."""
        def check():
            found = [p for _, k, p in self.messages if k == kind and
                     all(p.get(f) == v for f, v in fields.items())]
            return len(found) >= count and [found[count - 1]]
        return self.wait(f"{kind} {fields}", check, seconds)[0]

    def command(self, op, **fields):
        """Ask for an operation; its op_id (None in dialect 3)."""
        payload = {"command": op, **fields}
        if self.dialect >= 4:
            payload.setdefault("op_id", ulid())
            payload.setdefault("by", "tester")
        self.link().send("command", payload)
        return payload.get("op_id")

    def finished(self, op_id, seconds=60):
        """The status of an operation of dialect 4."""
        return self.expect("status", seconds, op_id=op_id)

    def text(self, op_id):
        """The log of an operation of dialect 4, in order."""
        with self.cond:
            known = self.lines.get(op_id, {})
            return [known[seq] for seq in sorted(known)]
