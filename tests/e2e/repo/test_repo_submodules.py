"""Submodules: each exactly its commit, with nothing of .gitmodules believed
but path and URL."""

import os
import shutil

import pytest

from repo_rig import Remote, git
from submodule_rig import found, link, move, wanted


def new_remote(top, name):
    (top / name).mkdir()
    return Remote(top / name)


@pytest.fixture
def lib(tmp_path):
    """The remote of a submodule."""
    made = new_remote(tmp_path, "lib")
    made.commit({"lib.nix": "1\n", "deep/file": b"\0\xff\r\n",
                 ".gitattributes": "* text eol=crlf\n"})
    made.commit({"run": "#!/bin/sh\n"}, mode=0o755)
    return made


@pytest.fixture
def nested(remote, lib, tmp_path):
    """A host whose repository has a submodule with one inside it."""
    inner = new_remote(tmp_path, "inner")
    inner.commit({"inner.nix": "{ }\n"})
    link(lib, "in/ner", inner.head(), "../../inner/remote.git")
    remote.commit({"flake.nix": "{ }\n"})
    link(remote, "libs/one", lib.head(), "../lib/remote.git")
    return inner


def assert_nested(host, remote, lib, inner):
    want = {**wanted(remote.bare, remote.tip()),
            **wanted(lib.bare, lib.head(), b"libs/one/"),
            **wanted(inner.bare, inner.head(), b"libs/one/in/ner/")}
    assert found(host.dir) == want
    assert host.ok("verify")["sound"]


def test_byte_for_byte(make_host, remote, lib, nested):
    """First clone, changes and an unchanged pull: all files of all levels."""
    host = make_host(submodules=1)
    assert host.ok("pull")["cloned"]
    assert_nested(host, remote, lib, nested)
    assert not list(host.dir.glob("libs/**/.git"))
    again = host.ok("pull")
    assert not again["changed"] and not again["repaired"]
    lib.commit({"lib.nix": None, "deep/file": "other\n", "new": "1\n"})
    move(remote, "libs/one", lib.head())
    assert host.ok("pull")["changed"]
    assert_nested(host, remote, lib, nested)
    git("rm", "-q", "--cached", "libs/one", cwd=remote.work)
    git("rm", "-qf", ".gitmodules", cwd=remote.work)
    remote.commit({"libs/one/own": "now ours\n"})
    host.ok("pull")
    assert found(host.dir) == wanted(remote.bare, remote.tip())
    assert host.ok("verify")["sound"]


def test_tampered(make_host, remote, lib, nested):
    """What was altered in a submodule is seen, and mended without a server."""
    host = make_host(submodules=1)
    host.ok("pull")
    (host.dir / "libs/one/lib.nix").write_text("evil")
    (host.dir / "libs/one/in/ner/extra").write_text("evil")
    seen = host.ok("verify")
    assert not seen["sound"] and seen["problems"] == 2
    assert "libs/one/lib.nix: differs" in seen["text"]
    assert "libs/one/in/ner/extra: is not in the commit" in seen["text"]
    for one in (remote, lib, nested):
        one.bare.rename(one.bare.with_name("away"))
    assert host.ok("ensure")["repaired"]
    for one in (remote, lib, nested):
        one.bare.with_name("away").rename(one.bare)
    assert_nested(host, remote, lib, nested)


def test_setting_changes(make_host, remote, lib, nested):
    """Turned on and off, the tree follows with the next pull."""
    host = make_host()
    host.ok("pull")
    assert list((host.dir / "libs/one").iterdir()) == []
    host.conf["submodules"] = 1
    host.ok("pull")
    assert_nested(host, remote, lib, nested)
    host.conf["submodules"] = 0
    host.ok("pull")
    assert list((host.dir / "libs/one").iterdir()) == []
    assert host.ok("verify")["sound"]


def test_cache_is_disposable(make_host, remote, lib, nested):
    """Objects beside the clone may be gone, damaged, or full of traps."""
    host = make_host(submodules=1)
    host.ok("pull")
    store = host.state / "git" / "submodules"
    trap = host.state / "trap"
    for n, spoil in enumerate((
            lambda: shutil.rmtree(store),
            lambda: [p.chmod(0o600) or p.write_bytes(b"x") for p in
                     (store / ".git/objects/pack").iterdir()],
            lambda: (store / ".git/config").write_text(
                f"[core]\n\tfsmonitor = touch {trap}\n"
                f"\tsshCommand = touch {trap}\n"
                f"[filter \"x\"]\n\tsmudge = touch {trap}\n"))):
        spoil()
        lib.commit({"lib.nix": f"{n}\n"})
        move(remote, "libs/one", lib.head())
        host.ok("pull")
        assert_nested(host, remote, lib, nested)
    assert not trap.exists()


