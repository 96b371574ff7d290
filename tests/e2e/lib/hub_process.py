"""A hub as a process of its own, and a client of its HTTP API."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import struct
import subprocess
import time
import urllib.parse

SHARED = "shared-token-of-the-test"


def totp(secret, at=None):
    """The one-time code of a base32 secret."""
    step = int((at or time.time()) // 30)
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack("!Q", step), hashlib.sha1).digest()
    start = mac[-1] & 15
    number = struct.unpack("!I", mac[start:start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1000000:06d}"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Hub:
    """One data directory, and the hub that runs on it."""

    def __init__(self, program, folder, **env):
        self.program = str(program)
        self.folder = folder
        self.log = folder / "hub.log"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder),
                    "NIXFLEET_LISTEN": "127.0.0.1:0",
                    "NIXFLEET_DATA_DIR": str(folder / "data"),
                    "NIXFLEET_AGENT_TOKEN": SHARED}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.update(env)
        self.process = None
        self.password = None
        self.address = None

    def start(self):
        at = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [self.program], env=self.env, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            text = self.log.read_bytes()[at:].decode(errors="replace")
            found = re.search(r'"address":\s*"(https?)://([\d.]+):(\d+)"', text)
            if found:
                self.scheme = found[1]
                self.address = (found[2], int(found[3]))
                made = re.search(r"^    (\S+)$", text, re.M)
                self.password = made[1] if made else self.password
                # Scripts of a restart find it where it was.
                self.env["NIXFLEET_LISTEN"] = "%s:%d" % self.address
                return self
            assert self.process.poll() is None, text
            time.sleep(0.02)
        raise AssertionError("the hub did not start:\n" + text)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def client(self):
        return Client(self)


class Client:
    """Somebody at the HTTP API: a browser with its cookie, or a script."""

    def __init__(self, hub):
        self.hub = hub
        self.cookie = None
        self.csrf = None
        self.bearer = None

    def request(self, method, path, body=None, headers=None):
        sent = dict(headers or {})
        if self.cookie:
            sent.setdefault("Cookie", f"nixfleet_session={self.cookie}")
        if self.bearer:
            sent.setdefault("Authorization", f"Bearer {self.bearer}")
        elif self.csrf and method != "GET":
            sent.setdefault("X-CSRF-Token", self.csrf)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(*self.hub.address, timeout=20)
        try:
            connection.request(method, path, body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers={
            k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, body=None, **headers):
        return self.request("POST", path, {} if body is None else body, {
            k.replace("_", "-"): v for k, v in headers.items()})

    def form(self, path, headers=None, **fields):
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        sent.update(headers or {})
        return self.request("POST", path, urllib.parse.urlencode(fields),
                            sent)

    def log_in(self, code=None):
        """As the scripts for NixFleet v3 do it: form, cookie, page."""
        answer = self.form("/login", password=self.hub.password,
                           **({"totp": code} if code else {}))
        assert (answer.status, answer.headers["location"]) == (302, "/")
        self.cookie = re.match(r"nixfleet_session=([^;]+)",
                               answer.headers["set-cookie"])[1]
        page = self.get("/").text
        self.csrf = page.split('data-csrf-token="')[1].split('"')[0]
        return self

    def log_in_api(self):
        answer = self.post("/api/login", {"password": self.hub.password})
        assert answer.status == 200, answer.text
        self.bearer = answer.json["token"]
        return self

    def host(self, name):
        return self.get(f"/api/hosts/{name}").json

    def ask(self, op, *hosts, **more):
        return self.post("/api/dispatch",
                         {"op": op, "hosts": list(hosts), **more}).json

    def operation(self, op_id):
        return self.get(f"/api/operations/{op_id}").json

    def wait(self, what, timeout=10):
        """Until ${what}() is true; its value."""
        end = time.monotonic() + timeout
        while True:
            value = what()
            if value:
                return value
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    def wait_operation(self, op_id, timeout=10, **fields):
        def there():
            op = self.operation(op_id)
            return op if all(op.get(k) == v for k, v in
                             fields.items()) else None
        try:
            return self.wait(there, timeout)
        except AssertionError:
            raise AssertionError(f"wanted {fields}, have "
                                 f"{self.operation(op_id)}") from None
