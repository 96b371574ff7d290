"""An ssh server of our own for one user and one key, on a free port."""

import getpass
import os
import shutil
import socket
import subprocess
import time

from fleet import free_port

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 100
SetEnv HOME={folder}
"""


class GitServer:
    def __init__(self, folder):
        self.folder, self.port, self.child = folder, free_port(), None
        folder.mkdir(parents=True)
        for name in ("host_key", "client_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                 str(folder / name)], check=True,
            )
        kind, key = (folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")
        (folder / "config").write_text(
            CONFIG.format(port=self.port, folder=folder)
        )

    def start(self):
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        if os.geteuid() == 0:  # sshd insists when it runs as root
            os.makedirs("/run/sshd", exist_ok=True)
        with open(self.folder / "log", "wb") as log:
            self.child = subprocess.Popen(
                [program, "-D", "-e", "-f", str(self.folder / "config")],
                stderr=log,
            )
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError((self.folder / "log").read_text())

    def url(self, path):
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def ssh_command(self):
        return (
            f"ssh -F /dev/null -i {self.folder / 'client_key'}"
            " -o IdentitiesOnly=yes -o BatchMode=yes"
            " -o StrictHostKeyChecking=yes"
            f" -o UserKnownHostsFile={self.known_hosts}"
            " -o GlobalKnownHostsFile=/dev/null"
        )

    def settings(self):
        """What an agent needs to come in by this door."""
        return {
            "NIXFLEET_SSH_KEY": str(self.folder / "client_key"),
            "NIXFLEET_SSH_KNOWN_HOSTS": str(self.known_hosts),
        }

    def stop(self):
        if self.child:
            self.child.terminate()
            self.child.wait()
