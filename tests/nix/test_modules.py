"""The Nix modules, evaluated by nix.

Always against nix/tests/standin.nix, the project's small stand-in for the
nixpkgs library.  With NIXFLEET_NIXPKGS_LIB (a checkout's lib folder) every
evaluation is done with the real library as well, and both must say the same.
"""

import hashlib
import json
import os
import pathlib
import plistlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STANDIN = ROOT / "nix/tests/standin.nix"
REAL = os.environ.get("NIXFLEET_NIXPKGS_LIB")
SYSTEMD = "/usr/bin/systemd-analyze"

AGENT = """
  enable = true;
  url = "https://fleet.example";
  tokenFile = "/run/agenix/token";
  repoUrl = "ssh://git@git.example/fleet.git";
  sshKeyFile = "/run/agenix/key";
"""
LEGACY = """
  enable = true;
  url = "https://fleet.example";
  tokenFile = "/run/agenix/token";
  configRepo = "/home/ada/nixcfg";
"""
ADA = '{ users.users.ada.home = "/home/ada"; }'
CUSTOM_BY_SERVICE = AGENT + """
  flakeAttr = "a.b"; settings.NIXFLEET_HOST_KIND = "custom";
  settings.NIXFLEET_ACTIVATE_BY = "service";
"""
HUB = 'enable = true; agentTokenFile = "/run/agenix/token";'
AGENTS = ("nixos-agent", "darwin-agent", "home-agent")


def nix(expression):
    return subprocess.run(
        ["nix-instantiate", "--store", "dummy://", "--eval",
         "--strict", "--json", "-E", expression],
        capture_output=True, text=True,
    )


def run(file, arguments=""):
    """The value with the stand-in; the real library must give the same."""
    results = []
    for library in filter(None, (STANDIN, REAL)):
        done = nix(f"import {ROOT}/nix/tests/{file} "
                   f"{{ library = {library}; {arguments} }}")
        results.append(json.loads(done.stdout) if done.returncode == 0
                       else done.stderr)
    if REAL:
        assert isinstance(results[0], dict) == isinstance(results[1], dict)
        assert not isinstance(results[0], dict) or results[0] == results[1]
    return results[0]


def evaluate(module, config, extra="{ }", darwin=False):
    result = run("eval.nix", f'module = "{module}"; config = {{ {config} }}; '
                 f"extra = {extra}; darwin = {str(darwin).lower()};")
    assert isinstance(result, dict), result
    return result


def refusal(module, config, extra="{ }"):
    """The text of the only failed assertion."""
    result = evaluate(module, config, extra)
    assert len(result["failed"]) == 1, result["failed"]
    return result["failed"][0]


def service(units, name):
    return units["units"]["systemd"]["services"][name]


def environment(module, units, darwin=False):
    if module == "nixos-agent":
        return service(units, "nixfleet-agent")["environment"]
    if module == "darwin-agent":
        daemons = units["units"]["launchd"]["daemons"]
        return daemons["nixfleet-agent"]["serviceConfig"][
            "EnvironmentVariables"]
    if darwin:
        agents = units["units"]["launchd"]["agents"]
        return agents["nixfleet-agent"]["config"]["EnvironmentVariables"]
    unit = units["units"]["systemd"]["user"]["services"]["nixfleet-agent"]
    lines = map(json.loads, unit["Service"]["Environment"])
    return dict(line.split("=", 1) for line in lines)


def known_settings(program):
    """Names in the reference that is made from the table of settings."""
    text = (ROOT / "docs/reference/settings.md").read_text()
    part = text.split(f"## {program}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(NIXFLEET_\w+)`", part, re.M))


# A host that enables nothing gets nothing, on every platform.
@pytest.mark.parametrize("module", (*AGENTS, "nixos-hub"))
def test_disabled_is_nothing(module):
    units = evaluate(module, "")["units"]
    assert not re.search("nixfleet", json.dumps(units))


