"""A configuration repository with a long history, made in a few seconds."""

import random
import subprocess
import time

FILES = 300
BLOB_LINES = 60


def _text(rng, path, version):
    lines = [f"# {path}, version {version}", "{ config, pkgs, ... }:", "{"]
    for number in range(BLOB_LINES):
        lines.append(f'  services.s{number}.option = "{rng.random():.12f}";')
    return "\n".join([*lines, "}", ""])


def _data(text):
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)


def _stream(commits):
    rng = random.Random(1)
    for number in range(commits):
        head = (
            "commit refs/heads/main\n"
            f"mark :{number + 1}\n"
            f"committer Ada <ada@fleet.example> {1700000000 + number} +0000\n"
        )
        yield head.encode() + _data(f"Change number {number}\n")
        touched = range(FILES) if number == 0 else [rng.randrange(FILES)]
        for name in touched:
            path = f"modules/dir{name % 20}/file{name}.nix"
            yield f"M 100644 inline {path}\n".encode()
            yield _data(_text(rng, path, number))
    yield b"done\n"


def make(bare, commits, git):
    """A bare repository with that many commits on main, packed."""
    git("init", "-q", "--bare", "-b", "main", str(bare))
    child = subprocess.Popen(
        ["git", "-C", str(bare), "fast-import", "--quiet", "--done"],
        stdin=subprocess.PIPE,
    )
    for piece in _stream(commits):
        child.stdin.write(piece)
    child.stdin.close()
    if child.wait():
        raise RuntimeError("git fast-import failed")
    git("-C", str(bare), "repack", "-q", "-a", "-d")


def advance(bare):
    """One more commit on main that changes one file."""
    subprocess.run(
        ["git", "-C", str(bare), "fast-import", "--quiet"],
        input=b"commit refs/heads/main\n"
        b"committer Ada <ada@fleet.example> %d +0000\n" % time.time()
        + _data("One more change\n")
        + b"from refs/heads/main^0\n"
        + b"M 100644 inline modules/dir0/file0.nix\n"
        + _data(f"# {random.random()}\n"),
        check=True,
    )
