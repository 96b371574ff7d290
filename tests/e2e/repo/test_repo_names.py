"""Repositories whose revisions have SHA-256 names."""

import pytest

from repo_rig import Remote, git
from submodule_rig import found, link, move, wanted


@pytest.fixture
def pair(tmp_path):
    """A remote and one for its submodule."""
    made = []
    for name in ("parent", "lib"):
        (tmp_path / name).mkdir()
        made.append(Remote(tmp_path / name, names="sha256"))
    made[0].commit({"flake.nix": "{ outputs = _: { }; }\n", "a": "1\n"})
    made[1].commit({"lib.nix": "1\n", "deep/file": b"\0\xff\r\n"})
    return made


@pytest.mark.parametrize("submodules", [0, 1])
@pytest.mark.parametrize("over", ["file", "ssh"])
def test_pulled_and_verified(make_host, pair, sshd, over, submodules):
    """Clone, changes, tampering, damage and reset, byte for byte."""
    remote, lib = pair
    if over == "ssh":
        host = make_host(url=sshd.url(remote.bare), key=sshd.key,
                         submodules=submodules)
    else:
        host = make_host(url=remote.url, submodules=submodules)
    link(remote, "lib", lib.head(), "../../lib/remote.git")

    def check():
        want = wanted(remote.bare, remote.tip())
        if submodules:
            want.update(wanted(lib.bare, lib.head(), b"lib/"))
        assert found(host.dir) == want
        assert host.git("rev-parse", "HEAD") == remote.tip()
        assert host.ok("verify")["sound"]

    answer = host.ok("pull")
    assert answer["cloned"] and len(answer["to"]) == 64
    check()
    lib.commit({"lib.nix": "2\n"})
    move(remote, "lib", lib.head())
    remote.commit({"a": "2\n"})
    answer = host.ok("pull")
    assert answer["changed"] and not answer["cloned"], answer
    check()
    again = host.ok("pull")
    assert not again["changed"] and not again["repaired"]
    (host.dir / "a").write_text("evil")
    assert not host.ok("verify")["sound"]
    assert host.ok("pull")["repaired"]
    check()
    assert host.ok("maintain")["checked"]
    pack = next((host.dir / ".git/objects/pack").glob("*.pack"))
    pack.chmod(0o600)
    pack.write_bytes(b"x")
    assert host.ok("pull")["cloned"]
    check()
    host.ok("reset")
    check()


def test_the_other_kind_of_names(make_host, pair, tmp_path):
    """Another URL may have the other kind; the submodules' cache follows."""
    remote, lib = pair
    link(remote, "lib", lib.head(), "../../lib/remote.git")
    host = make_host(url=remote.url, submodules=1)
    host.ok("pull")
    for name in ("p1", "l1"):
        (tmp_path / name).mkdir()
    old, inner = Remote(tmp_path / "p1"), Remote(tmp_path / "l1")
    inner.commit({"lib.nix": "sha1\n"})
    old.commit({"a": "1"})
    link(old, "lib", inner.head(), "../../l1/remote.git")
    for one, name in ((old, "sha1\n"), (remote, "1\n"), (old, "sha1\n")):
        host.conf["url"] = one.url
        assert host.ok("pull")["cloned"]
        assert (host.dir / "lib/lib.nix").read_text() == name
        assert host.ok("verify")["sound"]
    assert git("fsck", cwd=host.dir) == ""


@pytest.mark.parametrize("submodules", [0, 1])
def test_updated_or_told(make_host, pair, tmp_path, submodules):
    """A nix that reads such repositories updates them; of another one it is
    said that it does not, and everything stays."""
    remote, lib = pair
    link(remote, "lib", lib.head(), "../../lib/remote.git")
    (tmp_path / "input").mkdir()
    moved = Remote(tmp_path / "input")
    moved.commit({"value": "0"})
    rev = remote.commit({"flake.nix": f"""{{
  inputs.one = {{ url = "git+{moved.url}?ref=main"; flake = false; }};
  outputs = _: {{ }};
}}
"""})
    host = make_host(url=remote.url, submodules=submodules)
    host.env.update({
        "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NIX_CONFIG": "experimental-features = nix-command flakes\n"
                      "sandbox = false\nbuild-users-group =\n"
                      "substituters =\nflake-registry =\n"})
    answer = host.run("update")
    if answer.rc == 0:
        assert answer["pushed"] and len(remote.tip()) == 64
    else:
        assert answer["fail"] == "nix"
        assert "reads no repository with SHA-256 names" in answer["text"]
        assert remote.tip() == rev
    assert host.git("rev-parse", "HEAD") == remote.tip()
    assert host.ok("verify")["sound"]
    assert not host.ok("pull")["repaired"]