# The seed's options alone make a working host, without a word of complaint,
# and set only what the agent knows: it refuses unknown settings.
@pytest.mark.parametrize("module", AGENTS)
def test_minimal_agent(module):
    result = evaluate(module, AGENT)
    assert result["failed"] == [] and result["warnings"] == []
    env = environment(module, result)
    assert env["NIXFLEET_URL"] == "https://fleet.example"
    assert env["NIXFLEET_REPO_URL"] == "ssh://git@git.example/fleet.git"
    assert env["NIXFLEET_BRANCH"] == "main"
    assert env["NIXFLEET_HOST_KIND"] == module.split("-")[0]
    named = {n for n in env if n.startswith("NIXFLEET_")}
    assert named <= known_settings("nixfleet-agent")


# Every option reaches the agent under a name that it knows.
@pytest.mark.parametrize("module", AGENTS)
def test_every_option_arrives(module):
    env = environment(module, evaluate(module, AGENT + """
      branch = "production"; interval = 30; logLevel = "debug";
      keepGenerations = 12;
      hostname = "atlas"; version = "3.1.5"; nixpkgsVersion = "26.05";
      themeColor = "#769ff0"; location = "cloud"; deviceType = "server";
      repoTokenFile = "/run/agenix/repo"; sshKnownHosts = "git.example x";
      depth = 1; submodules = true; upkeep = "7d"; caFile = "/etc/ca.pem"; pinnedPubkey = "sha256//x";
      allowInsecureHttp = true; flakeAttr = "a.b"; rebuildCommand = "true";
      settings.NIXFLEET_BUILD_TIMEOUT = "8h";
    """))
    assert env["NIXFLEET_BRANCH"] == "production"
    assert env["NIXFLEET_INTERVAL"] == "30"
    assert env["NIXFLEET_KEEP_GENERATIONS"] == "12"
    assert env["NIXFLEET_AGENT_VERSION"] == "3.1.5"
    assert env["NIXFLEET_DEVICE_TYPE"] == "server"
    assert env["NIXFLEET_REPO_DEPTH"] == "1"
    assert env["NIXFLEET_REPO_SUBMODULES"] == "true"
    assert env["NIXFLEET_REPO_UPKEEP"] == "7d"
    assert env["NIXFLEET_ALLOW_INSECURE_HTTP"] == "true"
    assert env["NIXFLEET_BUILD_TIMEOUT"] == "8h"
    named = {n for n in env if n.startswith("NIXFLEET_")}
    assert len(named) >= 24
    assert named <= known_settings("nixfleet-agent")


# An operator's mistake is answered with the option's name and what to write.
@pytest.mark.parametrize("module", AGENTS)
@pytest.mark.parametrize("config, option, write", (
    ('enable = true; tokenFile = "/t"; repoUrl = "x";', "url",
     'url = "https://fleet.example";'),
    ('enable = true; url = "https://h"; repoUrl = "x";', "tokenFile",
     'tokenFile = "/run/'),
    ('enable = true; url = "https://h"; tokenFile = "/t";', "repoUrl",
     'repoUrl = "ssh://'),
    (AGENT + 'branch = "b"; configRepo = "/c";', "configRepo",
     'Remove the line services.nixfleet-agent.configRepo = "/c";'),
    (AGENT.replace("https://", "http://"), "url",
     "allowInsecureHttp = true;"),
    (AGENT.replace('"/run/agenix/token"', 'builtins.storeDir + "/t"'),
     "tokenFile", 'tokenFile = "/run/'),
    (LEGACY + 'follow.mode = "pull";', "follow.mode", 'repoUrl = "ssh://'),
    (AGENT + 'settings.NIXFLEET_TOKEN = "s";', "settings",
     'tokenFile = "/run/'),
    (AGENT + 'settings.Environment = "s";', "settings", "settings.md"),
))
def test_mistakes_are_explained(module, config, option, write):
    extra = '{ users.users.ada.home = "/home/ada"; }'
    if module == "nixos-agent" and "configRepo" in config:
        config += 'user = "ada";'
    else:
        extra = "{ }"
    text = refusal(module, config, extra)
    assert f"services.nixfleet-agent.{option}" in text
    assert write in text


