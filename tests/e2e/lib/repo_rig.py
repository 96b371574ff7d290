"""A remote to push to, a host that pulls, and servers in between."""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


def git(*args, cwd=None, check=True):
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *args], cwd=cwd, env=ENV,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise AssertionError(f"git {args}: {done.stderr!r}")
    return done.stdout.decode(errors="replace").strip()


class Remote:
    """A bare repository and a person's checkout that pushes to it."""

    def __init__(self, top, branch="main", names="sha1"):
        self.bare = top / "remote.git"
        self.work = top / "work"
        self.branch = branch
        git("init", "-q", "--bare", f"--object-format={names}", "-b", "main",
            str(self.bare))
        git("init", "-q", f"--object-format={names}", "-b", branch,
            str(self.work))
        git("remote", "add", "origin", str(self.bare), cwd=self.work)
        self.url = f"file://{self.bare}"

    def commit(self, files, message="change", push=True, mode=None):
        """Commit {path: text or None} and push; returns the revision."""
        for path, text in files.items():
            p = self.work / path
            if text is None:
                git("rm", "-q", "-r", path, cwd=self.work)
                continue
            p.parent.mkdir(parents=True, exist_ok=True)
            p.write_bytes(text if isinstance(text, bytes) else text.encode())
            if mode:
                p.chmod(mode)
        git("add", "-A", cwd=self.work)
        git("commit", "-q", "-m", message, cwd=self.work)
        if push:
            self.push()
        return self.head()

    def push(self, *more):
        git("push", "-q", *more, "origin", f"HEAD:refs/heads/{self.branch}",
            cwd=self.work)

    def head(self):
        return git("rev-parse", "HEAD", cwd=self.work)

    def tip(self):
        return git("rev-parse", f"refs/heads/{self.branch}", cwd=self.bare)


class Answer(dict):
    """The tool's JSON, its exit status and what it said on stderr."""

    def __init__(self, done):
        out = done.stdout.decode(errors="replace")
        value = json.loads(out) if out[:1] in "{[" and out else {}
        super().__init__(value if isinstance(value, dict) else
                         {"list": value})
        self.rc = done.returncode
        self.log = done.stderr.decode(errors="replace")
        self.raw = out