def test_flipped_byte(make_host, remote, lib):
    """A damaged file of a submodule is not written; the next pull mends it."""
    lib.commit({"big": os.urandom(4096)})
    remote.commit({"a": "1"})
    rev = link(remote, "lib", lib.head(), "../lib/remote.git")
    host = make_host(submodules=1)
    host.ok("pull")
    pack, = (host.state / "git/submodules/.git/objects/pack").glob("*.pack")
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) - 2000] ^= 0xff
    pack.write_bytes(data)
    assert not host.ok("verify")["sound"]
    remote.commit({"a": "2"})
    assert "submodule lib" in host.run("pull").get("text", "")
    assert host.git("rev-parse", "HEAD") == rev
    host.ok("pull")
    assert (host.dir / "lib/big").read_bytes() == (
        wanted(lib.bare, lib.head())[b"big"][1])
    assert host.ok("verify")["sound"]


def test_maintenance_checks_the_cache(make_host, remote, lib):
    """The daily check looks at every byte of the submodules, too, and the
    next pull has sound ones, though nothing else changed."""
    lib.commit({"big": os.urandom(4096)})
    remote.commit({"a": "1"})
    rev = link(remote, "lib", lib.head(), "../lib/remote.git")
    host = make_host(submodules=1)
    host.ok("pull")
    assert host.ok("maintain")["checked"]
    pack, = (host.state / "git/submodules/.git/objects/pack").glob("*.pack")
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) - 2000] ^= 0xff
    pack.write_bytes(data)
    (host.state / "git/checked").unlink()
    assert "submodules" in host.fails("damaged", "maintain")["text"]
    assert host.ok("status")["fail"] == "damaged"
    answer = host.ok("pull")
    assert not answer["cloned"] and answer["to"] == rev
    assert host.ok("verify")["sound"]
    assert host.ok("maintain")["checked"]
    assert host.ok("status")["fail"] == "none"


def test_many_moves(make_host, remote, lib):
    """The cache does not grow for ever."""
    remote.commit({"a": "1"})
    link(remote, "lib", lib.head(), "../lib/remote.git")
    host = make_host(submodules=1)
    for n in range(14):
        lib.commit({"lib.nix": f"{n}\n"})
        move(remote, "lib", lib.head())
        host.ok("pull")
        assert (host.dir / "lib/lib.nix").read_text() == f"{n}\n"
    packs = host.state / "git/submodules/.git/objects/pack"
    assert len(list(packs.glob("*.pack"))) < 12


def held(host, word, rev):
    """The pull fails with that word and everything stays."""
    before = found(host.dir)
    answer = host.fails(word, "pull")
    assert found(host.dir) == before
    assert host.git("rev-parse", "HEAD") == rev
    assert host.ok("status")["fail"] == word
    return answer["text"]


def test_commit_missing(make_host, remote, lib):
    """A commit that the submodule's server does not have, or no server."""
    rev = remote.commit({"a": "1"})
    host = make_host(submodules=1)
    host.ok("pull")
    link(remote, "lib", "1" * 40, "../lib/remote.git")
    text = held(host, "submodule", rev)
    assert text.startswith("submodule lib: ")
    move(remote, "lib", lib.head())
    lib.bare.rename(lib.bare.with_name("away"))
    assert "submodule lib: " in held(host, "not_found", rev)
    lib.bare.with_name("away").rename(lib.bare)
    host.ok("pull")
    assert (host.dir / "lib/lib.nix").read_text() == "1\n"


@pytest.mark.parametrize("url", [
    "ext::sh -c touch% {trap}", "ssh://elsewhere.example/x",
    "git://elsewhere.example/x", "http://elsewhere.example/x",
    "file://elsewhere", "nonsense", "https://a:b@h.example/x",
    "fd::7", "../../../../../../../../../../../../../x",
])
def test_hostile_url(make_host, remote, lib, tmp_path, url):
    """URLs of another kind or another server are not asked."""
    trap = tmp_path / "trap"
    rev = remote.commit({"a": "1"})
    host = make_host(submodules=1)
    host.ok("pull")
    link(remote, "lib", lib.head(), url.format(trap=trap))
    text = held(host, "submodule", rev)
    assert "submodule lib: " in text and "last good tree stays" in text
    assert not trap.exists()


@pytest.mark.parametrize("url", ["-u./payload", "--upload-pack=touch trap",
                                 "https://",
                                 "https://h.example/%0atest"])
def test_option_url(make_host, remote, lib, url):
    """What git itself takes for an attack does not even get into the clone."""
    rev = remote.commit({"a": "1"})
    host = make_host(submodules=1)
    host.ok("pull")
    link(remote, "lib", lib.head(), url)
    answer = host.run("pull")
    assert answer.rc == 1 and answer["fail"] in ("submodule", "server")
    assert host.git("rev-parse", "HEAD") == rev


