"""docs/how-to/deploy-key.md, typed as it stands, against a real sshd."""

import base64
import hashlib
import os
import pathlib
import re
import subprocess

PAGE = pathlib.Path(__file__).resolve().parents[3] / \
    "docs/how-to/deploy-key.md"

# The ed25519 keys that two of them publish whole.
KEYS = {
    "github.com": "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0d"
                  "h2l9GKJl",
    "gitlab.com": "AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHH"
                  "E5UOzRdf",
}


def typed(n, top, sshd):
    """What the page's block prints; its git server is ours."""
    block = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.M | re.S)[n]
    block = block.replace(
        "ssh-keyscan -t ed25519 git.example",
        f"ssh-keyscan -p {sshd.port} -t ed25519 127.0.0.1")
    return subprocess.run(["sh", "-euc", block], cwd=top, text=True,
                          capture_output=True, check=True).stdout


def check(bin_dir, top, remote, sshd, pinned):
    """What --check says of the repository."""
    done = subprocess.run(
        [bin_dir / "nixfleet-agent", "--check"], text=True,
        capture_output=True, env={
            "PATH": os.environ["PATH"], "HOME": str(top),
            "NIXFLEET_STATE_DIR": str(top / "state"),
            "NIXFLEET_REPO_URL": sshd.url(remote.bare),
            "NIXFLEET_SSH_KEY": str(top / "nixfleet-deploy-key"),
            "NIXFLEET_SSH_KNOWN_HOSTS": str(pinned),
            "NIXFLEET_HOSTNAME": "atlas", "NIXFLEET_HOST_KIND": "custom",
        })
    return re.search(r"^repository +(.*)$", done.stdout, re.M)[1]


def test_deploy_key_page(bin_dir, sshd, remote, tmp_path):
    """The key that it makes opens the repository, the fingerprint is the
    server's, the line to pin is taken, and any other server refused."""
    remote.commit({"a": "1"})
    top = tmp_path / "ada"
    top.mkdir()
    public = typed(0, top, sshd)
    sshd.authorized.write_text(f"restrict {public}")
    shown, line = typed(1, top, sshd).splitlines()
    assert shown.split()[1] == subprocess.run(
        ["ssh-keygen", "-lf", f"{sshd.host_key}.pub"], text=True,
        capture_output=True, check=True).stdout.split()[1]
    pinned = top / "pinned"
    pinned.write_text(line + "\n")
    assert check(bin_dir, top, remote, sshd, pinned).startswith("ok ")
    sshd.stop()
    sshd.new_key(sshd.host_key)
    sshd.start()
    said = check(bin_dir, top, remote, sshd, pinned)
    assert said.startswith("FAIL ") and "known hosts" in said


def test_published_keys():
    """The fingerprints are those of the keys that the servers publish."""
    told = dict(re.findall(r"^\| (\S+) \| `SHA256:(\S+)` \|",
                           PAGE.read_text(), re.M))
    assert set(told) == {*KEYS, "codeberg.org"}
    for name, key in KEYS.items():
        digest = hashlib.sha256(base64.b64decode(key)).digest()
        assert base64.b64encode(digest).decode() == told[name] + "="
