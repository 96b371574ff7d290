"""Login, sessions, headers, limits and errors of the hub's HTTP face."""

import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

from hub_process import SHARED, totp
from ws_agent import WsAgent

SECRET = "JBSWY3DPEHPK3PXP"
# A cheap hash, and its password.
BCRYPT = ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
          "U*U")


def raw(hub, data, count=1):
    """Send bytes as they are; everything that comes back."""
    sock = socket.create_connection(hub.address, timeout=10)
    sock.sendall(data)
    answer = b""
    try:
        while answer.count(b"HTTP/1.1 ") < count or b"\r\n\r\n" not in answer:
            more = sock.recv(65536)
            if not more:
                break
            answer += more
    finally:
        sock.close()
    return answer.decode(errors="replace")


def test_login_form_as_scripts_use_it(hub):
    """Form, cookie, CSRF token from the page, dispatch: NixFleet v3's way."""
    user = hub.client().log_in()
    assert re.fullmatch(r"[\w-]{43,44}=?", user.cookie)
    assert re.fullmatch(r"[\w-]{20,}", user.csrf)
    assert user.get("/login").headers["location"] == "/"
    answer = user.post("/api/dispatch", {"op": "pull", "hosts": ["nobody"]})
    assert answer.json["status"] == "failed"
    assert answer.json["summary"] == {"success": 0, "error": 1, "total": 1}


def test_login_fails(hub):
    """A wrong password is a redirect with a reason, never a session."""
    user = hub.client()
    answer = user.form("/login", password="wrong")
    assert answer.status == 302
    assert answer.headers["location"].startswith("/login?error=")
    assert "set-cookie" not in answer.headers
    page = user.get(answer.headers["location"]).text
    assert "password is wrong" in page
    page = user.get("/login?error=%3Cscript%3Ealert(1)").text
    assert "alert(1)" not in page
    assert user.form("/login", other="x").headers["location"] == \
        "/login?error=invalid+request"


def test_login_rate_limit(new_hub):
    """Guessing ends after five attempts, wherever forwarded headers point."""
    hub = new_hub()
    user = hub.client()
    for i in range(5):
        user.form("/login", password="wrong",
                  headers={"X-Forwarded-For": f"10.0.0.{i}"})
    answer = user.form("/login", password=hub.password,
                       headers={"X-Forwarded-For": "10.9.9.9"})
    assert "many" in answer.headers["location"]
    assert user.post("/api/login", {"password": hub.password}).status == 429


def test_guesses_do_not_fill_the_disk(new_hub):
    """Of wrong passwords from wherever 200 an hour are told; a login that
    goes well is told always."""
    hub = new_hub(NIXFLEET_PASSWORD_HASH=BCRYPT[0],
                  NIXFLEET_RATE_LIMIT="1000")
    guesser = hub.client()
    for _ in range(205):
        guesser.form("/login", password="wrong")
    hub.password = BCRYPT[1]
    user = hub.client().log_in()
    events = user.get("/api/events?limit=500").json["events"]
    told = [e["message"] for e in events if e["action"] == "login"]
    assert told[0].startswith("Logged in from"), told[:3]
    assert "the next ones are not told" in told[1]
    assert len(told) == 201
    assert all(t.startswith("Wrong password") for t in told[2:])


def test_login_rate_limit_behind_proxy(new_hub):
    """A trusted proxy's clients are told apart, and https is believed."""
    hub = new_hub(NIXFLEET_TRUSTED_PROXIES="127.0.0.0/8")
    user = hub.client()
    for _ in range(6):
        user.form("/login", password="wrong",
                  headers={"X-Forwarded-For": "10.0.0.1"})
    answer = user.form("/login", password=hub.password, headers={
        "X-Forwarded-For": "10.0.0.2", "X-Forwarded-Proto": "https"})
    assert answer.headers["location"] == "/"
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


