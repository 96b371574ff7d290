"""The manual pages and --help tell the same."""

import os
import pathlib
import re
import subprocess

import pytest

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/man"
PROGRAMS = {page.name.split(".")[0]: page for page in PAGES.glob("*.scd")}
WORD = r"[a-z][a-z-]*"


@pytest.fixture(params=sorted(PROGRAMS))
def told(request, bin_dir):
    """What a program's --help says, and the source of its page."""
    name = request.param
    text = subprocess.run(
        [bin_dir / name, "--help"], text=True, stdout=subprocess.PIPE,
        check=True, env={"PATH": os.environ["PATH"]}).stdout
    return name, text, PROGRAMS[name].read_text()


def test_programs(bin_dir):
    """Every program has a page."""
    assert set(PROGRAMS) == {one.name for one in bin_dir.iterdir()}


def test_options(told):
    """Each option of --help, and its letter, is in the page and conversely."""
    name, text, page = told
    shown = re.findall(
        rf"(?m)^ *(?:{name} )?(?:(-\w), +)?(--{WORD})", text)
    written = re.findall(rf"(?m)^(?:\*(-\w)\*, )?\*(--{WORD})\*", page)
    assert "--help" in dict(map(reversed, shown))
    assert set(written) == set(shown)


def test_verbs(told):
    """Each verb of --help is in the page and conversely."""
    name, text, page = told
    text = text.split("\nOptions")[0]
    shown = set(re.findall(rf"(?m)^  ((?:repo )?{WORD})\b", text))
    parts = re.findall(r"(?ms)^# [A-Z ]*VERBS.*?(?=^# )", page)
    written = set(re.findall(rf"(?m)^\*((?:repo )?{WORD})\*", "".join(parts)))
    if name in ("nixfleet", "nixfleet-activate"):
        assert len(shown) > 3
        assert written - {"help"} == shown
