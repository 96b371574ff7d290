"""`nixfleet migrate`: what it reads, what it prints, and that what it prints
is right: our modules take it without a word, and it asks for nothing more."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")).resolve()
# The fleet's library: the real one where NIXFLEET_NIXPKGS_LIB names it.
LIBRARY = os.environ.get("NIXFLEET_NIXPKGS_LIB", "./nix/tests/standin.nix")

# The options of NixFleet v3's modules.
V3 = """
{ lib, config, ... }:
let
  inherit (lib) mkOption types;
  str = default: mkOption { type = types.str; inherit default; };
  home = config ? home;
in
{
  options.services.nixfleet-agent = {
    enable = mkOption { type = types.bool; default = false; };
    url = mkOption { type = types.str; };
    configRepo = str "";
    repoUrl = str "";
    branch = str "main";
    interval = mkOption { type = types.ints.between 1 3600; default = 5; };
    logLevel = str "info";
    hostname = str "";
    version = str "0.0.0";
    nixpkgsVersion = str "";
    themeColor = str "";
    location = str "home";
    deviceType = str "desktop";
    tokenFile = mkOption { type = if home then types.str else types.path; };
    sshKeyFile = mkOption { type = types.nullOr types.str; default = null; };
  } // (if home then { } else { user = mkOption { type = types.str; }; });
}
"""

AGENT = """
  enable = true;
  url = "wss://fleet.example/ws";
  tokenFile = "/run/agenix/nixfleet-token";
  user = "ada";
  interval = 30;
  themeColor = "#769ff0";
"""
CLONE = AGENT + """
  repoUrl = "ssh://git@git.example/fleet.git";
  sshKeyFile = "/run/agenix/deploy-key";
"""

FLAKE = """
{
  outputs = _:
    let
      lib = import LIBRARY;
      platform = import ./nix/tests/platform.nix { inherit lib; };
      # As the real library does it, an option says which files set it.
      evaluate = os: module: file:
        let
          made = lib.evalModules {
            specialArgs.pkgs = platform.pkgs false;
            modules = [ platform.${os} module file ];
          };
          service = made.options.services.nixfleet-agent;
        in
        made // {
          options.services.nixfleet-agent =
            lib.mapAttrs (_: option: { files = [ file ]; } // option) service;
        };
    in
    {
      nixosConfigurations.atlas = evaluate "nixos" MODULE ./hosts/atlas.nix;
      nixosConfigurations.birch = evaluate "nixos" MODULE ./hosts/birch.nix;
      homeConfigurations."ada@walnut" =
        evaluate "home" HOME ./hosts/walnut.nix;
    };
}
"""
UNIT = """
[Unit]
Description=NixFleet Agent

[Service]
Type=simple
User=ada
Group=users
# as systemd writes it
Environment="NIXFLEET_URL=wss://fleet.example/ws" "NIXFLEET_BRANCH=main"
Environment="NIXFLEET_REPO_URL=ssh://git@git.example/fleet.git" \\
    "NIXFLEET_REPO_DIR=/var/lib/nixfleet-agent/repo"
Environment="NIXFLEET_SSH_KEY=/home/ada/my 100%% key" NIXFLEET_INTERVAL=30
EnvironmentFile=TOKENS
ExecStart=/usr/bin/nixfleet-agent
Restart=always
"""
PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x">
<!-- <string>not me</string> -->
<plist version="1.0">
<dict>
  <key>EnvironmentVariables</key>
  <dict>
    <key>NIXFLEET_URL</key>
    <string>wss://fleet.example/ws?a&amp;b</string>
    <key>NIXFLEET_REPO_URL</key>
    <string>https://git.example/fleet.git</string>
    <key>NIXFLEET_REPO_DIR</key>
    <string>/Users/ada/.local/state/nixfleet-agent/repo</string>
  </dict>
  <key>KeepAlive</key><true/>
  <key>Label</key><string>com.nixfleet.agent</string>
  <key>ProgramArguments</key>
  <array><string>/bin/sh</string><string>-c</string><string>SCRIPT</string>
  </array>
</dict>
</plist>
"""


