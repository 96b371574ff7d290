"""A whole fleet on one machine: repositories, hub and agents as processes.

Used by `make demo`, the tour and the end-to-end tests.  Everything lives in
one directory, real git and real nix included: nix gets a store of its own
there, so neither root nor a daemon is needed and nothing is left behind.
"""

import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = ("atlas", "birch", "cedar")
NIX_CONFIG = """\
experimental-features = nix-command flakes
sandbox = false
build-users-group =
substituters =
flake-registry =
"""


class FleetError(Exception):
    """Something of the fleet did not do what it must; the text says what."""


def wait_for(what, check, seconds=30.0):
    """Return check()'s first true value; FleetError after the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise FleetError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def git(*args, cwd=None):
    """Run git untouched by anybody's configuration; return its output."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada Operator",
        "GIT_AUTHOR_EMAIL": "ada@fleet.example",
        "GIT_COMMITTER_NAME": "Ada Operator",
        "GIT_COMMITTER_EMAIL": "ada@fleet.example",
    }
    done = subprocess.run(
        ["git", *args], cwd=cwd, env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise FleetError(f"git {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Program:
    """One child process with its log in a file."""

    def __init__(self, name, argv, env, log):
        self.name, self.log = name, pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                argv,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def running(self):
        return self.child.poll() is None

    def check(self):
        if not self.running():
            tail = self.log.read_text(errors="replace").splitlines()[-15:]
            raise FleetError(
                f"{self.name} ended with {self.child.returncode}:\n"
                + "\n".join(tail)
            )

    def kill(self, sig=signal.SIGKILL):
        self.child.send_signal(sig)
        return self.child.wait()

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL; returns the exit status."""
        if self.running():
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait()


class Api:
    """The hub's HTTP API with a bearer token."""

    def __init__(self, port):
        self.port, self.token = port, None

    def call(self, method, path, body=None):
        """The decoded answer; FleetError with the hub's words unless 2xx."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            link.request(method, path, data, headers)
            reply = link.getresponse()
            text = reply.read().decode()
        finally:
            link.close()
        if not 200 <= reply.status < 300:
            raise FleetError(f"{method} {path}: {reply.status} {text.strip()}")
        return json.loads(text) if text else None

    def get(self, path, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body if body is not None else {})

    def login(self, password):
        self.token = self.post("/api/login", {"password": password})["token"]

    def healthy(self):
        try:
            return self.get("/health")["status"] == "ok"
        except (OSError, FleetError, http.client.HTTPException):
            return False

    def hosts(self):
        return {host["id"]: host for host in self.get("/api/hosts")["hosts"]}

    def dispatch(self, op, hosts, **more):
        """Ask for an operation; returns the operations' ids by host."""
        answer = self.post(
            "/api/dispatch", {"op": op, "hosts": list(hosts), **more}
        )
        for item in answer["results"]:
            if "command_id" not in item:
                raise FleetError(f"{op} on {item['host_id']}: {item}")
        return {i["host_id"]: i["command_id"] for i in answer["results"]}

    def operation(self, op_id):
        return self.get(f"/api/operations/{op_id}")

    def finished(self, op_id, seconds=120):
        """Wait until the operation is over; returns it."""

        def check():
            operation = self.operation(op_id)
            return operation["state"] == "finished" and operation

        return wait_for(f"operation {op_id}", check, seconds)

    def output(self, op_id):
        page = self.get(f"/api/operations/{op_id}/output", after=0, limit=10000)
        return [line["text"] for line in page["lines"]]


class Fleet:
    """Sample configuration, hub and agents below one directory."""

    def __init__(self, root, bin_dir, port=None, hosts=HOSTS):
        self.root = pathlib.Path(root).resolve()
        self.bin = pathlib.Path(bin_dir).resolve()
        self.port = port or free_port()
        self.names = hosts
        self.agent_token = secrets.token_urlsafe(24)
        self.hub, self.password, self.agents = None, None, {}
        self.api = Api(self.port)

    # -- repositories ------------------------------------------------------

    def create(self):
        """Make the sample repositories; the directory must be new or ours."""
        self.root.mkdir(parents=True, exist_ok=True)
        system = self.nix("eval", "--impure", "--raw", "--expr",
                          "builtins.currentSystem")
        words = {
            "@root@": str(self.root),
            "@modules@": str(self.root / "modules.git"),
            "@system@": system,
        }
        self._repository("modules", HERE / "modules", words)
        self._repository("config", HERE / "fleet", words, lock=True)

    def _repository(self, name, source, words, lock=False):
        work, bare = self.root / name, self.root / f"{name}.git"
        shutil.copytree(source, work)
        for path in work.rglob("*"):
            if path.is_file() and name == "config":
                text = path.read_text()
                for word, value in words.items():
                    text = text.replace(word, value)
                path.write_text(text)
        git("init", "-q", "-b", "main", ".", cwd=work)
        # People commit here too, whatever their own settings are.
        git("config", "user.name", "Ada Operator", cwd=work)
        git("config", "user.email", "ada@fleet.example", cwd=work)
        git("config", "commit.gpgsign", "false", cwd=work)
        git("add", "-A", cwd=work)
        if lock:
            self.nix("flake", "lock", str(work))
            git("add", "-A", cwd=work)
        git("commit", "-q", "-m", f"Begin the sample {name}", cwd=work)
        git("clone", "-q", "--bare", str(work), str(bare))
        git("remote", "add", "origin", str(bare), cwd=work)
        git("fetch", "-q", "origin", cwd=work)
        git("branch", "-q", "-u", "origin/main", "main", cwd=work)

    def set_greeting(self, host, greeting):
        """Change a host's configuration, commit, push; returns the commit."""
        path = self.root / "config" / "hosts" / host / "default.nix"
        text = re.sub(
            r'greeting = ".*"', f'greeting = "{greeting}"', path.read_text()
        )
        path.write_text(text)
        return self.push(f"{host}: greet with {greeting!r}")

    def push(self, message):
        work = self.root / "config"
        git("pull", "-q", "--rebase", "--autostash", cwd=work)
        git("add", "-A", cwd=work)
        git("commit", "-q", "-m", message, cwd=work)
        git("push", "-q", "origin", "main", cwd=work)
        return git("rev-parse", "HEAD", cwd=work)

    def head(self):
        return git("rev-parse", "main", cwd=self.root / "config.git")

    # -- nix -----------------------------------------------------------------

    def nix_env(self):
        nix = self.root / "nix"
        return {
            "NIX_CONFIG": NIX_CONFIG,
            "NIX_STORE_DIR": str(nix / "store"),
            "NIX_STATE_DIR": str(nix / "var"),
            "NIX_LOG_DIR": str(nix / "log"),
            "NIX_CONF_DIR": str(nix / "etc"),
            "NIX_REMOTE": "local",
        }

    def nix(self, *args, cwd=None):
        home = self.root / "home"
        home.mkdir(parents=True, exist_ok=True)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            **self.nix_env(),
        }
        done = subprocess.run(
            ["nix", *args], cwd=cwd, env=env, capture_output=True, text=True
        )
        if done.returncode:
            raise FleetError(f"nix {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    # -- processes -----------------------------------------------------------

    def env(self, **more):
        keep = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                "LSAN_OPTIONS")
        base = {k: os.environ[k] for k in keep if k in os.environ}
        return {**base, "HOME": str(self.root / "home"), **more}

    def start_hub(self, **settings):
        env = {
            "NIXFLEET_LISTEN": f"127.0.0.1:{self.port}",
            "NIXFLEET_DATA_DIR": str(self.root / "hub"),
            "NIXFLEET_AGENT_TOKEN": self.agent_token,
            "NIXFLEET_REPO_URL": f"file://{self.root}/config.git",
            "NIXFLEET_REPO_POLL": "1",
            **settings,
        }
        log = self.root / "hub.log"
        self.hub = Program(
            "nixfleet-hub", [self.bin / "nixfleet-hub"], self.env(**env), log
        )

        def ready():
            self.hub.check()
            return self.api.healthy()

        wait_for("the hub", ready)
        if self.password is None:
            self.password = self._first_password(log)
        self.api.login(self.password)

    @staticmethod
    def _first_password(log):
        found = re.search(r"only now:\n\n +(\S+)\n", log.read_text())
        if not found:
            raise FleetError(f"no password in {log}")
        return found.group(1)

    def agent_env(self, host, **settings):
        """The environment of one host's agent; a setting of None is left out."""
        state = self.root / "hosts" / host / "state"
        env = {
            "NIXFLEET_URL": f"http://127.0.0.1:{self.port}",
            "NIXFLEET_TOKEN": self.agent_token,
            "NIXFLEET_REPO_URL": f"file://{self.root}/config.git",
            "NIXFLEET_STATE_DIR": str(state),
            "NIXFLEET_HOSTNAME": host,
            "NIXFLEET_INTERVAL": "1",
            "NIXFLEET_HOST_KIND": "custom",
            "NIXFLEET_FLAKE_ATTR": "fleet.{host}",
            "NIXFLEET_PROFILE": str(self.profile(host)),
            "NIXFLEET_ACTIVATE": str(self.bin / "nixfleet-activate"),
            **self.nix_env(),
            **settings,
        }
        return self.env(**{k: v for k, v in env.items() if v is not None})

    def start_agent(self, host, **settings):
        env = self.agent_env(host, **settings)
        (self.root / "hosts" / host).mkdir(parents=True, exist_ok=True)
        self.agents[host] = Program(
            f"agent {host}",
            [self.bin / "nixfleet-agent"],
            env,
            self.root / "hosts" / host / "agent.log",
        )

    def start(self):
        """Hub and every agent; returns once all are connected."""
        self.start_hub()
        for host in self.names:
            self.start_agent(host)
        self.wait_connected()

    def wait_connected(self, seconds=60):
        """Every started agent is connected and has a clone."""

        def check():
            for agent in self.agents.values():
                agent.check()
            hosts = self.api.hosts()
            return all(
                name in hosts
                and hosts[name]["liveness"] == "connected"
                and hosts[name]["generation"]
                for name in self.agents
            )

        wait_for("every agent to connect and clone", check, seconds)

    def profile(self, host):
        return self.root / "hosts" / host / "profile"

    def closure(self, host):
        """The store path that the host's profile points to, or None."""
        profile = self.profile(host)
        return os.path.realpath(profile) if profile.exists() else None

    def motd(self, host):
        path = self.root / "hosts" / host / "live" / "motd"
        return path.read_text().strip() if path.exists() else None

    def stop(self):
        for agent in self.agents.values():
            if agent.running():
                agent.child.terminate()
        for agent in self.agents.values():
            agent.stop()
        if self.hub:
            self.hub.stop()

    def remove(self):
        """Delete the directory; store paths are read-only until now."""
        for folder, _, _ in os.walk(self.root):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.root)
