"""nix flake update, commit, push: real nix, many hosts at once."""

import json
import os
import pathlib
import shutil

import pytest

from repo_rig import ENV, Remote, assert_tree_is, git

pytestmark = pytest.mark.skipif(
    not any(pathlib.Path(p, "nix").exists()
            for p in os.environ["PATH"].split(":")), reason="needs nix")


@pytest.fixture
def inputs(tmp_path):
    """Two inputs as repositories of their own."""
    made = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made[name] = Remote(tmp_path / name)
        made[name].commit({"value": "0"})
    return made


@pytest.fixture
def fleet(remote, inputs, make_host, tmp_path):
    """A flake with two inputs, locked; returns a factory of hosts."""
    urls = "".join(f'  inputs.{n}.url = "git+{r.url}?ref=main"; '
                   f'inputs.{n}.flake = false;\n' for n, r in inputs.items())
    remote.commit({"flake.nix": "{\n" + urls + "  outputs = { ... }: { };\n}\n"})

    def make(**conf):
        host = make_host(**conf)
        home = tmp_path / f"home-{host.state.name}"
        home.mkdir()
        host.env.update({
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "NIX_CONFIG": "experimental-features = nix-command flakes\n"
                          "sandbox = false\nbuild-users-group =\n"
                          "substituters =\nflake-registry =\n"})
        return host

    return make


def lock(remote):
    return json.loads(git("show", f"{remote.branch}:flake.lock",
                          cwd=remote.bare))


def locked_rev(remote, name):
    return lock(remote)["nodes"][name]["locked"]["rev"]


def test_update(fleet, remote, inputs):
    """What moved is committed, described and pushed; nothing moved, nothing."""
    host = fleet(name="Fleet Bot", email="bot@example.org")
    answer = host.ok("update")
    assert answer["changed"] and answer["pushed"] and answer["rounds"] == 1
    assert [m[0] for m in answer["moved"]] == ["one", "two"]
    assert host.git("rev-parse", "HEAD") == remote.tip()
    assert_tree_is(host, remote.tip())
    log = git("log", "-1", "--format=%an <%ae>|%s|%b", "main",
              cwd=remote.bare)
    author, subject, body = log.split("|")
    assert author == "Fleet Bot <bot@example.org>"
    assert subject == "flake.lock: update one, two"
    assert inputs["one"].tip()[:12] in body
    again = host.ok("update")
    assert not again["changed"] and not again["pushed"]
    assert again["rounds"] == 0
    assert not host.ok("pull")["repaired"]


def test_update_one_input(fleet, remote, inputs):
    """Only the named input moves."""
    host = fleet()
    host.ok("update")
    old = locked_rev(remote, "two")
    new = inputs["one"].commit({"value": "1"})
    inputs["two"].commit({"value": "1"})
    answer = host.ok("update", "one")
    assert [m[0] for m in answer["moved"]] == ["one"]
    assert locked_rev(remote, "one") == new
    assert locked_rev(remote, "two") == old
    host.fails("config", "update", "--impure")


# What nix says of itself, takes and refuses, in front of the real one.
NIX = """#!/usr/bin/python3
import os, re, sys
REAL, NEW, LOG = {real!r}, {new!r}, {log!r}
args = sys.argv[1:]
if args == ["--version"]:
    print({version!r})
    sys.exit()
flags, words, inputs, flake = [], [], [], "."
while args:
    arg = args.pop(0)
    if arg == "--extra-experimental-features":
        flags += [arg, args.pop(0)]
    elif arg == "--flake" and NEW:
        flake = args.pop(0)
    elif arg == "--update-input" and not NEW:
        inputs.append(args.pop(0))
    elif arg.startswith("-"):
        sys.exit("error: unrecognised flag '%s'" % arg)
    else:
        words.append(arg)
with open(LOG, "a") as f:
    print(*sys.argv[4:], file=f)
command, rest = words[:2], words[2:]
if NEW and command == ["flake", "update"]:
    for name in rest:
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_'-]*", name):
            sys.exit("error: invalid flake input path element '%s'" % name)
    inputs = rest
elif len(rest) > 1:
    sys.exit("error: unexpected argument '%s'" % rest[1])
elif rest:
    flake = rest[0]
if inputs or command == ["flake", "lock"]:
    argv = ["flake", "lock", flake]
    for name in inputs:
        argv += ["--update-input", name]
else:
    argv = ["flake", "update", flake]
os.execv(REAL, [REAL, *flags, *argv])
"""