@pytest.fixture
def env(tmp_path):
    """A store of its own, and a home with nothing in it."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"], "HOME": str(home),
        "NIX_STORE_DIR": f"{tmp_path}/nix/store",
        "NIX_STATE_DIR": f"{tmp_path}/nix/var",
        "NIX_LOG_DIR": f"{tmp_path}/nix/log", "NIX_REMOTE": "local",
        "NIX_CONFIG": "sandbox = false\nbuild-users-group =\n"
                      "substituters =\n",
        **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
    }


def migrate(env, *args, code=0):
    done = subprocess.run([BIN / "nixfleet", "migrate", *map(str, args)],
                          env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def plans(env, *args):
    return [json.loads(line) for line in
            migrate(env, "--json", *args).splitlines()]


def plan(env, *args):
    (only,) = plans(env, *args)
    return only


def what(answer):
    return {c["what"] for c in answer["changes"]}


def commands(answer):
    return [c for s in answer["steps"] for c in s["commands"]]


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else None
            for p in sorted(folder.rglob("*")) if not p.is_symlink()}


def write_flake(folder, ours, **hosts):
    """A fleet of v3's module, or of ours."""
    shutil.copytree(ROOT / "nix", folder / "nix", dirs_exist_ok=True)
    (folder / "VERSION").write_text("1\n")
    (folder / "v3.nix").write_text(V3)
    (folder / "hosts").mkdir(exist_ok=True)
    text = FLAKE.replace("MODULE", "./nix/nixos-agent.nix" if ours
                         else "./v3.nix")
    text = text.replace("LIBRARY", LIBRARY)
    text = text.replace("HOME", "./nix/home-agent.nix" if ours
                        else "./v3.nix")
    (folder / "flake.nix").write_text(text)
    for name in ("atlas", "birch", "walnut"):
        config = hosts.get(name, "{ }")
        (folder / f"hosts/{name}.nix").write_text(config)
    return folder


def host(agent):
    return f"{{\n services.nixfleet-agent = {{{agent}}};\n}}\n"


def checked(env, folder, name):
    """What our module says of the configuration of a host: failures and
    warnings, by nix."""
    kind = "home" if name == "walnut" else "nixos"
    library = LIBRARY.replace("./", f"{folder}/", 1)
    expression = (
        f"(x: {{ inherit (x) failed warnings; }}) "
        f"(import {folder}/nix/tests/eval.nix {{ module = \"{kind}-agent\"; "
        f"library = {library}; "
        f"config = (import {folder}/hosts/{name}.nix)"
        f".services.nixfleet-agent; }})")
    done = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", "-E", expression],
        env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# v3's module of NixOS becomes ours: the printed configuration is put in its
# place, our module takes it, and there is nothing left to do.  Nothing of the
# person's is touched before that.
def test_v3_nixos(env, tmp_path):
    folder = write_flake(tmp_path / "fleet", False, atlas=host(CLONE))
    before = snapshot(folder)
    answer = plan(env, folder, "atlas")
    assert snapshot(folder) == before
    assert (answer["v3"], answer["for"], answer["host"]) == (
        True, "nixos", "atlas")
    assert {"user", "permissions", "directories", "sudo", "version",
            "flake input"} <= what(answer)
    assert any("rm -rf /var/lib/nixfleet-agent/repo" in c
               for c in commands(answer))
    text = answer["configuration"]
    assert 'repoUrl = "ssh://git@git.example/fleet.git";' in text
    assert "interval = 30;" in text and "user" not in text
    write_flake(folder, True, atlas=text)
    assert checked(env, folder, "atlas") == {"failed": [], "warnings": []}
    again = plan(env, folder, "atlas")
    assert again["migrated"] and again["changes"] == []
    assert again["steps"] == [] and again["configuration"] is None
    assert "nothing to do" in migrate(env, folder, "atlas")


# All hosts at once, of whatever kind they are; a host without an agent is not
# among them.
def test_all_hosts(env, tmp_path):
    walnut = CLONE.replace('user = "ada";', "")
    folder = write_flake(tmp_path / "fleet", False, atlas=host(CLONE),
                         walnut=host(walnut))
    found = plans(env, folder, "--all")
    assert {(p["host"], p["for"]) for p in found} == {
        ("atlas", "nixos"), ("ada@walnut", "home")}
    (mac,) = [p for p in found if p["for"] == "home"]
    assert "user" not in what(mac) and "sudo" not in what(mac)
    write_flake(folder, True, walnut=mac["configuration"])
    assert checked(env, folder, "walnut") == {"failed": [], "warnings": []}
    assert plan(env, folder, "walnut")["migrated"]