class Host:
    """A state directory and the settings of its repository."""

    def __init__(self, tool, state, **conf):
        self.tool = tool
        self.state = state
        self.dir = state / "repo"
        self.conf = {"dir": self.dir, "state": state, **conf}
        self.env = dict(ENV)

    def argv(self, *args):
        return [str(self.tool), *(f"{k}={v}" for k, v in self.conf.items()),
                *args]

    def start(self, *args):
        return subprocess.Popen(self.argv(*args), env=self.env,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run(self, *args):
        done = subprocess.run(self.argv(*args), env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120)
        assert done.returncode in (0, 1), done
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        return Answer(done)

    def ok(self, *args):
        answer = self.run(*args)
        assert answer.rc == 0, (dict(answer), answer.log)
        return answer

    def fails(self, word, *args):
        answer = self.run(*args)
        assert answer.rc == 1, dict(answer)
        assert answer["fail"] == word, dict(answer)
        return answer

    def git(self, *args):
        return git("-C", str(self.dir), *args)


def assert_tree_is(host, rev):
    """The host's tree is the commit, byte for byte and mode for mode."""
    want = {}
    listing = subprocess.run(
        ["git", "-C", str(host.dir), "ls-tree", "-r", "-z", "--full-tree",
         rev], env=ENV, stdout=subprocess.PIPE, check=True).stdout
    for line in listing.split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        mode, _, blob = meta.split(b" ")
        data = subprocess.run(
            ["git", "-C", str(host.dir), "cat-file", "blob", blob.decode()],
            env=ENV, stdout=subprocess.PIPE, check=True).stdout
        want[path] = (mode, data)
    have = {}
    top = os.fsencode(host.dir)
    for here, dirs, files in os.walk(top):
        if here == top:
            dirs.remove(b".git")
        links = [d for d in dirs if os.path.islink(os.path.join(here, d))]
        assert dirs or files, f"empty directory {here!r}"
        for name in files + links:
            path = os.path.join(here, name)
            rel = os.path.relpath(path, top)
            if os.path.islink(path):
                have[rel] = (b"120000", os.readlink(path))
            else:
                bits = os.lstat(path).st_mode & 0o7777
                assert bits in (0o644, 0o755), (rel, oct(bits))
                with open(path, "rb") as f:
                    have[rel] = (b"100755" if bits & 0o100 else b"100644",
                                 f.read())
    assert have == want


@contextlib.contextmanager
def listening(serve):
    """A port of this machine that serve(listener) answers in a thread.

    The thread has ended when this is over: a left-over accept() would take
    the connections of whoever gets the descriptor next.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        assert not thread.is_alive(), "the server goes on"


@pytest.fixture(scope="session")
def tool():
    """The program that drives the library."""
    built = TOP / "build/obj/tests/unit/repo/repo_tool"
    path = pathlib.Path(os.environ.get("NIXFLEET_REPO_TOOL", built))
    assert path.exists(), f"no {path}: make unit builds it"
    return path.resolve()


@pytest.fixture
def remote(tmp_path):
    return Remote(tmp_path)


@pytest.fixture
def make_host(tool, tmp_path, remote):
    """A factory of hosts that follow the remote."""
    made = []

    def make(**conf):
        host = Host(tool, tmp_path / f"host{len(made)}",
                    **{"url": remote.url, **conf})
        made.append(host)
        return host

    return make


@pytest.fixture
def host(make_host, remote):
    """A host that has pulled a first commit."""
    remote.commit({"flake.nix": "{ }\n", "hosts/a/b.nix": "1\n",
                   ".gitignore": "*.ignored\nresult\n"})
    host = make_host()
    host.ok("pull")
    return host


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sshd:
    """A real sshd on a loopback port with one deploy key."""

    def __init__(self, top):
        self.top = top
        top.mkdir(mode=0o700)
        self.port = free_port()
        self.key = top / "deploy key"
        self.host_key = top / "host_key"
        self.host_keys = [self.host_key]
        self.authorized = top / "authorized_keys"
        self.proc = None
        self.new_key(self.key)
        self.new_key(self.host_key)
        self.allow(self.key)

    @staticmethod
    def new_key(path, kind="ed25519"):
        for p in (path, pathlib.Path(f"{path}.pub")):
            p.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f",
                        str(path)], check=True)

    def allow(self, key, options="restrict"):
        line = pathlib.Path(f"{key}.pub").read_text()
        self.authorized.write_text(f"{options} {line}")
        self.authorized.chmod(0o600)

    def start(self):
        config = self.top / "sshd_config"
        keys = "\n".join(f"HostKey {k}" for k in self.host_keys)
        config.write_text(f"""Port {self.port}
ListenAddress 127.0.0.1
{keys}
AuthorizedKeysFile {self.authorized}
PidFile {self.top}/pid
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin yes
""")
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.log = open(self.top / "log", "ab")
        self.proc = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
            stderr=self.log)
        wait_port(self.port, self.proc)

    def stop(self):
        if self.proc is not None:
            self.proc.terminate()
            self.proc.wait()
            self.proc = None
            self.log.close()

    def url(self, path):
        user = os.environ.get("USER") or "root"
        return f"ssh://{user}@127.0.0.1:{self.port}{path}"


def wait_port(port, proc, seconds=20):
    import time
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert proc.poll() is None, "the server ended"
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the server does not listen")


@pytest.fixture
def sshd(tmp_path):
    server = Sshd(tmp_path / "sshd")
    server.start()
    yield server
    server.stop()


class GitHttp:
    """git http-backend behind a small server, with a token."""

    def __init__(self, root, token=None):
        self.root = root
        self.token = token
        self.push = True
        self.redirect = None
        self.status = None
        self.cut = False        # the second half of a pack never comes
        self.slow = 0           # seconds between bytes of a pack
        self.garbage = False    # a pack of noise
        self.bytes = 0          # sent
        self.gone = threading.Event()
        self.seen = []
        self.headers = []       # of every request
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.handle(self)

            def do_POST(self):
                outer.handle(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"

    def stop(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()

    def handle(self, req):
        given = req.headers.get("Authorization", "")
        self.seen.append((req.path, given))
        self.headers.append(req.headers.items())
        body = req.rfile.read(int(req.headers.get("Content-Length") or 0))
        if self.redirect:
            req.send_response(302)
            req.send_header("Location", self.redirect + req.path)
            req.end_headers()
            return
        if self.status:
            req.send_error(self.status)
            return
        want = base64.b64encode(f"x-access-token:{self.token}".encode())
        if self.token and given != f"Basic {want.decode()}":
            req.send_response(401)
            req.send_header("WWW-Authenticate", 'Basic realm="git"')
            req.end_headers()
            return
        path, _, query = req.path.partition("?")
        env = dict(ENV, GIT_PROJECT_ROOT=str(self.root),
                   GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                   QUERY_STRING=query, REQUEST_METHOD=req.command,
                   CONTENT_TYPE=req.headers.get("Content-Type", ""),
                   CONTENT_LENGTH=str(len(body)),
                   HTTP_CONTENT_ENCODING=req.headers.get(
                       "Content-Encoding", ""),
                   GIT_PROTOCOL=req.headers.get("Git-Protocol", ""),
                   REMOTE_ADDR="127.0.0.1", GIT_CONFIG_COUNT="1",
                   GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        if self.push:
            env["REMOTE_USER"] = "someone"
        out = subprocess.run(["git", "http-backend"], input=body, env=env,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE).stdout
        head, _, data = out.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1)
                   for line in head.decode().split("\r\n") if ": " in line]
        status = [v for k, v in headers if k == "Status"]
        req.send_response(int(status[0].split()[0]) if status else 200)
        for key, value in headers:
            if key != "Status":
                req.send_header(key, value)
        req.send_header("Content-Length", str(len(data)))
        req.end_headers()
        self.bytes += len(data)
        self.send(req, data)

    def send(self, req, data):
        """All of it, or what the test wants to go wrong with a pack."""
        pack = data.find(b"PACK")
        half = (pack + len(data)) // 2
        if pack < 0 or not (self.cut or self.slow or self.garbage):
            req.wfile.write(data)
        elif self.garbage:
            req.wfile.write(data[:pack] + os.urandom(len(data) - pack))
        elif self.cut:
            req.wfile.write(data[:half])
            req.close_connection = True
        else:
            req.wfile.write(data[:half])
            self.trickle(req, data[half:])

    def trickle(self, req, data):
        try:
            for byte in data:
                req.wfile.flush()
                self.gone.wait(self.slow)
                req.wfile.write(bytes([byte]))
        except OSError:
            pass


@pytest.fixture
def git_http(tmp_path):
    made = []

    def make(token=None):
        server = GitHttp(tmp_path, token)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