# A path that is no path, a colour that is none, are type errors or refused.
@pytest.mark.parametrize("config, option", (
    ("interval = 0;", "interval"), ('location = "moon";', "location"),
    ('themeColor = "blue";', "themeColor"), ("branch = 1;", "branch"),
    ('sshKey = "/k";', "sshKey"), ("depth = -1;", "depth"),
))
@pytest.mark.parametrize("module", AGENTS)
def test_types(module, config, option):
    text = run("eval.nix", f'module = "{module}"; config = {{ {AGENT} '
               f"{config} }};")
    assert isinstance(text, str)
    assert f"services.nixfleet-agent.{option}" in text


# A host that follows has its mode and its hours, and on NixOS those in which
# it may restart; words and kinds that do not go together are refused.
@pytest.mark.parametrize("module", AGENTS)
def test_follow(module):
    nixos = module == "nixos-agent"
    env = environment(module, evaluate(module, AGENT + """
      follow.mode = "switch"; follow.interval = "1h"; follow.jitter = "5m";
      follow.window = [ "Mon-Fri 22:00-06:00" "Sun 00:00-24:00" ];
    """ + ('follow.rebootWindow = [ "Sun 03:00-05:00" ];' if nixos else "")))
    assert env["NIXFLEET_FOLLOW"] == "switch"
    assert env["NIXFLEET_FOLLOW_INTERVAL"] == "1h"
    assert env["NIXFLEET_FOLLOW_JITTER"] == "5m"
    assert env["NIXFLEET_FOLLOW_WINDOW"] == \
        "Mon-Fri 22:00-06:00, Sun 00:00-24:00"
    assert env.get("NIXFLEET_REBOOT_WINDOW") == \
        ("Sun 03:00-05:00" if nixos else None)
    env = environment(module, evaluate(module, AGENT))
    assert env["NIXFLEET_FOLLOW"] == "off"
    assert not {"NIXFLEET_FOLLOW_WINDOW", "NIXFLEET_REBOOT_WINDOW"} & set(env)
    if not nixos:
        assert "follow" in run("eval.nix", f'module = "{module}"; config = '
                               f'{{ {AGENT} follow.mode = "boot"; }};')


# Without a hub no token is needed.
@pytest.mark.parametrize("module", AGENTS)
def test_without_a_hub(module):
    env = environment(module, evaluate(
        module, 'enable = true; url = null; repoUrl = "x";'))
    assert "NIXFLEET_URL" not in env and "NIXFLEET_TOKEN_FILE" not in env


# Plain http to this machine is nobody else's business.
@pytest.mark.parametrize("url", (
    "http://localhost:8000", "ws://127.0.0.1/ws", "http://[::1]:8000",
))
def test_loopback_without_tls(url):
    config = AGENT.replace("https://fleet.example", url)
    assert evaluate("nixos-agent", config)["failed"] == []


# configRepo still works, and the warning has the exact lines to put instead.
@pytest.mark.parametrize("module", AGENTS)
def test_config_repo_warns(module):
    config, extra = LEGACY + 'branch = "prod";', "{ }"
    if module == "nixos-agent":
        assert ".user = " in refusal(module, config)
        config, extra = config + 'user = "ada";', ADA
    result = evaluate(module, config, extra)
    (warning,) = result["warnings"]
    assert "configRepo is deprecated" in warning
    assert "git -C /home/ada/nixcfg remote get-url origin" in warning
    assert 'services.nixfleet-agent.repoUrl = "' in warning
    assert 'services.nixfleet-agent.branch = "prod";' in warning
    env = environment(module, result)
    assert env["NIXFLEET_NIXCFG"] == "/home/ada/nixcfg"
    assert "NIXFLEET_REPO_URL" not in env


# A user that is nowhere is named before systemd stumbles over it.
def test_unknown_user():
    text = refusal("nixos-agent", LEGACY + 'user = "ada";')
    assert 'services.nixfleet-agent.user is "ada"' in text
    assert "users.users.ada.isNormalUser = true;" in text


