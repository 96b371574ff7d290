"""An agent at rest, beside a client that does the least on the same libraries."""

import os
import subprocess
import time

import procfs
from fleet import Program, free_port, wait_for

AGENT_TARGETS = {  # KiB resident, KiB private dirty
    "plain": (5.5 * 1024, 1.2 * 1024),
    "TLS": (9.5 * 1024, 2.5 * 1024),
}
CPU_TARGET_MS = 10


def certificate(folder):
    """An authority and a certificate for localhost below it."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=bench",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "tls.key",
            "-out", "tls.csr")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext",
            "-out", "tls.pem")


class Server:
    """bench/bare_server, plain or with the certificate."""

    def __init__(self, bench, folder, tls):
        self.port = free_port()
        argv = [bench / "bare_server", str(self.port)]
        if tls:
            argv += [folder / "tls.pem", folder / "tls.key"]
        self.program = Program("bare_server", argv, os.environ,
                               folder / f"server-{self.port}.log")
        log = self.program.log
        wait_for("the bare server", lambda: "ready" in log.read_text(), 10)


def _start(run, tls):
    """Server, bare client and agent; returns what to measure and to stop."""
    folder, fleet = run.folder, run.fleet
    server = Server(run.bench, folder, tls)
    argv = [run.bench / "bare_client", "localhost", str(server.port), "bench"]
    if tls:
        argv.append(folder / "ca.pem")
    bare = Program("bare_client", argv, os.environ,
                   folder / f"client-{tls}.log")
    host = "idle-tls" if tls else "idle"
    fleet.start_agent(
        host,
        NIXFLEET_URL=f"http{'s' if tls else ''}://localhost:{server.port}",
        NIXFLEET_CA_FILE=str(folder / "ca.pem") if tls else None,
        NIXFLEET_INTERVAL="5",
    )
    agent = fleet.agents[host]
    clone = fleet.root / "hosts" / host / "state" / "repo" / ".git"
    wait_for("the agent's clone", clone.exists, 60)
    wait_for("the agent's link",
             lambda: "registered at the hub" in agent.log.read_text(), 30)
    return server.program, bare, agent


def measure(run, table, seconds):
    """Memory, threads and CPU of agent and bare client, plain and TLS."""
    print(f"agents at rest, {seconds} s", flush=True)
    certificate(run.folder)
    setups = {"plain": _start(run, False), "TLS": _start(run, True)}
    time.sleep(12)
    before = {name: [procfs.cpu(p.child.pid) for p in setup]
              for name, setup in setups.items()}
    time.sleep(seconds)
    for name, (server, bare, agent) in setups.items():
        for program in (server, bare, agent):
            program.check()
        rss, dirty = procfs.memory(agent.child.pid)
        ref_rss, ref_dirty = procfs.memory(bare.child.pid)
        most_rss, most_dirty = AGENT_TARGETS[name]
        table.add(f"agent resident, {name}", rss / 1024, "MiB",
                  ref_rss / 1024, target=most_rss / 1024)
        table.add(f"agent private dirty, {name}", dirty / 1024, "MiB",
                  ref_dirty / 1024, target=most_dirty / 1024)
        table.add(f"agent threads at rest, {name}",
                  procfs.threads(agent.child.pid), "", target=1)
        scale = 60000 / seconds
        table.add(
            f"agent CPU a minute, {name}",
            (procfs.cpu(agent.child.pid) - before[name][2]) * scale, "ms",
            (procfs.cpu(bare.child.pid) - before[name][1]) * scale,
            target=CPU_TARGET_MS,
        )
    for setup in setups.values():
        for program in reversed(setup):
            program.stop()