@pytest.mark.parametrize("version, new", [
    ("nix (Nix) 2.18.9", False), ("nix (Nix) 2.19.0", True),
    ("nix (Nix) 2.31.2", True), ("nix (Lix, like Nix) 2.93.3", True),
    ("nix (Determinate Nix 3.6.2) 2.29.0", True)])
def test_update_speaks_to_this_nix(fleet, remote, inputs, tmp_path, version,
                                   new):
    """Each nix gets its own syntax; the other one would be refused."""
    spy = tmp_path / "nix-spy"
    spy.mkdir()
    log = spy / "log"
    (spy / "nix").write_text(NIX.format(
        real=shutil.which("nix"), new=new, log=str(log), version=version))
    (spy / "nix").chmod(0o755)
    host = fleet()
    host.env["PATH"] = f"{spy}:{ENV['PATH']}"
    assert len(host.ok("update")["moved"]) == 2
    two = inputs["two"].commit({"value": "1"})
    one = inputs["one"].commit({"value": "1"})
    assert [m[0] for m in host.ok("update", "two")["moved"]] == ["two"]
    assert locked_rev(remote, "one") != one
    assert host.ok("update", "two", "one")["pushed"]
    assert (locked_rev(remote, "one"), locked_rev(remote, "two")) == (one,
                                                                      two)
    assert log.read_text().splitlines() == ([
        "update --flake .", "update two --flake .",
        "update two one --flake ."] if new else [
        "update .", "lock --update-input two .",
        "lock --update-input two --update-input one ."])


def test_update_dry_run(fleet, remote, inputs):
    """A dry run says what would move and changes nothing."""
    host = fleet()
    host.ok("update")
    inputs["two"].commit({"value": "1"})
    before = remote.tip()
    answer = host.ok("update", "--dry-run")
    assert answer["changed"] and not answer["pushed"]
    assert [m[0] for m in answer["moved"]] == ["two"]
    assert remote.tip() == before
    assert_tree_is(host, before)


def test_update_broken_flake(fleet, remote):
    """nix says no: its words arrive, the tree stays."""
    remote.commit({"flake.nix": "{ outputs = syntax error"})
    host = fleet()
    answer = host.fails("nix", "update")
    assert "nix" in answer["text"]
    assert_tree_is(host, remote.tip())


@pytest.mark.parametrize("how", ["hook", "http"])
def test_update_without_push(fleet, remote, inputs, git_http, how):
    """A server that lets us read only: said so, the tree is the branch."""
    conf = {}
    if how == "hook":
        hook = remote.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho no pushes here >&2\nexit 1\n")
        hook.chmod(0o755)
    else:
        server = git_http()
        server.push = False
        conf["url"] = server.url("remote.git")
    host = fleet(**conf)
    before = remote.tip()
    answer = host.ok("update")
    assert answer["no_push"] and answer["changed"] and not answer["pushed"]
    assert remote.tip() == before
    assert_tree_is(host, before)
    assert host.git("rev-parse", "HEAD") == before


def test_update_keeps_a_foreign_commit(fleet, remote, inputs, tmp_path):
    """A commit that arrives just before our push is kept below ours."""
    host = fleet()
    host.ok("update")
    inputs["one"].commit({"value": "1"})
    git("pull", "-q", "origin", "main", cwd=remote.work)
    # The first push finds that a person was faster.
    spy = tmp_path / "spy"
    spy.mkdir()
    (spy / "git").write_text(f"""#!/bin/sh
if [ "$1" = push ] && mkdir {tmp_path}/once 2>/dev/null; then
    (unset GIT_DIR GIT_WORK_TREE; cd {remote.work} && echo x >person &&
     /usr/bin/git add person &&
     /usr/bin/git -c user.name=P -c user.email=p@x commit -qm person &&
     GIT_ALLOW_PROTOCOL=file /usr/bin/git -c safe.directory='*' \\
         push -q origin HEAD:main) >&2
fi
exec /usr/bin/git "$@"
""")
    (spy / "git").chmod(0o755)
    host.env["PATH"] = f"{spy}:{ENV['PATH']}"
    answer = host.ok("update")
    assert answer["pushed"] and answer["rounds"] == 2
    subjects = git("log", "--format=%s", "-2", "main",
                   cwd=remote.bare).split("\n")
    assert subjects == ["flake.lock: update one", "person"]
    assert_tree_is(host, remote.tip())