# agenix's home-manager module names its files in the words of a shell, which
# nothing here expands: the refusal says what to write.
def test_agenix_at_home():
    text = refusal("home-agent", AGENT.replace(
        '"/run/agenix/key"', '"\\${XDG_RUNTIME_DIR}/agenix/key"'))
    assert "services.nixfleet-agent.sshKeyFile is" in text
    assert "age.secretsDir = " in text
    assert "agenix's" not in refusal("home-agent", AGENT.replace(
        '"/run/agenix/key"', '"key"'))


# The legacy agent runs as the checkout's owner and can write to it.
def test_legacy_unit():
    unit = service(evaluate("nixos-agent", LEGACY + 'user = "ada";', ADA),
                   "nixfleet-agent")
    assert unit["serviceConfig"]["User"] == "ada"
    assert unit["serviceConfig"]["ReadWritePaths"] == ["/home/ada/nixcfg"]
    assert unit["serviceConfig"]["ProtectHome"] is False
    assert unit["environment"]["HOME"] == "/home/ada"


# No root, no sudo: secrets come as credentials, whoever owns the files, and
# the paths of the files themselves are never told to the agent.
def test_nixos_agent_without_root():
    units = evaluate("nixos-agent", AGENT)
    unit = service(units, "nixfleet-agent")
    conf = unit["serviceConfig"]
    assert conf["User"] == conf["Group"] == "nixfleet-agent"
    assert conf["NoNewPrivileges"] is True
    assert (conf["StateDirectory"], conf["StateDirectoryMode"]) == (
        "nixfleet-agent", "0700")
    assert sorted(conf["LoadCredential"]) == [
        "ssh-key:/run/agenix/key", "token:/run/agenix/token"]
    assert unit["environment"]["NIXFLEET_TOKEN_FILE"] == "%d/token"
    assert unit["environment"]["NIXFLEET_SSH_KEY"] == "%d/ssh-key"
    assert "agenix" not in json.dumps(unit["environment"])
    assert "sudo" not in json.dumps(units)
    assert "wrappers" not in json.dumps(units)


# Probes become one setting; what is no probe is refused with an example.
def test_probes():
    env = environment("nixos-agent", evaluate("nixos-agent", AGENT + """
      activateMode = "test-then-commit";
      confirmProbes = [ "tcp://[::1]:22" "within=3 status=204 http://h/a?b"
                        "exec:/bin/x --y z" ];"""))
    assert env["NIXFLEET_CONFIRM_PROBES"] == (
        "tcp://[::1]:22, within=3 status=204 http://h/a?b, exec:/bin/x --y z")
    assert env["NIXFLEET_ACTIVATE_MODE"] == "test-then-commit"
    for bad in ("tcp://h", "http://h,i", "exec:x", "ping h", "status= http://h"):
        text = refusal("nixos-agent",
                       AGENT + f'confirmProbes = [ "{bad}" ];')
        assert f'has what is no probe: "{bad}"' in text
    text = refusal("nixos-agent", AGENT + """
      rebuildCommand = "x"; activateMode = "test-then-commit";""")
    assert 'activateMode = "switch";' in text


# Root's configuration says what the service activates and for whom; a custom
# host uses it if it says so, another kind of host not at all.
def test_kind_of_the_service():
    unit = service(evaluate("nixos-agent", AGENT), "nixfleet-activate")
    assert "--user nixfleet-agent --kind nixos" in (
        unit["serviceConfig"]["ExecStart"])
    units = evaluate("nixos-agent", AGENT + """
      flakeAttr = "a.b"; settings.NIXFLEET_HOST_KIND = "custom";""")
    assert "nixfleet-activate" not in units["units"]["systemd"]["services"]
    custom = CUSTOM_BY_SERVICE + """
      settings.NIXFLEET_PROFILE = "/nix/var/nix/profiles/a b";"""
    units = evaluate("nixos-agent", custom)
    assert not units["failed"]
    unit = service(units, "nixfleet-activate")
    assert unit["serviceConfig"]["ExecStart"].endswith(
        "--kind custom --profile '/nix/var/nix/profiles/a b' "
        "--program bin/activate")
    assert "nixfleet-activate" in units["units"]["systemd"]["sockets"]
    assert "nixfleet-activate.socket" in (
        service(units, "nixfleet-agent")["wants"])
    unit = service(evaluate("nixos-agent", custom + """
      settings.NIXFLEET_ACTIVATE_PROGRAM = "deploy";"""), "nixfleet-activate")
    assert unit["serviceConfig"]["ExecStart"].endswith("--program deploy")


