"""The Debian root that every machine test boots: made once and cached."""

import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    "systemd-sysv dbus procps iproute2 nftables nix-bin nix-setup-systemd git "
    "openssl ca-certificates libjansson4 libuv1 libwebsockets17 "
    "libwebsockets-evlib-uv libsqlite3-0 libcrypt1"
).split()
NIX_CONF = """\
experimental-features = nix-command flakes
sandbox = false
build-users-group =
substituters =
flake-registry =
"""


class NoImage(Exception):
    """The root could not be made; the text says why."""


def cache_dir():
    return pathlib.Path(
        os.environ.get("NIXFLEET_HOSTS_CACHE", "/var/tmp/nixfleet-hosts")
    )


def why_not():
    """Why machines cannot be booted here; None if they can."""
    if os.geteuid() != 0:
        return "not root"
    if os.environ.get("container") == "systemd-nspawn":
        return "inside a systemd-nspawn container"
    system = platform.freedesktop_os_release()
    if system.get("VERSION_CODENAME") != SUITE:
        return f"programs built on {system['NAME']} need not run on {SUITE}"
    if shutil.which("systemd-nspawn") is None:
        return "no systemd-nspawn (Debian: systemd-container)"
    if not image_path().exists() and shutil.which("debootstrap") is None:
        return "no debootstrap to make the Debian root"
    with open("/proc/filesystems") as known:
        if "overlay" not in known.read() and subprocess.call(
            ["modprobe", "-q", "overlay"]
        ):
            return "no overlay file system"
    return None


def image_path():
    recipe = " ".join([SUITE, *PACKAGES, NIX_CONF])
    name = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    return cache_dir() / f"debian-{name}"


def _quietly(*argv):
    """Run it; what it says is of interest only if it fails."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )
    if done.returncode != 0:
        raise NoImage(f"{argv}: {done.returncode}\n{done.stdout[-4000:]}")


def _chroot(root, *argv):
    _quietly("chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", *argv)


def _fill(root):
    base = os.environ.get("NIXFLEET_HOSTS_BASE")
    if base:
        _quietly("cp", "-a", base, root)
    else:
        mirror = os.environ.get("NIXFLEET_HOSTS_MIRROR", MIRROR)
        _quietly("debootstrap", "--variant=minbase", SUITE, root, mirror)
    for name in ("etc/resolv.conf", "etc/hosts"):
        shutil.copy("/" + name, root / name)
    proxies = pathlib.Path("/etc/apt/apt.conf.d").glob("*proxy*")
    for proxy in proxies:
        shutil.copy(proxy, root / "etc/apt/apt.conf.d")
    quiet = root / "usr/sbin/policy-rc.d"
    quiet.write_text("#!/bin/sh\nexit 101\n")
    quiet.chmod(0o755)
    _chroot(root, "apt-get", "update", "-qq")
    _chroot(
        root, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
        *PACKAGES,
    )
    _chroot(root, "apt-get", "clean")
    for path in ("nix/store", "nix/var/nix/daemon-socket"):
        (root / path).mkdir(parents=True, exist_ok=True)
    (root / "etc/nix/nix.conf").write_text(NIX_CONF)
    (root / "etc/machine-id").write_text("")


def image():
    """The root, made by the first who needs it.  Nobody may change it."""
    path = image_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            new = path.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            _fill(new)
            new.rename(path)
    return path