def test_login_totp(new_hub):
    """A code is good once; without it the password is worth nothing."""
    hub = new_hub(NIXFLEET_TOTP_SECRET=SECRET)
    user = hub.client()
    assert 'name="totp"' in user.get("/login").text
    answer = user.form("/login", password=hub.password)
    assert "TOTP" in answer.headers["location"]
    user.log_in(totp(SECRET))
    assert user.get("/api/session").json["totp"] is True
    again = hub.client().post("/api/login", {"password": hub.password,
                                             "totp": totp(SECRET)})
    assert (again.status, again.json["code"]) == (401, "bad_totp")


def test_cookie(hub):
    answer = hub.client().form("/login", password=hub.password)
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Expires="):
        assert part in cookie
    assert "Secure" not in cookie


def test_api_login_and_logout(hub):
    script = hub.client()
    answer = script.post("/api/login", {"password": "wrong"})
    assert (answer.status, answer.json["code"]) == (401, "bad_password")
    assert script.post("/api/login", {}).status == 400
    script.log_in_api()
    assert script.get("/api/hosts").json == {"hosts": [], "blocked": []}
    assert script.post("/api/hosts", {"hostname": "a"}).status == 200
    user = hub.client().log_in()
    assert user.post("/logout").headers["location"] == "/login"
    assert user.get("/").headers["location"] == "/login"
    assert script.get("/api/hosts").status == 200


def test_csrf(user):
    """The cookie alone changes nothing."""
    good, user.csrf = user.csrf, None
    for csrf in (None, "wrong", good[:-1]):
        user.csrf = csrf
        answer = user.post("/api/hosts", {"hostname": "a"})
        assert (answer.status, answer.json["code"]) == (403, "csrf")
    user.csrf = None
    assert user.form("/logout", csrf_token="wrong").status == 403
    assert user.form("/logout", csrf_token=good).status == 302


def test_without_session(hub):
    """People are led to the login, programs are told."""
    user = hub.client()
    assert user.get("/").headers["location"] == "/login"
    assert user.get("/api/hosts").headers["location"] == "/login"
    answer = user.get("/api/hosts", Accept="application/json")
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    answer = user.get("/api/hosts", Authorization="Bearer nonsense")
    assert answer.status == 401
    # A wrong token is wrong even with a good cookie.
    good = hub.client().log_in()
    assert good.get("/api/hosts",
                    Authorization="Bearer nonsense").status == 401


@pytest.mark.parametrize("path", ["/login", "/health", "/api/hosts", "/none",
                                  "/login.css", "/ws"])
def test_security_headers(hub, path):
    headers = hub.client().get(path).headers
    csp = headers["content-security-policy"]
    assert csp.startswith("default-src 'none'") and "unsafe" not in csp
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_methods(user):
    answer = user.request("PUT", "/api/hosts", {})
    assert answer.status == 405
    assert answer.headers["allow"] == "OPTIONS, GET, HEAD, POST"
    answer = user.request("OPTIONS", "/api/hosts")
    assert (answer.status, answer.body) == (204, b"")
    answer = user.request("HEAD", "/api/hosts")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert user.get("/api/none").json["code"] == "not_found"
    assert user.get("/api/hosts/../hosts").status == 200