# A service that cannot do what it is to do is refused with what to write.
def test_custom_by_service_refused():
    text = refusal("nixos-agent", CUSTOM_BY_SERVICE)
    assert 'settings.NIXFLEET_PROFILE = "/nix' in text
    text = refusal("nixos-agent", CUSTOM_BY_SERVICE + """
      settings.NIXFLEET_PROFILE = "/p"; rebuildCommand = "x";""")
    assert "NIXFLEET_ACTIVATE_BY" in text and "rebuildCommand" in text
    text = refusal("nixos-agent", CUSTOM_BY_SERVICE + """
      settings.NIXFLEET_PROFILE = "/p"; activateMode = "test-then-commit";""")
    assert 'activateMode = "switch";' in text


# The switch does not restart the service that runs it.
def test_activation_service_survives_the_switch():
    units = evaluate("nixos-agent", AGENT)
    unit = service(units, "nixfleet-activate")
    assert unit["restartIfChanged"] is False
    assert unit["stopIfChanged"] is False
    assert unit["unitConfig"]["X-StopOnRemoval"] is False
    assert unit["serviceConfig"]["KillMode"] == "process"
    assert "User" not in unit["serviceConfig"]
    socket = units["units"]["systemd"]["sockets"]["nixfleet-activate"]
    assert socket["unitConfig"]["X-StopOnRemoval"] is False
    assert socket["socketConfig"]["SocketMode"] == "0660"
    assert socket["socketConfig"]["SocketGroup"] == "nixfleet-agent"


# One's own rebuild command needs what the sandbox takes away, and no service.
def test_rebuild_command():
    units = evaluate("nixos-agent",
                     AGENT + 'rebuildCommand = "sudo nixos-rebuild";')
    unit = service(units, "nixfleet-agent")
    assert "NoNewPrivileges" not in unit["serviceConfig"]
    assert "/run/wrappers" in unit["path"]
    assert "nixfleet-activate" not in units["units"]["systemd"]["services"]


# systemd would expand % and $; an address may have them.
def test_percent_is_kept():
    unit = service(evaluate("nixos-agent", AGENT.replace(
        "ssh://git@git.example/fleet.git", "https://git.example/a%20$b.git")
        + 'preseed = "/seed";'), "nixfleet-agent")
    assert unit["environment"]["NIXFLEET_REPO_URL"] == (
        "https://git.example/a%%20$b.git")
    assert "a%%20$$b.git" in unit["serviceConfig"]["ExecStartPre"][0]


# The units that systemd gets are units that systemd understands.
@pytest.mark.skipif(not os.path.exists(SYSTEMD), reason="no systemd here")
def test_units_verify(tmp_path):
    agent = evaluate("nixos-agent", AGENT)
    hub = evaluate("nixos-hub", HUB + "backup.enable = true;")
    for result in (agent, hub):
        for name, unit in result["units"]["systemd"]["services"].items():
            (tmp_path / f"{name}.service").write_text(unit_text(unit))
    socket = agent["units"]["systemd"]["sockets"]["nixfleet-activate"]
    (tmp_path / "nixfleet-activate.socket").write_text(
        "[Socket]\n" + assignments(socket["socketConfig"])
        + "ListenStream=" + socket["listenStreams"][0] + "\n")
    done = subprocess.run(
        [SYSTEMD, "verify", "--man=no", *sorted(map(str, tmp_path.iterdir()))],
        capture_output=True, text=True)
    bad = [line for line in done.stderr.splitlines()
           if str(tmp_path) in line and "is not executable" not in line
           and "X-" not in line]
    assert bad == []