# A checkout becomes a clone of the agent's own: address and branch are those
# of the checkout, and a key is asked for where ssh needs one.
@pytest.mark.parametrize("ours", (False, True))
@pytest.mark.parametrize("origin", (
    "ssh://git@git.example/fleet.git", "git@git.example:fleet.git",
    "https://git.example/fleet.git", "https://ada:s3cret@git.example/f.git",
    "/srv/git/fleet.git"))
def test_checkout(env, tmp_path, ours, origin):
    checkout = tmp_path / "nixcfg"
    subprocess.run(["git", "init", "-q", "-b", "prod", checkout], check=True)
    subprocess.run(["git", "-C", checkout, "remote", "add", "origin", origin],
                   check=True)
    config = AGENT + f'configRepo = "{checkout}";'
    folder = write_flake(tmp_path / "fleet", ours, atlas=host(config))
    answer = plan(env, folder, "atlas")
    text = answer["configuration"]
    assert "configRepo" not in text and 'branch = "prod";' in text
    clean = origin.replace("ada:s3cret@", "")
    clean = f"file://{clean}" if clean.startswith("/") else clean
    assert f'repoUrl = "{clean}";' in text
    assert "s3cret" not in json.dumps(answer)
    assert ("repoTokenFile" in text) == ("s3cret" in origin)
    assert ("sshKeyFile" in text) == ("git@" in origin)
    assert ("deploy key" in what(answer)) == ("git@" in origin)
    assert "repository" in what(answer) and "user" in what(answer)
    assert f"git -C {checkout} status --short --branch" in commands(answer)
    write_flake(folder, True, atlas=text)
    assert checked(env, folder, "atlas") == {"failed": [], "warnings": []}
    assert plan(env, folder, "atlas")["migrated"]


# Where the checkout cannot tell, the address is asked for and not invented.
def test_checkout_without_origin(env, tmp_path):
    config = AGENT + f'configRepo = "{tmp_path}/none";'
    folder = write_flake(tmp_path / "fleet", False, atlas=host(config))
    answer = plan(env, folder, "atlas")
    assert "ADDRESS-OF-THE-REPOSITORY" in answer["configuration"]
    assert f"git -C {tmp_path}/none remote get-url origin" in commands(answer)


# A configuration without a flake, as in /etc/nixos, through <nixpkgs/nixos>.
def test_without_a_flake(env, tmp_path):
    folder = write_flake(tmp_path / "etc", False)
    (folder / "flake.nix").unlink()
    (folder / "nixos").mkdir()
    (folder / "nixos/default.nix").write_text("""
      { configuration }:
      let
        lib = import ../nix/tests/standin.nix;
        platform = import ../nix/tests/platform.nix { inherit lib; };
      in
      lib.evalModules {
        specialArgs.pkgs = platform.pkgs false;
        modules = [ platform.nixos ../v3.nix configuration ];
      }""")
    (folder / "configuration.nix").write_text(host(CLONE))
    env["NIX_PATH"] = f"nixpkgs={folder}"
    answer = plan(env, folder)
    assert answer["v3"] and answer["host"] is None
    assert "services.nixfleet-agent" in answer["configuration"]


# What cannot be used is named with the option, the file and the line.
def test_bad_option(env, tmp_path):
    config = CLONE.replace('"#769ff0"', '"blue"') + 'logLevel = "loud";'
    folder = write_flake(tmp_path / "fleet", False, atlas=host(config))
    text = migrate(env, folder, "atlas", code=2)
    assert "services.nixfleet-agent.themeColor in" in text
    assert f"{folder}/hosts/atlas.nix:8" in text and "blue" in text
    assert "logLevel" in text and "loud" in text and "debug" in text
    assert "ssh://" not in text
    # nix itself says it of an option that does not exist
    (folder / "hosts/atlas.nix").write_text(host(CLONE + 'colour = "x";'))
    assert "colour" in migrate(env, folder, "atlas", code=1)


# A host that is not there is answered with those that are.
def test_unknown_host(env, tmp_path):
    folder = write_flake(tmp_path / "fleet", False, atlas=host(CLONE))
    text = migrate(env, folder, "oak", code=1)
    assert "oak" in text and "atlas, birch" in text and "ada@walnut" in text


