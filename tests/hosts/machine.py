"""A machine: a Debian root with real systemd in a container of its own.

Its disk is an overlay that outlives a power cut.  It has no network but its
own loopback, where a hub runs as well.
"""

import contextlib
import json
import os
import pathlib
import platform
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo"))

from fleet import FleetError, wait_for  # noqa: E402

REBOOTED = 133  # systemd-nspawn --keep-unit; systemd.exec(5) calls it so
HERE = pathlib.Path(__file__).resolve().parent
CGROUPS = pathlib.Path("/sys/fs/cgroup")
RECORDS = "/var/lib/nixfleet-activate"


def ulid():
    """An operation's name, newer than those before it."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    value = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(digits[value >> 5 * i & 31] for i in range(25, -1, -1))


def cgroup_parents():
    """Where a container's control groups go: hybrid or unified."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [CGROUPS / "systemd", CGROUPS / "unified"]


class Machine:
    def __init__(self, directory, lower):
        self.dir = pathlib.Path(directory)
        self.root = self.dir / "root"
        self.name = "nf-" + secrets.token_hex(4)
        self.nspawn = None
        self.leader = None
        for part in ("upper", "work", "root"):
            (self.dir / part).mkdir(parents=True)
        layers = ":".join(str(path) for path in lower)
        subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir={layers},upperdir={self.dir}/upper,"
             f"workdir={self.dir}/work", self.root],
            check=True,
        )

    # ---- power ----

    def _enter_cgroups(self):
        for parent in cgroup_parents():
            group = parent / self.name
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text("0")

    def boot(self, wait=True):
        env = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")
        with open(self.dir / "console", "ab") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--register=no",
                 "--keep-unit", "--private-network", "--console=pipe",
                 "--link-journal=no", "--resolv-conf=off", "--timezone=off",
                 f"--machine={self.name}", f"--directory={self.root}"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env=env, preexec_fn=self._enter_cgroups,
            )
        self.leader = wait_for("the machine's init", self._find_leader)
        if wait:
            self.settled()

    def _find_leader(self):
        if self.nspawn.poll() is not None:
            raise FleetError((self.dir / "console").read_text())
        path = f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children"
        for pid in pathlib.Path(path).read_text().split():
            with contextlib.suppress(OSError):
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                if name == "systemd":
                    return int(pid)
        return None

    def settled(self):
        """Everything that boots has booted."""
        wait_for(
            "the machine to be up",
            lambda: self.try_run("systemctl is-system-running")[1].strip()
            in ("running", "degraded"),
            60,
        )

    def cut_power(self):
        """Nobody gets to say goodbye."""
        os.kill(self.leader, signal.SIGKILL)
        self.nspawn.wait(30)
        self._clear_cgroups()

    def wait_reboot(self):
        """It restarts itself; carry that out as nspawn's manager would."""
        status = self.nspawn.wait(90)
        if status != REBOOTED:
            raise FleetError(f"nspawn ended with {status}, no reboot")
        self._clear_cgroups()
        self.boot()

    def power_off(self):
        self.try_run("systemctl poweroff")
        self.nspawn.wait(60)
        self._clear_cgroups()

    def _clear_cgroups(self):
        for parent in cgroup_parents():
            group = parent / self.name
            for path, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)

    def close(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.cut_power()
        subprocess.run(["umount", self.root], check=False)

    def delete(self):
        self.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- inside ----

    def try_run(self, script, seconds=60, user=None):
        argv = ["nsenter", f"--target={self.leader}", "--all", "env", "-i",
                "HOME=/root", "LANG=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"]
        if user:
            argv += ["setpriv", f"--reuid={user}", f"--regid={user}",
                     "--clear-groups"]
        done = subprocess.run(
            [*argv, "sh", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=seconds,
        )
        return done.returncode, done.stdout

    def run(self, script, seconds=60, user=None):
        code, text = self.try_run(script, seconds, user)
        if code != 0:
            raise FleetError(f"{script}: status {code}\n{text}")
        return text

    def inside(self, path):
        """A path of the running machine, /run included."""
        return pathlib.Path(f"/proc/{self.leader}/root{path}")

    def read(self, path):
        return self.inside(path).read_text()

    def link(self, path):
        text = self.try_run(f"readlink -f {path}")[1].strip()
        return pathlib.Path(text).name if "/nix/store" in text else None

    def pid_of(self, unit):
        text = self.run(f"systemctl show -P MainPID {unit}").strip()
        return int(text)

    def kill(self, pid):
        """kill -9 of a pid in the machine's own count."""
        self.run(f"kill -9 {pid}")

    # ---- the agent ----

    def ask(self, path, request, seconds=30.0):
        """Every object that a Unix socket of the machine answers with."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(seconds)
            peer.connect(str(self.inside(path)))
            peer.sendall(json.dumps(request).encode() + b"\n")
            for line in peer.makefile():
                yield json.loads(line)

    def control(self, **request):
        """The last answer of the agent's control socket."""
        last = None
        for last in self.ask("/run/nixfleet-agent/control.sock", request):
            if last["type"] in ("accepted", "done", "error", "status"):
                break
        return last

    def agent_ready(self):
        def ready():
            with contextlib.suppress(OSError):
                status = self.control(cmd="status")
                return (
                    status["hub"]["state"] == "connected"
                    and status["repo"].get("head")
                    and not status["operation"]
                )

        wait_for("the agent", ready, 60)

    def start_op(self, op, **args):
        answer = self.control(cmd="run", op=op, follow=False,
                              **({"args": args} if args else {}))
        if answer["type"] == "error":
            raise FleetError(answer["text"])
        return answer["op_id"]

    def result(self, op_id):
        path = f"/var/lib/nixfleet-agent/ops/{op_id}/result.json"
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.read(path))
        return None

    def finished(self, op_id, seconds=90.0):
        try:
            return wait_for(f"{op_id} to end", lambda: self.result(op_id),
                            seconds)
        except FleetError as error:
            raise FleetError(f"{error}\n{self.story(op_id)}") from None

    def log(self, op_id):
        """The texts of an operation's log; none before there is one."""
        with contextlib.suppress(OSError):
            text = self.read(f"/var/lib/nixfleet-agent/ops/{op_id}/log")
            return [line.split(" ", 3)[3] for line in text.splitlines()]
        return []

    def told(self, op_id):
        """What the hub has of it: (outcome, [texts]); None: not yet all."""
        # SQLite wants a path without the links of /proc.
        path = self.root / "var/lib/nixfleet-hub/nixfleet.db"
        with contextlib.closing(sqlite3.connect(path)) as hub:
            row = hub.execute(
                "SELECT outcome, reported FROM operations WHERE id = ?",
                (op_id,),
            ).fetchone()
            lines = hub.execute(
                "SELECT text FROM lines WHERE op_id = ? ORDER BY seq",
                (op_id,),
            ).fetchall()
        if not row or not row[1]:
            return None
        return row[0], [text for (text,) in lines]

    def check_told_once(self, op_id):
        """The hub has the outcome and every line of the journal, once."""
        want = self.result(op_id)["outcome"], self.log(op_id)
        try:
            wait_for("the hub to have it all",
                     lambda: self.told(op_id) == want, 40)
        except FleetError:
            raise FleetError(f"{self.told(op_id)}\nand not\n{want}")

    def record(self, op_id):
        """What the activation service has on record; {} if nothing."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.read(f"{RECORDS}/{op_id}/record.json"))
        return {}

    def in_phase(self, op_id, phase, seconds=30.0):
        def there():
            if self.result(op_id):
                raise FleetError(f"over before it was {phase}:\n"
                                   + self.story(op_id))
            return self.record(op_id).get("phase") == phase

        wait_for(f"phase {phase} of {op_id}", there, seconds)

    def story(self, op_id):
        """All that helps to understand what went wrong."""
        parts = [json.dumps(self.result(op_id)),
                 json.dumps(self.record(op_id))]
        with contextlib.suppress(OSError):
            parts += self.log(op_id)[-200:]
        parts.append(self.try_run("journalctl -b -n 60 --no-pager -o cat")[1])
        return "\n".join(parts)

    def worker(self, op_id):
        """The worker's pid in the machine's own count."""
        text = self.try_run(f"pgrep -f '^[^ ]*nixfleet-agent worker {op_id}'")
        found = re.findall(r"\d+", text[1])
        return int(found[0]) if found else None

    # ---- its configuration ----

    def make_config(self):
        """A repository for push() to fill."""
        work = self.inside("/srv/config")
        shutil.copytree(HERE / "system", work)
        flake = work / "flake.nix"
        system = f"{platform.machine()}-linux"
        flake.write_text(flake.read_text().replace("@SYSTEM@", system))
        self.run("git config --global user.name T; "
                 "git config --global user.email t@t; "
                 "git config --global --add safe.directory '*'; "
                 "git init -q --bare -b main /srv/config.git; "
                 "git init -q -b main /srv/config; cd /srv/config; "
                 "git remote add origin /srv/config.git")

    def push(self, version, **changes):
        """Commit and push a system; see system/flake.nix for what it takes."""
        host = {"version": version, "before": "", "after": "", "boot": "",
                "nft": "", "build": "", "inhibitors": "",
                "specialisations": "", "triggers": "", "test": "#!/bin/sh\n",
                "packages": {}, "units": {}}
        host.update(changes)
        units = host.pop("units")
        work = self.inside("/srv/config")
        shutil.rmtree(work / "units", ignore_errors=True)
        (work / "units").mkdir()
        for name, text in units.items():
            (work / "units" / name).write_text(text)
        (work / "units" / "keep").write_text("")
        tests = work / "hosts/h1/tests"
        tests.mkdir(parents=True, exist_ok=True)
        (tests / "10-health.sh").write_text(host.pop("test"))
        (tests / "10-health.sh").chmod(0o755)
        (work / "host.json").write_text(json.dumps(host))
        self.run("cd /srv/config && git add -A && "
                 f"git commit -qm {version} && git push -q origin HEAD:main "
                 "&& chown -R nixfleet-agent: /srv/config.git")

    # ---- holding an activation in a phase ----

    def hold(self, name):
        """What waits for this name (hold NAME in a system) waits from now."""
        self.run(f"mkfifo /run/hold-{name}")

    def release(self, name):
        """Let it go on, and never wait again."""
        path = self.inside(f"/run/hold-{name}")
        held = os.open(path, os.O_RDWR)
        path.unlink()
        os.write(held, b"go\n" * 8)
        os.close(held)

    def switches(self):
        """What was activated, in order: [(system, mode)]."""
        with contextlib.suppress(OSError):
            lines = self.read("/var/log/switches").splitlines()
            return [tuple(line.split()) for line in lines]
        return []