def assignments(attrs):
    lines = []
    for key, value in attrs.items():
        for one in value if isinstance(value, list) else [value]:
            one = {True: "true", False: "false"}.get(one, one) \
                if isinstance(one, bool) else one
            lines.append(f"{key}={one}\n")
    return "".join(lines)


def unit_text(unit):
    env = "".join(f"Environment={json.dumps(f'{k}={v}')}\n"
                  for k, v in unit.get("environment", {}).items())
    conf = {k: v for k, v in unit["serviceConfig"].items()
            if not k.startswith("Exec")}
    # The programs are names only here; what they are given is checked above.
    return ("[Unit]\n" + f"Description={unit['description']}\n[Service]\n"
            + env + assignments(conf) + "ExecStart=/bin/true\n")


# home-manager on Linux: a worker's activation may restart the agent.
def test_home_linux():
    result = evaluate("home-agent", AGENT)
    unit = result["units"]["systemd"]["user"]["services"]["nixfleet-agent"]
    assert unit["Service"]["KillMode"] == "process"
    assert result["units"]["launchd"]["agents"] == {}
    env = environment("home-agent", result)
    assert env["NIXFLEET_STATE_DIR"] == (
        "/home/ada/.local/state/nixfleet-agent")
    assert env["NIXFLEET_BACKUP_EXTENSION"] == "backup"


def launchd_jobs(module):
    extra = '{ home.homeDirectory = "/Users/ada"; }'
    if module == "darwin-agent":
        daemons = evaluate(module, AGENT)["units"]["launchd"]["daemons"]
        return {k: v["serviceConfig"] for k, v in daemons.items()}
    result = evaluate(module, AGENT, extra, darwin=True)
    assert result["units"]["systemd"]["user"]["services"] == {}
    return {k: v["config"]
            for k, v in result["units"]["launchd"]["agents"].items()}


# macOS: the job waits for the store, keeps its directory private, comes back,
# and does not take an activation with it.  What it runs is a plist and shell.
@pytest.mark.parametrize("module", ("darwin-agent", "home-agent"))
def test_launchd(module):
    jobs = launchd_jobs(module)
    assert set(jobs) == {"nixfleet-agent", "nixfleet-agent-log"}
    job = jobs["nixfleet-agent"]
    assert job["KeepAlive"] and job["RunAtLoad"]
    assert job["AbandonProcessGroup"] and job["Umask"] == 0o077
    script = job["ProgramArguments"][2]
    assert script.startswith("/bin/wait4path /nix/store && ")
    assert "/bin/chmod 0700" in script and "exec /nix/store/" in script
    for job in jobs.values():
        assert plistlib.loads(plistlib.dumps(job)) == job
        subprocess.run(["sh", "-n", "-c", job["ProgramArguments"][2]],
                       check=True)
        assert all(isinstance(v, str)
                   for v in job.get("EnvironmentVariables", {}).values())


# Where nix-darwin leaves Nix alone, it has no package of it to name.
def test_nix_of_its_own_on_a_mac():
    paths = {}
    for managed in ("true", "false"):
        env = environment("darwin-agent", evaluate(
            "darwin-agent", AGENT, f"{{ nix.enable = {managed}; }}"))
        paths[managed] = env["PATH"].split(":")[0]
    assert paths["true"].startswith("/nix/store/")
    assert paths["false"] == "/nix/var/nix/profiles/default/bin"


