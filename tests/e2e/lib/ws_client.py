"""A WebSocket client on the standard library, frame by frame."""

import base64
import json
import os
import socket
import struct
import time


class Refused(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"upgrade refused: {status} {body!r}")
        self.status = status
        self.headers = headers
        self.body = body


class Closed(Exception):
    """The peer closed; code 1005: without one, 1006: without a frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


class WsClient:
    def __init__(self, address, path="/ws", headers=None, timeout=10, ssl=None,
                 rcvbuf=None):
        host, port = address
        self.sock = socket.socket(socket.AF_INET)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect((host, port))
        if ssl is not None:
            self.sock = ssl.wrap_socket(self.sock, server_hostname=host)
        self.data = b""
        self.pongs = []
        self.pings = 0
        self._upgrade(f"{host}:{port}", path, headers or {})

    def _upgrade(self, host, path, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {key}"]
        lines += [f"{k}: {v}" for k, v in headers.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.data:
            self._fill()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        first, *rest = head.decode().split("\r\n")
        status = int(first.split()[1])
        self.headers = {k.lower(): v for k, v in
                        (line.split(": ", 1) for line in rest)}
        if status != 101:
            length = int(self.headers.get("content-length", 0))
            while len(self.data) < length:
                self._fill()
            self.sock.close()
            raise Refused(status, self.headers, self.data.decode())

    def _fill(self):
        try:
            more = self.sock.recv(65536)
        except ConnectionError:
            more = b""
        if not more:
            raise Closed(1006)
        self.data += more

    def _take(self, n):
        while len(self.data) < n:
            self._fill()
        part, self.data = self.data[:n], self.data[n:]
        return part

    def send_frame(self, opcode, payload, fin=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        n = len(payload)
        if n < 126:
            head += bytes([0x80 | n])
        elif n < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", n)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", n)
        mask = os.urandom(4)
        key = int.from_bytes(mask * (n // 4 + 1), "big") >> (
            8 * (4 * (n // 4 + 1) - n))
        masked = (int.from_bytes(payload, "big") ^ key).to_bytes(n, "big")
        self.sock.sendall(head + mask + masked)

    def send_text(self, text):
        self.send_frame(1, text.encode() if isinstance(text, str) else text)

    def send(self, type_, payload=None):
        self.send_text(json.dumps({"type": type_, "payload": payload}
                                  if payload is not None else {"type": type_}))

    def ping(self, payload=b""):
        self.send_frame(9, payload)

    def _frame(self):
        a, b = self._take(2)
        n = b & 127
        if n == 126:
            n, = struct.unpack("!H", self._take(2))
        elif n == 127:
            n, = struct.unpack("!Q", self._take(8))
        return a & 15, bool(a & 128), self._take(n)

    def recv_text(self, timeout=10):
        """The next message; pings are answered meanwhile."""
        end = time.monotonic() + timeout
        text = b""
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("no message came")
            self.sock.settimeout(left)
            opcode, fin, payload = self._frame()
            if opcode == 8:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                raise Closed(code, payload[2:].decode())
            if opcode == 9:
                self.pings += 1
                self.send_frame(10, payload)
            elif opcode == 10:
                self.pongs.append(payload)
            else:
                text += payload
                if fin:
                    return text.decode()

    def recv(self, timeout=10):
        return json.loads(self.recv_text(timeout))

    def recv_type(self, type_, timeout=10):
        """The next message of that type; others are passed over."""
        end = time.monotonic() + timeout
        while True:
            message = self.recv(end - time.monotonic())
            if message["type"] == type_:
                return message

    def close(self, code=1000, reason=b""):
        """Say good-bye and wait for the peer to close."""
        try:
            self.send_frame(8, struct.pack("!H", code) + reason)
            while True:
                self.recv_text(5)
        except (Closed, OSError):
            pass
        self.sock.close()

    def drop(self):
        """Break the connection without a word."""
        self.sock.close()
