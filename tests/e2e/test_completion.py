"""Completion, in the real shells, against what --help says."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

BASH = """\
source "$1"
shift
COMP_WORDS=(nixfleet "$@")
COMP_CWORD=$#
compopt() { :; }
_nixfleet
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Lists what may follow, a word a line, when it is asked with Ctrl-T.
ZSH = """\
PROMPT=
fpath=(%s $fpath)
autoload -Uz compinit
compinit -u -d %s/dump
zstyle ':completion:*' verbose no
zstyle ':completion:*' list-packed no
bindkey '^T' list-choices
stty -echo cols 40 rows 2000
"""


class Bash:
    def __init__(self, script):
        self.script = script

    def ask(self, words):
        return subprocess.run(
            ["bash", "--norc", "-c", BASH, "bash", self.script, *words],
            text=True, stdout=subprocess.PIPE, check=True, timeout=60,
        ).stdout.split()


class Fish:
    def __init__(self, script):
        self.script = script

    def ask(self, words):
        line = " ".join(["nixfleet", *words])
        return [row.split("\t")[0] for row in subprocess.run(
            ["fish", "--no-config", "-c",
             f"source {self.script}; complete -C '{line}'"],
            text=True, stdout=subprocess.PIPE, check=True, timeout=60,
            env=dict(os.environ, HOME=str(self.script.parent)),
        ).stdout.splitlines()]


class Zsh:
    """It completes on a terminal only."""

    def __init__(self, script):
        home = script.parent
        script.rename(home / "_nixfleet")
        (home / ".zshrc").write_text(ZSH % (home, home))
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe("zsh", ["zsh", "-i"], dict(
                os.environ, ZDOTDIR=str(home), TERM="xterm", LANG="C"))
        self.until("\x1b[?2004h")

    def until(self, end, said=""):
        """All that it writes up to there."""
        deadline = time.monotonic() + 60
        while end not in said:
            left = deadline - time.monotonic()
            assert select.select([self.fd], [], [], max(left, 0))[0], said
            said += os.read(self.fd, 65536).decode()
        return said

    def ask(self, words):
        line = " ".join(["nixfleet", *words])
        os.write(self.fd, line.encode() + b"\x14\x15echo mark$((6*7))\r")
        said = self.until("mark42")
        before, after = said.split("mark42", 1)
        self.until("\x1b[?2004h", after)
        # A list stands below the line, and the cursor goes up again.
        found = re.search(r"\r\n\x1b\[J([^\x1b]+)\x1b\[\d*A", before)
        return found.group(1).split() if found else []

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


# Without the settings of the tests.
PLAIN = {"PATH": os.environ["PATH"]}
SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}


@pytest.fixture(scope="module", params=SHELLS)
def shell(request, bin_dir, tmp_path_factory):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    script = tmp_path_factory.mktemp(request.param) / "script"
    with open(script, "w") as out:
        subprocess.run([bin_dir / "nixfleet", "completion", request.param],
                       stdout=out, check=True, env=PLAIN)
    one = SHELLS[request.param](script)
    yield one
    if request.param == "zsh":
        one.close()


@pytest.fixture(scope="module")
def told(bin_dir):
    """What --help tells, of the command or of a verb."""
    def ask(*words):
        return subprocess.run([bin_dir / "nixfleet", *words, "--help"],
                              text=True, stdout=subprocess.PIPE,
                              check=True, env=PLAIN).stdout
    return ask


def verbs(told):
    """Every verb, of one word or two."""
    text = told().split("\n\nOptions")[0]
    return re.findall(r"(?m)^  ((?:repo |hosts )?[a-z-]+)", text)


def options(text):
    return set(re.findall(r"(?m)^  (?:-\w, |    )(--[a-z-]+)", text))


def test_verbs(shell, told):
    """Each verb is offered where a verb belongs, and none elsewhere."""
    names = verbs(told)
    assert "repo accept" in names and len(names) > 15
    first = {name.split()[0] for name in names}
    assert set(shell.ask([""])) == first
    assert set(shell.ask(["--json", ""])) == first
    assert set(shell.ask(["--limit", "5", ""])) == first
    for word in ("repo", "hosts"):
        assert set(shell.ask([word, ""])) == {
            name.split()[1] for name in names if name.startswith(word + " ")}
    assert shell.ask(["pull", ""]) == []
    assert shell.ask(["repo", "status", ""]) == []


def test_arguments(shell):
    """Operations follow "run", shells "completion", and files a file's option."""
    assert {"pull-switch", "reboot", "repo-reset"} <= set(
        shell.ask(["run", ""]))
    assert "repo-accept" not in shell.ask(["run", ""])
    assert shell.ask(["run", "pull", ""]) == []
    assert set(shell.ask(["completion", ""])) == set(SHELLS)
    assert shell.ask(["events", "--limit", ""]) == []
    path = str(pathlib.Path(__file__).parent / "test_compl")
    assert any("test_completion.py" in word for word in shell.ask(
        ["login", "--password-file", path]))


def test_options(shell, told):
    """A verb's options are offered after it, all of them before it."""
    every = options(told())
    assert "--generation" in every and "--json" in every
    assert set(shell.ask(["--"])) == every
    for verb in verbs(told):
        assert set(shell.ask([*verb.split(), "--"])) == options(
            told(*verb.split())), verb