# The log's job does what it says, with this system's stat.
def test_launchd_log_is_kept_small(tmp_path):
    log = tmp_path / "agent.log"
    script = launchd_jobs("home-agent")["nixfleet-agent-log"][
        "ProgramArguments"][2]
    assert "log=/Users/ada/Library/Logs/nixfleet-agent.log" in script
    script = script.replace("/Users/ada/Library/Logs/nixfleet-agent.log",
                            shlex.quote(str(log)))
    script = script.replace("/usr/bin/stat -f %z", "stat -c %s")
    for size, after in ((1000, 1000), (11 << 20, 0)):
        log.write_bytes(b"x" * size)
        subprocess.run(["sh", "-c", script], check=True)
        assert log.stat().st_size == after
    assert (tmp_path / "agent.log.1").stat().st_size == 11 << 20


# The hub: its own user, credentials, a private directory, no open port.
def test_hub():
    result = evaluate("nixos-hub", HUB + """
      passwordHashFile = "/run/agenix/hash"; totpSecretFile = "/run/totp";
      repoUrl = "ssh://git@git.example/fleet.git"; sshKeyFile = "/run/key";
      trustedProxies = [ "127.0.0.1" "::1" ];
    """)
    assert result["failed"] == [] and result["warnings"] == []
    unit = service(result, "nixfleet-hub")
    env = unit["environment"]
    assert env["NIXFLEET_AGENT_TOKEN_FILE"] == "%d/agentTokenFile"
    assert env["NIXFLEET_TRUSTED_PROXIES"] == "127.0.0.1,::1"
    assert "/run/" not in json.dumps(env)
    assert len(unit["serviceConfig"]["LoadCredential"]) == 4
    assert unit["serviceConfig"]["StateDirectoryMode"] == "0700"
    assert result["units"]["networking"]["firewall"]["allowedTCPPorts"] == []
    named = {n for n in env if n.startswith("NIXFLEET_")}
    assert named <= known_settings("nixfleet-hub")


# A port below 1024 needs one capability, and the firewall its number.
def test_hub_port():
    result = evaluate("nixos-hub", HUB + """
      listen = ":443"; openFirewall = true;
      tlsCertFile = "/c.pem"; tlsKeyFile = "/k.pem";
    """)
    conf = service(result, "nixfleet-hub")["serviceConfig"]
    assert conf["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert result["units"]["networking"]["firewall"]["allowedTCPPorts"] == [
        443]


@pytest.mark.parametrize("config, option", (
    ("enable = true;", "agentTokenFile"),
    (HUB + 'listen = "fleet";', "listen"),
    (HUB + 'tlsCertFile = "/c.pem";', "tlsKeyFile"),
    (HUB + 'settings.FOO = "x";', "settings"),
))
def test_hub_mistakes(config, option):
    assert f"services.nixfleet-hub.{option}" in refusal("nixos-hub", config)


# Everything that the flake promises is there, under the names of the
# existing NixFleet, on every platform that it can be on.
def test_flake():
    flake = run("flake.nix")
    assert isinstance(flake, dict), flake
    outputs = flake["outputs"]
    assert set(outputs) == {
        "apps", "checks", "darwinModules", "devShells", "formatter",
        "homeManagerModules", "nixosModules", "overlays", "packages"}
    assert outputs["nixosModules"] == [
        "default", "nixfleet-agent", "nixfleet-hub"]
    assert all(flake["modules"])
    for names in flake["packages"].values():
        assert {"default", "nixfleet", "nixfleet-agent",
                "nixfleet-hub"} <= set(names)


# The dashboard's tools are those of the lock file: another lock file is another
# derivation, so that an old tree is never taken for the new one.
def test_package():
    package = run("flake.nix")["package"]
    assert package["version"] == (ROOT / "VERSION").read_text().strip()
    assert package["outputs"] == ["out", "agent", "hub"]
    lock = (ROOT / "web/package-lock.json").read_bytes()
    assert package["nodeModules"] == {
        "version": hashlib.sha256(lock).hexdigest()[:12],
        "outputHash": (ROOT / "nix/node-modules.hash").read_text().strip(),
    }
    assert "/nixfleet-node-modules node_modules" in package["dashboard"]
    assert "-Ddashboard=enabled" in package["mesonFlags"]