# A unit that no module made becomes lines for our service, which need
# nothing more; the agent has copies of the secrets, and nothing of them is
# shown.
@pytest.mark.parametrize("tokens", ("NIXFLEET_TOKEN=s3cret\n", None))
def test_unit(env, tmp_path, tokens):
    file = tmp_path / "token"
    if tokens:
        file.write_text(tokens)
    unit = tmp_path / "nixfleet-agent.service"
    unit.write_text(UNIT.replace("TOKENS", f"-{file}"))
    answer = plan(env, unit)
    assert (answer["v3"], answer["for"]) == (True, "env")
    assert answer["configuration"] == (
        "NIXFLEET_URL=wss://fleet.example/ws\n"
        "NIXFLEET_TOKEN_FILE=/etc/nixfleet/token\n"
        "NIXFLEET_REPO_URL=ssh://git@git.example/fleet.git\n"
        "NIXFLEET_SSH_KEY=/etc/nixfleet/deploy-key\n"
        "NIXFLEET_INTERVAL=30\n")
    for old, new in ((file, "token"),
                     ("/home/ada/my 100% key", "deploy-key")):
        assert (f"install -o nixfleet-agent -m 0600 {shlex.quote(str(old))} "
                f"/etc/nixfleet/{new}") in commands(answer)
    assert "s3cret" not in json.dumps(answer)
    new = tmp_path / "agent.conf"
    new.write_text(answer["configuration"])
    assert plan(env, new)["migrated"]


# What is to be pasted into root's shell is one command, whatever the set-up
# calls its files.
def test_commands_are_quoted(env, tmp_path):
    made = tmp_path / "made"
    evil = f"x'; touch {made}; echo $(touch {made}) '"
    unit = tmp_path / "nixfleet-agent.service"
    unit.write_text('[Service]\nEnvironment=NIXFLEET_URL=https://f.example '
                    f'"NIXFLEET_NIXCFG=/none/{evil}" '
                    f'"NIXFLEET_TOKEN_FILE=/none/{evil}"\n')
    told = commands(plan(env, unit))
    for command in told:
        if "/none/" in command:
            assert f"/none/{evil}" in shlex.split(command)
            subprocess.run(["sh", "-c", command], env=env, check=False,
                           stderr=subprocess.DEVNULL)
    assert sum("/none/" in command for command in told) == 3
    assert not made.exists()


# Drop-ins say more, later ones win, and the agent's own unit is migrated.
def test_unit_drop_ins_and_ours(env, tmp_path):
    unit = tmp_path / "nixfleet-agent.service"
    unit.write_text(UNIT.replace("TOKENS", str(tmp_path / "none")))
    (tmp_path / "nixfleet-agent.service.d").mkdir()
    (tmp_path / "nixfleet-agent.service.d/a.conf").write_text(
        "[Service]\nEnvironment=NIXFLEET_BRANCH=prod\n")
    assert "NIXFLEET_BRANCH=prod\n" in plan(env, unit)["configuration"]
    conf = tmp_path / "agent.conf"
    conf.write_text("NIXFLEET_URL=https://fleet.example\n"
                    "NIXFLEET_TOKEN_FILE=/etc/nixfleet/token\n"
                    "NIXFLEET_REPO_URL=https://git.example/fleet.git\n")
    unit.write_text(f"[Service]\nUser=nixfleet-agent\n"
                    f"EnvironmentFile=-{conf}\n")
    shutil.rmtree(tmp_path / "nixfleet-agent.service.d")
    answer = plan(env, unit)
    assert answer["migrated"] and not answer["v3"]


# The unit in the store is a module's: what is printed is Nix, from the unit's
# environment, with secrets where systemd has them from, and our module takes
# it.  The store is another one for the time of this.
@pytest.mark.skipif(
    not os.path.isdir("/nix/store")
    or subprocess.run(["unshare", "-m", "true"],
                      stderr=subprocess.DEVNULL).returncode != 0,
    reason="no store to stand in for, or no mounts of one's own")