def push_as_person(remote, name):
    """A person commits and pushes, on top of whatever is there by then."""
    remote.commit({name: "x"}, message=name, push=False)
    for _ in range(100):
        git("pull", "-q", "--rebase", "origin", "main", cwd=remote.work)
        rev = remote.head()
        git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=remote.work,
            check=False)
        if rev in git("rev-list", "main", cwd=remote.bare).split():
            return rev
    raise AssertionError("a person is never fast enough")


def test_update_storm(fleet, remote, inputs):
    """Many hosts at once converge: no merge, one update, nobody's lost."""
    hosts = [fleet() for _ in range(20)]
    hosts[0].ok("update")
    for host in hosts:
        host.ok("pull")
    start = remote.tip()
    git("pull", "-q", "--rebase", "origin", "main", cwd=remote.work)
    new = inputs["one"].commit({"value": "1"})
    running = [h.start("update") for h in hosts]
    foreign = [push_as_person(remote, f"person-{i}") for i in range(3)]
    done = [(p, *p.communicate(timeout=240)) for p in running]
    answers = [json.loads(out) for _, out, _ in done]
    assert all(p.returncode == 0 for p, _, _ in done), answers
    assert sum(a["pushed"] for a in answers) == 1
    assert max(a["rounds"] for a in answers) <= 4
    assert locked_rev(remote, "one") == new
    line = git("rev-list", f"{start}..main", cwd=remote.bare).split()
    assert len(line) == len(foreign) + 1 and set(foreign) < set(line)
    assert git("rev-list", "--merges", "main", cwd=remote.bare) == ""
    for host in hosts:
        host.ok("pull")
        assert_tree_is(host, remote.tip())


def test_update_storm_of_different_inputs(fleet, remote, inputs):
    """Each host updates another input: all arrive, in a line."""
    hosts = [fleet() for _ in range(4)]
    hosts[0].ok("update")
    new = {n: r.commit({"value": "1"}) for n, r in inputs.items()}
    running = [h.start("update", ("one", "two")[i % 2])
               for i, h in enumerate(hosts)]
    done = [(p, *p.communicate(timeout=240)) for p in running]
    assert all(p.returncode == 0 for p, _, _ in done), done
    assert {n: locked_rev(remote, n) for n in new} == new
    assert git("rev-list", "--merges", "main", cwd=remote.bare) == ""
    assert git("fsck", "--no-dangling", cwd=remote.bare) == ""


def test_update_in_a_subdirectory(remote, inputs, fleet):
    """A flake that is not at the root is updated where it is."""
    host = fleet(subdir="nix/fleet")
    flake = git("show", "main:flake.nix", cwd=remote.bare) + "\n"
    remote.commit({"flake.nix": None, "nix/fleet/flake.nix": flake})
    answer = host.ok("update")
    assert answer["pushed"] and len(answer["moved"]) == 2
    names = git("ls-tree", "-r", "--name-only", "main",
                cwd=remote.bare).split()
    assert names == ["nix/fleet/flake.lock", "nix/fleet/flake.nix"]
    assert_tree_is(host, remote.tip())
    assert not host.ok("update")["changed"]


def test_update_is_signed(remote, inputs, fleet, tmp_path):
    """With a signing key the fleet trusts what its hosts commit."""
    from repo_rig import Sshd
    key = tmp_path / "fleet-key"
    Sshd.new_key(key)
    signers = tmp_path / "signers"
    signers.write_text("fleet " + (tmp_path / "fleet-key.pub").read_text())
    host = fleet()
    host.ok("pull")
    host.conf["signers"] = signers
    host.fails("untrusted", "pull")
    host.ok("accept", remote.tip())
    before = remote.tip()
    answer = host.fails("untrusted", "update")
    assert "not pushed" in answer["text"]
    assert remote.tip() == before
    assert_tree_is(host, before)
    host.conf["signing"] = key
    assert host.ok("update")["pushed"]
    other = fleet(signers=signers)
    assert other.ok("pull")["to"] == remote.tip()


def test_update_legacy(fleet, remote, inputs, tmp_path):
    """In a person's directory only flake.lock changes, nothing is pushed."""
    mine = tmp_path / "mine"
    git("clone", "-q", remote.url, str(mine))
    host = fleet(legacy=mine)
    before = remote.tip()
    answer = host.ok("update")
    assert answer["changed"] and not answer["pushed"]
    assert (mine / "flake.lock").exists()
    assert remote.tip() == before
    assert git("rev-parse", "HEAD", cwd=mine) == before