def test_paths(make_host, remote, lib, tmp_path):
    """A submodule is where the tree says, never where .gitmodules says."""
    outside = tmp_path / "outside"
    outside.mkdir()
    remote.commit({"a": "1"})
    os.symlink(outside, remote.work / "link")
    rev = remote.commit({})
    host = make_host(submodules=1)
    host.ok("pull")
    # The path in .gitmodules leads out or through the link: no such gitlink.
    for path in ("../outside", "link/in", "/etc/x", "link"):
        git("reset", "-q", "--hard", rev, cwd=remote.work)
        text = (f'[submodule "x"]\n\tpath = {path}\n'
                "\turl = ../lib/remote.git\n")
        (remote.work / ".gitmodules").write_text(text)
        git("add", ".gitmodules", cwd=remote.work)
        git("update-index", "--add", "--cacheinfo",
            f"160000,{lib.head()},real", cwd=remote.work)
        git("commit", "-qm", "x", cwd=remote.work)
        remote.push("-f")
        assert "submodule real" in held(host, "submodule", rev)
        assert list(outside.iterdir()) == []
    # A name that escapes is only a name.
    git("reset", "-q", "--hard", rev, cwd=remote.work)
    (remote.work / ".gitmodules").unlink(missing_ok=True)
    link(remote, "dir/sub", lib.head(), "../lib/remote.git", name="good.x",
         push=False)
    remote.push("-f")
    host.ok("pull")
    assert (host.dir / "dir/sub/lib.nix").read_text() == "1\n"
    assert list(outside.iterdir()) == []


def test_two_claim_a_path(make_host, remote, lib):
    """Two names for one path: none is believed."""
    rev = remote.commit({"a": "1"})
    host = make_host(submodules=1)
    host.ok("pull")
    link(remote, "lib", lib.head(), "../lib/remote.git", push=False)
    link(remote, "lib", lib.head(), "../other.git", name="twin")
    assert "more than one" in held(host, "submodule", rev)


def test_recursion_ends(make_host, remote, tmp_path):
    """Submodules inside submodules are followed to a limit."""
    rev = remote.commit({"a": "1"})
    host = make_host(submodules=1)
    host.ok("pull")
    # Two repositories that contain each other, again and again.
    pair = [new_remote(tmp_path, name) for name in ("ping", "pong")]
    for one in pair:
        one.commit({"f": "x"})
    for n in range(12):
        inner, outer = pair[n % 2], pair[(n + 1) % 2]
        (outer.work / ".gitmodules").unlink(missing_ok=True)
        link(outer, "in", inner.head(),
             f"../../{inner.bare.parent.name}/remote.git")
    link(remote, "top", pair[0].head(), "../ping/remote.git")
    assert "too deep" in held(host, "submodule", rev)


def test_nothing_in_it_runs(make_host, remote, lib, tmp_path):
    """Settings in .gitmodules and attributes of the submodule have no say."""
    trap = tmp_path / "trap"
    lib.commit({".gitattributes": "* filter=x ident\n", "id": "$Id$\n"})
    remote.commit({"a": "1"})
    link(remote, "lib", lib.head(),
         f"../lib/remote.git\n\tupdate = checkout\n\tbranch = none\n"
         f"\tfetchRecurseSubmodules = true\n[include]\n\tpath = {trap}.cfg\n"
         f"[core]\n\tfsmonitor = touch {trap}\n\tsshCommand = touch {trap}\n"
         f"[filter \"x\"]\n\tsmudge = touch {trap}")
    (tmp_path / "trap.cfg").write_text(
        f"[core]\n\tsshCommand = touch {trap}\n")
    host = make_host(submodules=1)
    host.ok("pull")
    assert (host.dir / "lib/id").read_text() == "$Id$\n"
    assert host.ok("verify")["sound"]
    assert not trap.exists()


def test_over_ssh(make_host, remote, lib, sshd):
    """The deploy key opens the submodules on the same server."""
    remote.commit({"a": "1"})
    link(remote, "lib", lib.head(), "../lib/remote.git")
    host = make_host(url=sshd.url(remote.bare), key=sshd.key, submodules=1)
    host.ok("pull")
    assert (host.dir / "lib/lib.nix").read_text() == "1\n"


def test_token_stays_on_its_server(make_host, remote, lib, git_http,
                                   tmp_path):
    """A token goes to the repository's own server and to no other port."""
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    server, other = git_http("s3cret"), git_http("s3cret")
    rev = remote.commit({"a": "1"})
    host = make_host(url=server.url("remote.git"), token=token, submodules=1)
    host.ok("pull")
    link(remote, "lib", lib.head(), other.url("lib/remote.git"))
    held(host, "submodule", rev)
    assert other.seen == []
    text = (remote.work / ".gitmodules").read_text()
    remote.commit({".gitmodules": text.replace(
        other.url("lib/remote.git"), "../lib/remote.git")})
    host.ok("pull")
    assert (host.dir / "lib/lib.nix").read_text() == "1\n"


def test_export(make_host, remote, lib, nested, tmp_path):
    """What nix gets: all files, no .git, one time for all of them."""
    host = make_host(submodules=1)
    rev = host.ok("pull")["to"]
    out = tmp_path / "out"
    host.ok("export", rev, str(out))
    assert found(out) == found(host.dir)
    at = int(git("log", "-1", "--format=%ct", rev, cwd=remote.work))
    assert {int(os.lstat(os.path.join(here, name)).st_mtime)
            for here, dirs, files in os.walk(out)
            for name in dirs + files} == {at}
    (out / "extra").write_text("x")
    host.ok("export", rev, str(out))
    assert not (out / "extra").exists()