def test_every_route_is_described(user):
    """The OpenAPI document and the table are one."""
    paths = user.get("/api/openapi.json").json["paths"]
    assert "post" in paths["/api/dispatch"]
    assert paths["/api/hosts/{id}"]["get"]["parameters"][0]["name"] == "id"
    for path, item in paths.items():
        for method in item:
            answer = user.request(method.upper(), path.replace(
                "{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), {})
            assert answer.status not in (405, 500), (method, path)
            if path == "/logout":
                user.log_in()


def test_bad_requests(user):
    """A clear error with a code, and the connection lives on."""
    for body in ('{"op":', "[1]", '"x"', "\xff", '{"op": "pull"}',
                 '{"op": "pull", "hosts": []}',
                 '{"op": "pull", "hosts": [1]}', '{"op": 3, "hosts": ["a"]}',
                 '{"op": "pull", "hosts": ["a"], "args": 1}'):
        answer = user.request("POST", "/api/dispatch", body)
        assert answer.status == 400, body
        assert answer.json["error"] and answer.json["code"]
    answer = user.post("/api/dispatch", {"op": "pul", "hosts": ["a"]})
    assert answer.json["code"] == "unknown_op"
    assert 'did you mean "pull"' in answer.json["error"]
    assert user.get("/api/events?limit=0").status == 400
    assert user.get("/api/events?limit=x").status == 400
    assert user.get("/api/operations?state=none").status == 400
    assert user.get("/api/hosts?a=%ff").status == 400


def test_body_limits(hub, user):
    answer = user.request("POST", "/api/hosts", "x" * 70000)
    assert (answer.status, answer.json["code"]) == (413, "too_long")
    head = f"Cookie: nixfleet_session={user.cookie}\r\nHost: h\r\n"
    text = raw(hub, ("POST /api/hosts HTTP/1.1\r\n" + head +
                     "Content-Length: 99999999999\r\n\r\n").encode())
    assert text.startswith("HTTP/1.1 413 ")
    text = raw(hub, ("POST /api/hosts HTTP/1.1\r\n" + head +
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode())
    assert text.startswith("HTTP/1.1 411 ")
    assert user.get("/health").status == 200


def test_keep_alive_and_pipelining(hub, user):
    """Several requests on one connection, each with its own answer; to one
    that does not wait newer libwebsockets closes, and others go on."""
    c = http.client.HTTPConnection(*hub.address, timeout=10)
    for path in ("/health", "/login", "/health"):
        c.request("GET", path)
        assert c.getresponse().read()
    for i in range(3):
        c.request("POST", "/api/hosts", json.dumps({"hostname": f"h{i}"}), {
            "Cookie": f"nixfleet_session={user.cookie}",
            "X-CSRF-Token": user.csrf})
        assert json.loads(c.getresponse().read())["status"] == "created"
    c.close()
    one = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
    assert raw(hub, one * 2, 2).count('"status":"ok"') in (0, 2)
    assert user.get("/health").status == 200


def test_garbage(hub):
    """Strangers' bytes end their own connection only."""
    for data in (b"\x00\xff" * 100, b"GET\r\n\r\n", b"A" * 20000,
                 b"GET / HTTP/1.1\r\nA: " + b"b" * 20000 + b"\r\n\r\n",
                 b"BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: -1"
                 b"\r\n\r\n"):
        try:
            raw(hub, data)
        except OSError:
            pass
    assert hub.client().get("/health").json["status"] == "ok"


def test_assets(hub):
    """The dashboard's files: cached for ever, packed, or not sent again."""
    user = hub.client().log_in()
    page = user.get("/")
    assert page.headers["cache-control"] == "no-store"
    name = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
    if name is None:
        pytest.skip("built without the dashboard")
    plain = user.get(name[1])
    assert plain.headers["content-type"].startswith("text/javascript")
    assert "immutable" in plain.headers["cache-control"]
    packed = user.get(name[1], Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)
    again = user.get(name[1], If_None_Match=plain.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    # No inline script or style: the policy would not run it.
    for text in (page.text, hub.client().get("/login").text):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=",
                             text)


def test_health_tells_the_truth(hub):
    """A hub whose loop was stuck says so."""
    user = hub.client()
    assert user.get("/health").json["status"] == "ok"
    hub.process.send_signal(signal.SIGSTOP)
    # Longer than /health forgives: the time itself is the condition.
    time.sleep(6)
    hub.process.send_signal(signal.SIGCONT)
    answer = user.wait(lambda: (lambda a: a if a.status == 503 else None)(
        user.get("/health")))
    assert answer.json["status"] == "failing"
    assert "stuck" in answer.json["reason"]


def test_tls(new_hub, tmp_path):
    """With a certificate everything is TLS, and browsers are told to stay."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    hub = new_hub(NIXFLEET_TLS_CERT=str(cert), NIXFLEET_TLS_KEY=str(key))
    trust = ssl.create_default_context(cafile=str(cert))
    assert hub.scheme == "https"
    c = http.client.HTTPSConnection(*hub.address, timeout=10, context=trust)
    c.request("POST", "/login", f"password={hub.password}", {
        "Content-Type": "application/x-www-form-urlencoded"})
    answer = c.getresponse()
    answer.read()
    assert "Secure" in answer.getheader("Set-Cookie")
    assert answer.getheader("Strict-Transport-Security")
    c.close()
    host = WsAgent(hub.address, SHARED, "atlas", ssl=trust)
    assert host.registered["host_id"] == "atlas"
    host.close()


def test_check_and_arguments(bin_dir, tmp_path):
    def run(*args, **env):
        return subprocess.run([bin_dir / "nixfleet-hub", *args], text=True,
                              capture_output=True, timeout=20, env={
                                  "PATH": "/usr/bin:/bin",
                                  "NIXFLEET_LISTEN": "127.0.0.1:0",
                                  "NIXFLEET_DATA_DIR": str(tmp_path), **env})
    assert re.fullmatch(r"nixfleet-hub \d+\.\d+\.\d+\n",
                        run("--version").stdout)
    assert "NIXFLEET_LISTEN" in run("--help").stdout
    assert run("--wrong").returncode == 2
    assert run("serve").returncode == 2
    done = run("--check", NIXFLEET_AGENT_TOKEN="secret-word")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret-word" not in done.stdout
    for env in ({"NIXFLEET_TRUSTED_PROXIES": "10.0.0.0/99"},
                {"NIXFLEET_TLS_CERT": "/none"},
                {"NIXFLEET_TLS_CERT": "/none", "NIXFLEET_TLS_KEY": "/none"}):
        done = run("--check", **env)
        assert done.returncode == 1 and "WRONG" in done.stdout, env
        done = run(**env)
        assert done.returncode == 1 and done.stderr, env


def test_check_tries_what_it_can(hub, bin_dir, tmp_path):
    """--check finds a port that is taken, a repository that is not there and
    a directory that cannot be, each with the setting's name."""
    git = tmp_path / "config.git"
    for args in (["init", "-q", "-b", "main", git],
                 ["-C", git, "-c", "user.name=a", "-c", "user.email=a@b",
                  "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *args], check=True)

    def check(**env):
        return subprocess.run(
            [bin_dir / "nixfleet-hub", "--check"], text=True,
            capture_output=True, timeout=60, env={
                "PATH": "/usr/bin:/bin", "NIXFLEET_LISTEN": "127.0.0.1:0",
                "NIXFLEET_DATA_DIR": str(tmp_path), "NIXFLEET_REPO_URL":
                f"file://{git}", **env})
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "branch main is at" in done.stdout
    for name, value in (("LISTEN", "%s:%d" % hub.address[:2]),
                        ("BRANCH", "nosuch"), ("REPO_URL", "file:///none"),
                        ("DATA_DIR", "/proc/x")):
        done = check(**{f"NIXFLEET_{name}": value})
        wrong = [x for x in done.stdout.splitlines() if "WRONG" in x]
        assert done.returncode == 1 and len(wrong) == 1, done.stdout
        assert f"NIXFLEET_{name}" in wrong[0] or value in wrong[0]


def test_start_without_agent_token(new_hub):
    """A hub that nobody can enrol at says so in its log."""
    hub = new_hub(NIXFLEET_AGENT_TOKEN="")
    assert "NIXFLEET_AGENT_TOKEN_FILE" in hub.log.read_text()