def test_unit_of_a_module(env, tmp_path):
    (tmp_path / "store/x").mkdir(parents=True)
    (tmp_path / "store/x/keys").write_text("git.example ssh-ed25519 A\n")
    (tmp_path / "store/x/nixfleet-agent.service").write_text(
        "[Service]\nUser=ada\n"
        "Environment=NIXFLEET_URL=https://fleet.example\n"
        "Environment=NIXFLEET_TOKEN_FILE=%d/token NIXFLEET_INTERVAL=30\n"
        "Environment=NIXFLEET_NIXCFG=/home/ada/nixcfg NIXFLEET_BRANCH=main\n"
        "Environment=NIXFLEET_SSH_KNOWN_HOSTS=/nix/store/x/keys\n"
        "Environment=NIXFLEET_HOST_KIND=nixos NIXFLEET_ACTIVATE=/nix/a\n"
        "Environment=NIXFLEET_STATE_DIR=/var/lib/nixfleet-agent\n"
        "LoadCredential=token:/run/agenix/token\n")
    unit = tmp_path / "nixfleet-agent.service"
    unit.symlink_to("/nix/store/x/nixfleet-agent.service")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc",
         f"mount --bind {tmp_path}/store /nix/store;"
         f"exec {BIN}/nixfleet migrate --json {unit}"],
        env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["for"], answer["v3"]) == ("nixos", False)
    text = answer["configuration"]
    assert 'tokenFile = "/run/agenix/token";' in text
    assert "interval = 30;" in text and "settings" not in text
    assert 'sshKnownHosts = "git.example ssh-ed25519 A";' in text
    assert "user" in what(answer)
    folder = write_flake(tmp_path / "fleet", True, atlas=text)
    assert checked(env, folder, "atlas") == {"failed": [], "warnings": []}
    assert plan(env, folder, "atlas")["migrated"]


# launchd's job, by hand or of a module.
@pytest.mark.parametrize("script, form", (
    ("exec /usr/local/bin/nixfleet-agent", "launchd"),
    ("exec /nix/store/x/bin/nixfleet-agent", "home")))
def test_plist(env, tmp_path, script, form):
    job = tmp_path / "com.nixfleet.agent.plist"
    job.write_text(PLIST.replace("SCRIPT", script))
    answer = plan(env, job)
    assert (answer["v3"], answer["for"]) == (True, form)
    assert "wss://fleet.example/ws?a&b" in answer["configuration"]
    assert ".local/state" not in answer["configuration"]
    assert "/.config/nixfleet/token" in answer["configuration"]
    assert "user" not in what(answer)


