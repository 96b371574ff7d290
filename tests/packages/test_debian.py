"""The Debian packages, on a booted Debian: `make check-packages`."""

import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/hosts"))

import image  # noqa: E402
from machine import Machine, wait_for  # noqa: E402

HUB = "http://127.0.0.1:8000"
TOKEN = "0123456789abcdef0123456789abcdef"
AGENT_CONF = f"""\
NIXFLEET_URL={HUB}
NIXFLEET_TOKEN={TOKEN}
NIXFLEET_REPO_URL=file:///srv/config.git
NIXFLEET_HOSTNAME=h1
NIXFLEET_INTERVAL=1
"""
CUSTOM_CONF = """\
NIXFLEET_HOST_KIND=custom
NIXFLEET_FLAKE_ATTR=custom
NIXFLEET_PROFILE=/var/lib/nixfleet-agent/profile
"""
PROFILE = "/nix/var/nix/profiles/fleet"
SERVICE_CONF = f"""\
NIXFLEET_ACTIVATE_KIND=custom
NIXFLEET_ACTIVATE_PROFILE={PROFILE}
"""
CUSTOM = """\
{
  outputs = { self }: {
    custom = derivation {
      name = "custom-h1-@VERSION@";
      system = "@SYSTEM@";
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [ "-c" "mkdir -p $out/bin; cp ${./activate.sh} $out/bin/activate" ];
    };
  };
}
"""
ACTIVATE = """\
#!/bin/sh
echo begun
[ ! -p /run/hold-custom ] || read -r _ < /run/hold-custom
id -un | tee $HOME/activated
"""
HOLD = "[ ! -p /run/hold-after ] || read -r _ < /run/hold-after"
STATE = "/var/lib/nixfleet-agent /var/lib/nixfleet-activate " \
    "/var/lib/nixfleet-hub"


def packages(directory):
    found = sorted(directory.glob("nixfleet*.deb"))
    assert len(found) == 3, f"no packages in {directory}: make deb"
    return found


def apt(machine, command, *what):
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get -y -qq "
                f"--no-install-recommends {command} {' '.join(what)}", 300)


def install(machine, directory):
    """As a person does who has the files."""
    inside = machine.inside("/srv/packages")
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir()
    for package in packages(directory):
        shutil.copy(package, inside)
    apt(machine, "install", "/srv/packages/*.deb")


def settings(machine, program, text):
    with open(machine.inside(f"/etc/nixfleet/{program}.conf"), "a") as conf:
        conf.write(text)
    machine.run(f"systemctl restart nixfleet-{program}")


def passwords(machine):
    text = machine.run("journalctl -o cat -u nixfleet-hub")
    return re.findall(r"shown only now:\s+(\S+)", text)


def active(machine, unit):
    return machine.try_run(f"systemctl is-active {unit}")[1].strip()


def hosts(machine):
    return json.loads(machine.run("nixfleet hosts --json"))


@pytest.fixture(scope="module")
def machine():
    """A Debian with the packages, hub and agent configured and connected."""
    why = image.why_not()
    if why:
        pytest.skip(f"no machines: {why}")
    try:
        root = image.image()
    except image.NoImage as why:
        pytest.skip(f"no machines: {why}")
    with tempfile.TemporaryDirectory(dir=image.cache_dir(),
                                     prefix="run-") as directory:
        one = Machine(pathlib.Path(directory) / "debian", [root])
        try:
            # It keeps packages from starting what they bring.
            (one.root / "usr/sbin/policy-rc.d").unlink()
            one.boot()
            install(one, TOP / "build/deb")
            yield one
        finally:
            one.delete()


@pytest.fixture(scope="module")
def host(machine):
    """The same with agent and hub configured, and a first system."""
    wait_for("the hub's password", lambda: passwords(machine))
    settings(machine, "hub", f"NIXFLEET_AGENT_TOKEN={TOKEN}\n")
    machine.make_config()
    machine.push("1")
    machine.run("systemctl enable -q nixfleet-agent")
    settings(machine, "agent", AGENT_CONF)
    machine.agent_ready()
    return machine


def switched(machine):
    op = machine.start_op("pull-switch")
    assert machine.finished(op)["outcome"] == "ok", machine.story(op)


@pytest.mark.skipif(not shutil.which("lintian"), reason="no lintian")
def test_lintian():
    """The packages are what Debian's own checker wants."""
    subprocess.run(["lintian", "--no-cfg", "--allow-root", "--fail-on",
                    "error,warning", *packages(TOP / "build/deb")],
                   check=True)


def test_installed(machine):
    """What can run runs, and nobody else can read the settings."""
    wait_for("the hub", lambda: active(machine, "nixfleet-hub") == "active")
    assert active(machine, "nixfleet-activate.socket") == "active"
    assert active(machine, "nixfleet-agent") == "inactive"
    for program in ("agent", "hub"):
        mode = machine.run(f"stat -c '%a %U %G' /etc/nixfleet/{program}.conf")
        assert mode.strip() == f"640 root nixfleet-{program}"
        text = machine.read(f"/etc/nixfleet/{program}.conf")
        assert all(re.match(r"#|$", line) for line in text.splitlines())
    for page in ("1 nixfleet", "8 nixfleet-agent", "8 nixfleet-activate",
                 "8 nixfleet-hub"):
        section, name = page.split()
        machine.run(f"test -e /usr/share/man/man{section}/{name}.{section}.gz")


