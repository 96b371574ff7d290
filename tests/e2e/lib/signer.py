"""People who sign their commits, with ssh or with gpg."""

import pathlib
import subprocess

from repo_rig import ENV, Sshd, git


def configure(work, **values):
    for key, value in values.items():
        git("config", key.replace("_", "."), str(value), cwd=work)


class Signer:
    """A person with an ssh key who is known, or not, as a signer."""

    def __init__(self, top, name):
        self.key = top / f"{name}-key"
        self.name = name
        Sshd.new_key(self.key)

    def line(self):
        public = pathlib.Path(f"{self.key}.pub").read_text()
        return f"{self.name}@example.org {public}"

    def config(self, work):
        """From now on this person's key signs what is committed there."""
        configure(work, gpg_format="ssh", commit_gpgSign="true",
                  user_signingKey=self.key)


class GpgSigner:
    """A person with a gpg home of one key; the public half in a file."""

    def __init__(self, top, name="ann"):
        self.user = f"{name}@example.org"
        home = top / f"gpg-{name}"
        home.mkdir(mode=0o700)
        self.env = dict(ENV, GNUPGHOME=str(home))
        self.gpg("--passphrase", "", "--quick-gen-key",
                 f"{name} <{self.user}>", "ed25519", "sign", "never")
        self.keys = top / f"{name}.asc"
        self.keys.write_bytes(self.public())
        self.wrapper = top / f"gpg-of-{name}"
        self.wrapper.write_text(
            f'#!/bin/sh\nGNUPGHOME={home} exec gpg "$@"\n')
        self.wrapper.chmod(0o755)

    def gpg(self, *args):
        return subprocess.run(
            ["gpg", "--batch", "--quiet", *args], env=self.env, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def public(self):
        return self.gpg("--armor", "--export")

    def config(self, work):
        """From now on this person's key signs what is committed there."""
        configure(work, gpg_format="openpgp", commit_gpgSign="true",
                  gpg_program=self.wrapper, user_signingKey=self.user)

    def stop(self):
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env)
