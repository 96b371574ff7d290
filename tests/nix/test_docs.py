"""The documents do what they say: the tutorial is typed as it stands, and
what the pages name exists."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")).resolve()
PAGES = sorted([*(ROOT / "docs").glob("*.md"),
                *(ROOT / "docs/how-to").glob("*"),
                *(ROOT / "docs/explanation").glob("*")])
OPTIONS = (ROOT / "docs/reference/options.md").read_text()
SETTINGS = "".join((ROOT / "docs/reference" / page).read_text()
                   for page in ("settings.md", "activation-socket.md"))


def blocks(page, language=""):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(),
                      re.M | re.S)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


# Every command of the tutorial, in order, in one shell that begins in the
# project's directory.  What it promises is then checked in the output.
def test_tutorial(tmp_path):
    page = ROOT / "docs/tutorial.md"
    typed = blocks(page)
    assert page.read_text().count("```") == 2 * len(typed)
    assert typed[0].startswith("make build\n")
    script = "set -eu\n" + "".join(
        f"echo '== {n}'\n{block}" for n, block in enumerate(typed))
    script = script.replace("8123", free_port())
    home = tmp_path / "home"
    home.mkdir()
    # Whatever happens, nothing of it goes on running.
    script = "trap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n" + script
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, text=True, capture_output=True,
        timeout=900, env={"PATH": os.environ["PATH"], "HOME": str(home)})
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    version = (ROOT / "VERSION").read_text().strip()
    assert f"nixfleet {version}" in out
    assert "Hello from atlas.\nHello from birch.\nHello from cedar.\n" in out
    evening = out.index("\nGood evening from birch.\n")
    assert "\nHello from birch.\n" in out[evening:]
    assert out.count("drwx------") == 3
    assert not (home / "fleet").exists()


# A page names only options that the modules have.
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_options_exist(page):
    known = set(re.findall(r"^### (services\.\S+)$", OPTIONS, re.M))
    text = page.read_text()
    for service in ("agent", "hub"):
        prefix = f"services.nixfleet-{service}"
        named = set(re.findall(rf"{prefix}\.([a-z]\w*(?:\.[a-z]\w*)?)", text))
        for block in re.findall(rf"{prefix} = \{{\n(.*?)\n *\}};", text, re.S):
            named |= set(re.findall(r"^ +([a-z]\w*(?:\.[a-z]\w*)?) = ", block,
                                    re.M))
        for name in named:
            whole = f"{prefix}.{name}"
            assert whole in known or name.startswith("settings"), whole


# A page names only settings, verbs and files that are there.
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_names_exist(page):
    text = page.read_text()
    for name in set(re.findall(r"\bNIXFLEET_[A-Z_]+[A-Z]\b", text)):
        assert f"`{name}`" in SETTINGS, name
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    usage = subprocess.run([BIN / "nixfleet", "--help"], text=True,
                           capture_output=True, check=True).stdout
    verbs = set(re.findall(r"^  ([a-z-]+)", usage, re.M))
    for verb in re.findall(r"(?:^|`|sudo )nixfleet ([a-z][a-z-]*)", text, re.M):
        assert verb in verbs, verb
    for op in re.findall(r"nixfleet run ([a-z-]+)", text):
        man = (ROOT / "docs/man/nixfleet.1.scd").read_text()
        assert f"*{op}*" in man, op


# Every word that the repository's status can be is explained.
def test_repository_words_are_explained():
    words = re.findall(r'\] = \{ "([a-z_]+)"',
                       (ROOT / "repo/fail.c").read_text())
    page = (ROOT / "docs/repository.md").read_text()
    assert len(words) > 15
    assert [w for w in words if f"`{w}`" not in page] == ["none"]
    stuck = (ROOT / "docs/how-to/stuck-host.md").read_text()
    told = stuck.split("closed list")[1].split("\n\n")[1]
    named = re.findall(r"`([a-z_]+)`", "".join(
        row.split("|")[1] for row in told.splitlines()))
    assert set(named) <= set(words)


# The key of the page is one that git's servers and our agent take: private,
# without a passphrase.
def test_deploy_key_page(tmp_path):
    make = blocks(ROOT / "docs/how-to/deploy-key.md")[0]
    done = subprocess.run(["sh", "-euc", make], cwd=tmp_path, text=True,
                          capture_output=True, check=True)
    assert done.stdout.startswith("ssh-ed25519 ")
    key = tmp_path / "nixfleet-deploy-key"
    assert key.stat().st_mode & 0o777 == 0o600
    again = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", key],
                           text=True, capture_output=True, check=True)
    assert again.stdout.split()[:2] == done.stdout.split()[:2]


# Nix in the pages is Nix.
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_nix_parses(page):
    for block in blocks(page, "nix"):
        done = subprocess.run(["nix-instantiate", "--parse", "-"],
                              input=block, text=True, capture_output=True)
        assert done.returncode == 0, block + done.stderr
