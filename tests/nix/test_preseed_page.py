"""docs/how-to/preseed.md, its commands as they stand there, on hosts whose
closures real nix builds."""

import contextlib
import os
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")).resolve()
TEXT = (ROOT / "docs/how-to/preseed.md").read_text()
BLOCKS = [b.lstrip("\n") for b in TEXT.split("```")[1::2]
          if b.startswith("\n")]
COMMANDS = [b for b in BLOCKS if not b.startswith("NIXFLEET_")]
SETTINGS = dict(b.strip().split("=", 1) for b in BLOCKS
                if b.startswith("NIXFLEET_"))

FLAKE = """
{
  outputs = _: {
    host = derivation {
      name = "host";
      system = "SYSTEM";
      builder = "/bin/sh";
      args = [ ./build.sh ];
      live = "HOME/greeting";
    };
  };
}
"""
BUILD = """PATH=/usr/bin:/bin
mkdir -p "$out/bin"
printf '#!/bin/sh\\necho "%s" > "%s"\\n' "GREETING" "$live" > "$out/bin/activate"
chmod +x "$out/bin/activate"
"""


def wait_for(check, seconds=60):
    end = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return value


class Reader:
    """Somebody with a home, a checkout in it and nix."""

    def __init__(self, tmp_path):
        self.home = tmp_path / "home"
        self.config = self.home / "nixcfg"
        self.config.mkdir(parents=True)
        self.env = {
            "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.home),
            "NIX_STORE_DIR": f"{tmp_path}/nix/store",
            "NIX_STATE_DIR": f"{tmp_path}/nix/var",
            "NIX_LOG_DIR": f"{tmp_path}/nix/log", "NIX_REMOTE": "local",
            "NIX_CONFIG": "experimental-features = nix-command flakes\n"
                          "sandbox = false\nbuild-users-group =\n"
                          "substituters =\n",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "Ada"),
                                   ("EMAIL", "ada@fleet.example"))},
        }
        system = self.shell("nix eval --impure --raw --expr "
                            "builtins.currentSystem")
        (self.config / "flake.nix").write_text(
            FLAKE.replace("SYSTEM", system).replace("HOME", str(self.home)))
        self.shell("git init -q -b main nixcfg")
        self.commit("hello")

    def shell(self, text, env=None):
        done = subprocess.run(["bash", "-euc", text], cwd=self.home,
                              env=env or self.env, text=True,
                              capture_output=True)
        assert done.returncode == 0, text + done.stdout + done.stderr
        return done.stdout

    def ask(self, op):
        """Once the agent is done with what it began by itself."""
        def free():
            done = subprocess.run(["nixfleet", op], env=self.tool, text=True,
                                  capture_output=True)
            if "is running" in done.stderr:
                return None
            return done
        done = wait_for(free)
        assert done.returncode == 0, done.stdout + done.stderr

    def commit(self, greeting):
        (self.config / "build.sh").write_text(
            BUILD.replace("GREETING", greeting))
        self.shell("git -C nixcfg add -A; git -C nixcfg commit -qm Say")

    def greeting(self):
        return (self.home / "greeting").read_text().strip()

    @contextlib.contextmanager
    def agent(self, **settings):
        state = self.home / ".local/state/nixfleet-agent"
        env = {**self.env, "NIXFLEET_STATE_DIR": str(state),
               "NIXFLEET_HOSTNAME": "atlas", "NIXFLEET_HOST_KIND": "custom",
               "NIXFLEET_FLAKE_ATTR": "host",
               "NIXFLEET_PROFILE": str(self.home / "profile"),
               "NIXFLEET_CONTROL_SOCKET": str(state / "control.sock"),
               "NIXFLEET_FETCH_TIMEOUT": "20s", **settings}
        self.tool = {**self.env, "NIXFLEET_CONTROL_SOCKET":
                     env["NIXFLEET_CONTROL_SOCKET"]}
        process = subprocess.Popen([BIN / "nixfleet-agent"], env=env,
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            wait_for((state / "control.sock").exists)
            yield self
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def reader(tmp_path):
    one = Reader(tmp_path)
    one.shell(COMMANDS[0])
    return one


# There is never a server: a directory is one, and a newer file brings the
# next revision.
def test_never_a_server(reader):
    make, renew = COMMANDS[1:]
    reader.shell(make)
    url = SETTINGS["NIXFLEET_REPO_URL"].replace("/home/ada",
                                                str(reader.home))
    with reader.agent(NIXFLEET_REPO_URL=url):
        reader.ask("pull-switch")
        assert reader.greeting() == "hello"
        reader.commit("good evening")
        reader.shell(COMMANDS[0])
        reader.shell(renew)
        reader.ask("pull-switch")
        assert reader.greeting() == "good evening"


# The line comes late: without the server there is no clone, however good the
# file is, and the status says why; then there is, with the server's word.
def test_seed(reader):
    assert SETTINGS["NIXFLEET_REPO_SEED"].endswith("/fleet.bundle")
    away = reader.home / "away"
    reader.config.rename(away)
    with reader.agent(NIXFLEET_REPO_URL="ssh://git@127.0.0.1:9/fleet.git",
                      NIXFLEET_REPO_SEED=str(reader.home / "fleet.bundle")):
        wait_for(lambda: "unreachable" in reader.shell(
            "nixfleet repo status", reader.tool))
    away.rename(reader.config)
    reader.commit("newer")
    with reader.agent(NIXFLEET_REPO_URL=f"file://{reader.config}",
                      NIXFLEET_REPO_SEED=str(reader.home / "fleet.bundle")):
        reader.ask("pull-switch")
        assert reader.greeting() == "newer"