# What is foreign and broken is refused with file and line, and all of it at
# once; secrets are not repeated.
@pytest.mark.parametrize("name, text, words", (
    ("a.env", "NIXFLEET_URL=x y\nNIXFLEET_INTERVALL=5\n",
     ("a.env:1", "a.env:2", "NIXFLEET_INTERVAL?")),
    ("a.env", "# x\nnonsense\n", ("a.env", "line 2")),
    ("a.service", "[Service]\nEnvironment=NIXFLEET_INTERVAL=0\n",
     ("a.service:2", "NIXFLEET_INTERVAL")),
    ("a.service", "[Service]\nnonsense\n", ("a.service", "line 2")),
    ("a.plist", "<plist><dict><key>EnvironmentVariables</key><dict>\n"
     "<key>NIXFLEET_LOCATION</key>\n<string>moon</string></dict></dict>",
     ("a.plist:3", "moon", "home")),
    ("a.plist", "bplist00", ("plutil",)),
    ("a.plist", "<plist><dict><key>EnvironmentVariables", ("line 1",)),
))
def test_bad_files(env, tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    answer = migrate(env, tmp_path / name, code=2)
    for word in words:
        assert word in answer


# Without a path it looks in the places where an agent's service is told, and
# says so when there is none.
def test_found(env):
    if any(pathlib.Path(p).exists() for p in (
            "/etc/systemd/system/nixfleet-agent.service",
            "/usr/lib/systemd/system/nixfleet-agent.service",
            "/etc/nixfleet/agent.conf", "/etc/nixos/configuration.nix")):
        pytest.skip("this machine has an agent")
    assert "nixfleet migrate PATH" in migrate(env, code=1)
    env["NIXFLEET_URL"] = "wss://fleet.example/ws"
    env["NIXFLEET_TOKEN"] = "s3cret"
    env["NIXFLEET_REPO_URL"] = "https://git.example/fleet.git"
    answer = plan(env)
    assert answer["source"] == "the environment" and answer["v3"]
    assert "s3cret" not in json.dumps(answer)
    units = pathlib.Path(env["HOME"], ".config/systemd/user")
    units.mkdir(parents=True)
    (units / "nixfleet-agent.service").write_text(
        UNIT.replace("TOKENS", "/nonexistent"))
    assert plan(env)["source"].endswith("user/nixfleet-agent.service")


# What a person reads has the configuration whole, and every step.
def test_text(env, tmp_path):
    folder = write_flake(tmp_path / "fleet", False, atlas=host(CLONE))
    answer = plan(env, folder, "atlas")
    text = migrate(env, folder, "atlas")
    assert answer["configuration"] in text
    for change in answer["changes"] + answer["steps"]:
        assert change["text"] in text


PAGE = ROOT / "docs/how-to/migrate.md"
# What the page's last step calls.  Real nix evaluates the flake with our real
# module; what there is no NixOS for, the activation, is left out.
REBUILD = """#!/bin/sh
set -eu
test "$1 $2 $3" = "switch --flake .#atlas"
nix eval --impure --json --extra-experimental-features 'nix-command flakes' \\
    .#nixosConfigurations.atlas.config.assertions > "$HOME/assertions"
"""


def shell(env, cwd, text):
    done = subprocess.run(["bash", "-euc", text], cwd=cwd, env=env, text=True,
                          capture_output=True)
    assert done.returncode == 0, text + done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def page_home(env, tmp_path):
    """What the page's reader has: a checkout with v3 in ~/nixcfg, its origin,
    and a hub's data directory."""
    home = pathlib.Path(env["HOME"])
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    (bin_dir / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (bin_dir / "nixos-rebuild").write_text(REBUILD)
    for name in ("sudo", "nixos-rebuild"):
        (bin_dir / name).chmod(0o755)
    env["PATH"] = f"{bin_dir}:{BIN}:{env['PATH']}"
    env.update(GIT_AUTHOR_NAME="Ada", GIT_AUTHOR_EMAIL="ada@fleet.example",
               GIT_COMMITTER_NAME="Ada",
               GIT_COMMITTER_EMAIL="ada@fleet.example")
    write_flake(home / "nixcfg", False,
                atlas="{ imports = [ ./atlas/nixfleet.nix ]; }")
    (home / "nixcfg/hosts/atlas").mkdir()
    (home / "nixcfg/hosts/atlas/nixfleet.nix").write_text(host(CLONE))
    shell(env, home, "git init -q --bare -b main origin.git;"
          "git init -q -b main nixcfg; cd nixcfg; git add -A;"
          "git commit -q -m Begin; git remote add origin ../origin.git;"
          "git push -q -u origin main")
    return home


# Every command of the page, as it stands there and in its order; the flake's
# input is changed where the page says so.
def test_page(env, page_home):
    text = PAGE.read_text()
    shells = [b for b in text.split("```")[1::2] if b.startswith("\n")]
    read, ask, put, switch, again, check, back = shells
    folder = page_home / "nixcfg"
    shell(env, page_home, read)
    out = shell(env, folder, ask)
    assert "The new configuration:" in out and "To do, in this order:" in out
    shell(env, folder, put)
    flake = folder / "flake.nix"
    flake.write_text(flake.read_text().replace("./v3.nix",
                                               "./nix/nixos-agent.nix", 1))
    shell(env, folder, switch)
    asserted = json.loads((page_home / "assertions").read_text())
    assert asserted and all(a["assertion"] for a in asserted)
    assert "nothing to do" in shell(env, folder, again)
    head = shell(env, folder, "git rev-parse HEAD")
    assert shell(env, page_home, "git -C origin.git rev-parse main") == head
    data = page_home / "data"
    data.mkdir()
    for name in ("nixfleet.db", "nixfleet.db-wal", "nixfleet.db-shm",
                 "nixfleet.db.v3"):
        (data / name).write_text(name)
    env.update(NIXFLEET_DATA_DIR=str(data), NIXFLEET_AGENT_TOKEN="x" * 20,
               NIXFLEET_SESSION_SECRET="x" * 32, NIXFLEET_PASSWORD_HASH="x",
               NIXFLEET_BASE_URL="http://localhost:8000",
               NIXFLEET_LISTEN="127.0.0.1:0")
    shell(env, page_home, back)
    assert [p.name for p in data.iterdir()] == ["nixfleet.db"]
    assert (data / "nixfleet.db").read_text() == "nixfleet.db.v3"
    (data / "nixfleet.db").unlink()
    done = subprocess.run(["bash", "-euc", check], env=env, text=True,
                          capture_output=True)
    out = done.stdout + done.stderr
    assert "NIXFLEET_SESSION_SECRET" in out and "has no effect" in out
