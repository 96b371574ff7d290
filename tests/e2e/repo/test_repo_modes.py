"""Modes of files in the clone, for an agent that is not root."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest


@pytest.fixture
def tmp_path():
    """One that an ordinary user gets into: pytest's own is for root alone,
    and shared with whatever else runs."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o711)
        yield pathlib.Path(top)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_modes_that_keep_us_out(host, remote):
    """Modes that lock an ordinary user out are mended; root sees none."""
    for top in (host.state, remote.bare, remote.work):
        subprocess.run(["chown", "-R", "65534:65534", str(top)], check=True)

    def run(op):
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             *host.argv(op)], env=host.env, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    rev = run("pull")["to"]
    git = host.dir / ".git"
    for path in (git / "objects", git / "objects" / "pack", git / "refs",
                 git / "refs" / "heads", git, git / "config", git / "HEAD",
                 host.dir / "hosts", host.dir / "flake.nix"):
        path.chmod(0)
        assert run("pull")["to"] == rev, path
        assert run("verify")["sound"], path
