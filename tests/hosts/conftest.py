"""Machines for the tests: one prepared root, a fresh overlay for each test."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE))

import image  # noqa: E402
from machine import Machine, wait_for  # noqa: E402

BEGAN = time.monotonic()
PROGRAMS = ("nixfleet-agent", "nixfleet-activate", "nixfleet-hub", "nixfleet")
HUB = "http://127.0.0.1:8000"
TOKEN = "0123456789abcdef0123456789abcdef"
AGENT_ENV = f"""\
NIXFLEET_URL={HUB}
NIXFLEET_TOKEN={TOKEN}
NIXFLEET_REPO_URL=file:///srv/config.git
NIXFLEET_HOSTNAME=h1
NIXFLEET_INTERVAL=1
NIXFLEET_HOST_KIND=nixos
NIXFLEET_CONFIRM_TIMEOUT=8
NIXFLEET_ACTIVATE_TIMEOUT=60
"""
HUB_ENV = f"""\
NIXFLEET_AGENT_TOKEN={TOKEN}
NIXFLEET_REPO_URL=
"""


def pytest_collection_modifyitems(items):
    why = image.why_not()
    if why:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no machines: {why}"))


def pytest_terminal_summary(terminalreporter):
    """What the tests measured, how long they took, which took longest; two
    machines may be at work at a time."""
    took = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if not hasattr(report, "duration"):
                continue
            took[report.nodeid] = (took.get(report.nodeid, 0)
                                   + report.duration)
            if report.when == "call":
                for name, figure in report.user_properties:
                    terminalreporter.write_line(f"{name}: {figure}")
    terminalreporter.write_line(
        f"machine tests: {len(took)} in {time.monotonic() - BEGAN:.0f} s; "
        "longest: "
        + ", ".join(f"{name.split('::')[1]} {took[name]:.0f} s"
                    for name in sorted(took, key=took.get)[:-4:-1]))


# What NixOS does when it boots.
STAGE2 = """\
[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=sh -c 'for name in current booted; do \\
    ln -sfn $$(readlink -f /nix/var/nix/profiles/system) /run/$$name-system; done'
[Install]
WantedBy=sysinit.target
"""
# Waits while there is a fifo of that name.
HOLD = """\
#!/bin/sh
[ ! -p /run/hold-$1 ] || read -r _ < /run/hold-$1
"""
# Can be held: the first after the profile's phase is on record, the other when
# the service looks whether a closure is registered.
HELD = """\
#!/bin/sh
/usr/local/bin/hold {hold}
exec /usr/bin/{program} "$@"
"""
HOLDS = {"nix-env": "profile", "nix-store": "check"}


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)


def bin_dir():
    return TOP / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")


def install(root):
    """Programs, units and settings, as a package would bring them."""
    for name in PROGRAMS:
        shutil.copy(bin_dir() / name, root / "usr/bin" / name)
    for source in (TOP / "dist/systemd").glob("*.in"):
        text = source.read_text().replace("@BINDIR@", "/usr/bin")
        text = text.replace("@CONFDIR@", "/etc/nixfleet")
        (root / "lib/systemd/system" / source.stem).write_text(text)
    for source in (TOP / "dist/systemd").glob("*.sysusers"):
        shutil.copy(source, root / f"usr/lib/sysusers.d/{source.stem}.conf")
    script(root / "usr/local/bin/hold", HOLD)
    for program, hold in HOLDS.items():
        script(root / "usr/local/bin" / program,
               HELD.format(program=program, hold=hold))
    (root / "lib/systemd/system/stage2.service").write_text(STAGE2)
    (root / "etc/nixfleet").mkdir()
    (root / "etc/nixfleet/agent.conf").write_text(AGENT_ENV)
    (root / "etc/nixfleet/hub.conf").write_text(HUB_ENV)
    subprocess.run(["chroot", root, "systemctl", "-q", "enable", "stage2",
                    "nixfleet-agent", "nixfleet-activate.service",
                    "nixfleet-activate.socket", "nixfleet-hub"], check=True)


def agent_unit(text="", path="/usr/bin/nixfleet-agent"):
    """The agent's unit as a system would bring it, with a change."""
    unit = (TOP / "dist/systemd/nixfleet-agent.service.in").read_text()
    unit = unit.replace("@BINDIR@/nixfleet-agent", path)
    unit = unit.replace("@CONFDIR@", "/etc/nixfleet")
    return re.sub(r"(?m)^Description=.*", rf"\g<0> {text}", unit)


def configure(machine, *lines):
    """More settings for the agent, which reads them before this returns."""
    path = machine.inside("/etc/nixfleet/agent.conf")
    old = path.read_text()
    for line in lines:
        name = re.escape(line.split("=")[0])
        old = re.sub(rf"(?m)^{name}=.*\n", "", old) + line + "\n"
    path.write_text(old)
    machine.run("systemctl restart nixfleet-agent")
    machine.agent_ready()


def first_system(machine):
    """A repository, and a system of it that runs."""
    machine.make_config()
    machine.push("1", units={"nixfleet-agent.service": agent_unit()})
    machine.run("systemctl restart nixfleet-agent")
    machine.agent_ready()
    op = machine.start_op("pull-switch")
    result = machine.finished(op)
    assert result["outcome"] == "ok", machine.story(op)
    machine.agent_ready()


@pytest.fixture(scope="session")
def prepared():
    """The layers of a machine whose first system runs."""
    try:
        root = image.image()
    except image.NoImage as why:
        pytest.skip(f"no machines: {why}")
    parent = image.cache_dir()
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-") as directory:
        directory = pathlib.Path(directory)
        machine = Machine(directory / "prepared", [root])
        try:
            install(machine.root)
            machine.boot()
            first_system(machine)
            machine.power_off()
        finally:
            machine.close()
        yield directory, [directory / "prepared/upper", root]


@pytest.fixture
def new_machine(prepared, request):
    """A factory of machines that run system 1, not booted yet."""
    directory, layers = prepared
    made = []

    def make():
        name = f"{request.node.name}-{len(made)}"
        made.append(Machine(directory / re.sub(r"\W", "_", name), layers))
        return made[-1]

    yield make
    for machine in made:
        machine.delete()


@pytest.fixture
def machine(new_machine):
    """A booted machine with system 1 and an agent that is connected."""
    one = new_machine()
    one.boot()
    one.agent_ready()
    return one