def test_password_once(machine, host):
    """The first start makes a password; the next does not."""
    password, = passwords(machine)
    machine.run("systemctl restart nixfleet-hub")
    wait_for("the hub", lambda: machine.try_run(
        f"printf '{password}\\n' | nixfleet login {HUB}")[0] == 0)
    assert passwords(machine) == [password]


def test_enrolled(host):
    """A configured agent is in the fleet, with its clone."""
    wait_for("the host", lambda: [
        (one["hostname"], one["status"]) for one in hosts(host)
    ] == [("h1", "online")])
    head = host.run("git -C /srv/config rev-parse HEAD")
    clone = "/var/lib/nixfleet-agent/repo"
    assert host.run(f"git -C {clone} rev-parse HEAD") == head
    assert host.run(f"stat -c '%a %U' {clone}").strip() == \
        "700 nixfleet-agent"


def test_switch_during_upgrade(host, tmp_path):
    """An upgrade restarts the agent, and tears no activation in half."""
    switched(host)
    subprocess.run([TOP / "scripts/deb", "99", tmp_path], check=True)
    token = host.read("/var/lib/nixfleet-agent/token")
    agent = host.pid_of("nixfleet-agent")
    host.hold("after")
    host.push("2", after=HOLD)
    op = host.start_op("pull-switch")
    host.in_phase(op, "activating")
    install(host, tmp_path)
    version = host.run("dpkg-query -W -f '${Version}' nixfleet-agent")
    assert version == "99-1"
    assert host.pid_of("nixfleet-agent") not in (0, agent)
    assert host.record(op)["phase"] == "activating"
    host.release("after")
    assert host.finished(op)["outcome"] == "ok", host.story(op)
    assert host.switches()[-1][0].endswith("h1-2")
    host.check_told_once(op)
    assert host.read("/var/lib/nixfleet-agent/token") == token
    assert TOKEN in host.read("/etc/nixfleet/agent.conf")
    assert [one["hostname"] for one in hosts(host)] == ["h1"]


def push_custom(host, version):
    work = host.inside("/srv/config")
    flake = CUSTOM.replace("@VERSION@", version)
    (work / "flake.nix").write_text(
        flake.replace("@SYSTEM@", f"{platform.machine()}-linux"))
    (work / "activate.sh").write_text(ACTIVATE)
    (work / "activate.sh").chmod(0o755)
    host.push(version)


def test_custom(host):
    """Any closure that brings a program is activated by the agent's user."""
    push_custom(host, "3")
    settings(host, "agent", CUSTOM_CONF)
    host.agent_ready()
    switched(host)
    assert host.read("/var/lib/nixfleet-agent/activated") == "nixfleet-agent\n"


def test_custom_is_part_of_the_agent(host):
    """Without the service an activation ends with the agent, and it is told."""
    host.run("rm /var/lib/nixfleet-agent/activated")
    push_custom(host, "4")
    host.hold("custom")
    op = host.start_op("pull-switch")
    record = f"/var/lib/nixfleet-agent/activation/{op}/record.json"
    wait_for("the activation", lambda: host.try_run(
        f"grep -q activating {record} && pgrep -f bin/activate")[0] == 0)
    host.run("systemctl restart nixfleet-agent")
    assert host.finished(op)["outcome"] == "interrupted", host.story(op)
    assert "killed during the activation" in host.result(op)["message"]
    host.run("! test -e /var/lib/nixfleet-agent/activated")
    host.release("custom")


def test_custom_by_service(host):
    """With the service it goes on while the agent's package is upgraded."""
    host.inside("/etc/nixfleet/activate.conf").write_text(SERVICE_CONF)
    host.run("sed -i s,^NIXFLEET_PROFILE=.*,NIXFLEET_PROFILE="
             f"{PROFILE}, /etc/nixfleet/agent.conf; "
             "systemctl restart nixfleet-activate.service")
    settings(host, "agent", "NIXFLEET_ACTIVATE_BY=service\n")
    host.agent_ready()
    switched(host)
    push_custom(host, "5")
    host.hold("custom")
    agent = host.pid_of("nixfleet-agent")
    op = host.start_op("pull-switch")
    host.in_phase(op, "activating")
    apt(host, "install --reinstall", "/srv/packages/*.deb")
    assert host.pid_of("nixfleet-agent") not in (0, agent)
    assert host.record(op)["phase"] == "activating"
    host.release("custom")
    assert host.finished(op)["outcome"] == "ok", host.story(op)
    assert host.link(PROFILE).endswith("custom-h1-5")
    said = host.log(op)
    assert (said.count("begun"), said.count("root")) == (1, 1), said
    host.check_told_once(op)


def test_remove_and_purge(host):
    """What a machine knows is deleted by purge, not by remove."""
    apt(host, "remove", "nixfleet-agent", "nixfleet-hub", "nixfleet")
    for unit in ("nixfleet-agent", "nixfleet-hub", "nixfleet-activate.socket"):
        assert active(host, unit) == "inactive"
    host.run("test -s /var/lib/nixfleet-agent/token && "
             "test -s /var/lib/nixfleet-hub/nixfleet.db && "
             "test -s /etc/nixfleet/agent.conf")
    apt(host, "purge", "nixfleet-agent", "nixfleet-hub", "nixfleet")
    assert host.run(f"ls -d {STATE} /etc/nixfleet 2>/dev/null || true") == ""
