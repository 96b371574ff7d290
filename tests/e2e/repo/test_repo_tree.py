"""The tree is the commit, whatever happened to it meanwhile."""

import os
import pathlib

import pytest

from repo_rig import ENV, assert_tree_is, git


def test_first_pull_clones(host, remote):
    """The clone appears where it belongs, for us alone."""
    assert_tree_is(host, remote.tip())
    assert os.lstat(host.dir).st_mode & 0o777 == 0o700
    assert not (host.state / "repo.new").exists()
    assert not (host.state / "repo.old").exists()
    assert host.ok("verify")["sound"]


def test_pull_follows(host, remote):
    """Added, changed, removed, renamed and executable files all arrive."""
    before = remote.tip()
    remote.commit({"hosts/a/b.nix": None, "hosts/a": "now a file\n",
                   "new/deep/file": b"\0\xff\n", "flake.nix": "{ x = 1; }\n"})
    remote.commit({"run.sh": "#!/bin/sh\n"}, mode=0o755)
    os.symlink("../../etc/passwd", remote.work / "link")
    rev = remote.commit({})
    answer = host.ok("pull")
    assert answer["changed"] and answer["from"] == before
    assert answer["to"] == rev and not answer["forced"]
    assert_tree_is(host, rev)


def test_unchanged_pull_is_one_git(host, tmp_path):
    """An unchanged branch costs one child and writes nothing."""
    spy = tmp_path / "spy"
    spy.mkdir()
    log = tmp_path / "calls"
    (spy / "git").write_text(
        f'#!/bin/sh\necho "$1" >>{log}\nexec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    host.env["PATH"] = f"{spy}:{ENV['PATH']}"

    def listing():
        return {p: os.lstat(p).st_ctime_ns
                for p in pathlib.Path(host.state).rglob("*")
                if p.name not in ("success", "lock")}

    before = listing()
    answer = host.ok("pull")
    assert not answer["changed"] and not answer["repaired"]
    assert log.read_text().split() == ["fetch"]
    assert listing() == before


def test_changed_pull_is_two_gits(host, remote, tmp_path):
    """A changed branch costs a fetch and a reset."""
    spy = tmp_path / "spy"
    spy.mkdir()
    log = tmp_path / "calls"
    (spy / "git").write_text(
        f'#!/bin/sh\necho "$1" >>{log}\nexec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    remote.commit({"flake.nix": "{ y = 1; }\n"})
    host.env["PATH"] = f"{spy}:{ENV['PATH']}"
    assert host.ok("pull")["changed"]
    assert log.read_text().split() == ["fetch", "read-tree"]
    assert_tree_is(host, remote.tip())


def tamper_content(d):
    (d / "flake.nix").write_text("{ e = 1; }\n")


def tamper_same_size_and_time(d):
    st = os.stat(d / "flake.nix")
    with open(d / "flake.nix", "r+b") as f:
        f.write(b"[")
    os.utime(d / "flake.nix", ns=(st.st_atime_ns, st.st_mtime_ns))


def tamper_skip_worktree(d):
    git("update-index", "--skip-worktree", "flake.nix", cwd=d)
    (d / "flake.nix").write_text("evil")


def tamper_assume_unchanged(d):
    git("update-index", "--assume-unchanged", "flake.nix", cwd=d)
    (d / "flake.nix").write_text("evil")


def tamper_ignored(d):
    (d / "evil.ignored").write_text("x")
    (d / "result").symlink_to("/etc")


def tamper_nested_repository(d):
    git("init", "-q", str(d / "nested"))
    (d / "nested" / "file").write_text("x")


def tamper_modes(d):
    (d / "flake.nix").chmod(0o4777)
    (d / "hosts").chmod(0o000)


def tamper_removed(d):
    (d / "hosts" / "a" / "b.nix").unlink()
    (d / "hosts" / "a").rmdir()


def tamper_kinds(d):
    (d / "flake.nix").unlink()
    (d / "flake.nix").mkdir()
    (d / "flake.nix" / "x").write_text("x")
    os.mkfifo(d / "pipe")


def tamper_symlinked_parent(d):
    import shutil
    shutil.move(d / "hosts", d.parent / "outside")
    (d / "hosts").symlink_to(d.parent / "outside")


def tamper_hard_link(d):
    os.link(d / "flake.nix", d.parent / "outside-link")
    (d.parent / "outside-link").write_text("evil")


def tamper_empty_directory(d):
    (d / "empty").mkdir()


def tamper_index_gone(d):
    (d / ".git" / "index").unlink()


def tamper_index_garbage(d):
    (d / ".git" / "index").write_bytes(b"DIRC garbage")


def tamper_commit(d):
    (d / "flake.nix").write_text("mine")
    git("commit", "-qam", "local", cwd=d)


TAMPERS = [f for n, f in sorted(globals().items())
           if n.startswith("tamper_")]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda f: f.__name__[7:])
def test_tampered_tree(host, remote, tamper, moved):
    """After a pull the tree is the commit, also if the branch stood still."""
    tamper(host.dir)
    if moved:
        remote.commit({"flake.nix": "{ z = 2; }\n"})
    answer = host.ok("pull")
    assert answer["repaired"]
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]
    again = host.ok("pull")
    assert not again["repaired"] and not again["changed"]


def test_ensure_repairs_without_server(host, remote):
    """What can be repaired from the clone needs no network."""
    rev = remote.tip()
    tamper_content(host.dir)
    remote.bare.rename(remote.bare.with_name("away"))
    assert host.ok("ensure")["repaired"]
    assert_tree_is(host, rev)


def test_verify_sees(host):
    """verify names what differs and changes nothing."""
    tamper_same_size_and_time(host.dir)
    (host.dir / "extra").write_text("x")
    answer = host.ok("verify")
    assert not answer["sound"] and answer["problems"] == 2
    assert "flake.nix: differs" in answer["text"]
    assert "extra: is not in the commit" in answer["text"]
    assert (host.dir / "extra").exists()


def test_attributes_do_not_convert(make_host, remote):
    """Line endings, keywords and filters of the commit are not applied."""
    raw = remote.work / ".git" / "info" / "attributes"
    raw.parent.mkdir(exist_ok=True)
    raw.write_text("* -text -ident -filter !working-tree-encoding\n")
    files = {"a": b"one\n$Id$\n", "b": b"one\r\ntwo\r\n", "utf16": b"plain\n"}
    remote.commit({".gitattributes":
                   "* text eol=crlf ident filter=lfs\n"
                   "utf16 working-tree-encoding=UTF-16\n", **files})
    host = make_host()
    host.ok("pull")
    assert {n: (host.dir / n).read_bytes() for n in files} == files
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]


def test_odd_paths(make_host, remote):
    """Line breaks, blanks, options and bytes that are no UTF-8 in names."""
    remote.commit({"-rf": "1", "a b\nc": "2", "ä/ö": "3", ".gitx": "4"})
    with open(os.path.join(os.fsencode(remote.work), b"\xff\xfe"), "w") as f:
        f.write("5")
    rev = remote.commit({})
    host = make_host()
    host.ok("pull")
    assert_tree_is(host, rev)
    assert host.ok("verify")["sound"]


def test_case_twins(host, remote):
    """Names that differ in case alone are two files, also when one goes."""
    remote.commit({"Twin": "1", "twin": "2", "Dir/f": "3", "dir/f": "4"})
    host.ok("pull")
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]
    remote.commit({"Twin": None, "dir/f": "5"})
    host.ok("pull")
    assert_tree_is(host, remote.tip())


def test_submodule_stays_empty(make_host, remote, tmp_path):
    """A submodule is not fetched; its directory is there and empty."""
    remote.commit({"a": "1"})
    git("update-index", "--add", "--cacheinfo",
        f"160000,{remote.tip()},sub", cwd=remote.work)
    git("commit", "-qm", "sub", cwd=remote.work)
    remote.push()
    host = make_host()
    host.ok("pull")
    assert list((host.dir / "sub").iterdir()) == []
    assert host.ok("verify")["sound"]
    assert not host.ok("pull")["changed"]


def test_lfs_pointers_are_named(make_host, remote):
    """Git LFS is not fetched, and that is said, not hidden."""
    pointer = ("version https://git-lfs.github.com/spec/v1\n"
               "oid sha256:" + "0" * 64 + "\nsize 5\n")
    remote.commit({"a": "1"})
    host = make_host()
    host.ok("pull")
    assert not host.ok("status")["lfs"]
    remote.commit({".gitattributes": "*.bin filter=lfs diff=lfs -text\n",
                   "x.bin": pointer})
    answer = host.ok("pull")
    assert "Git LFS" in answer.log
    assert (host.dir / "x.bin").read_text() == pointer
    assert host.ok("status")["lfs"]


def test_history(host, remote):
    """What the hub's mirror asks: commits, how many, a file as of then."""
    first = remote.tip()
    remote.commit({"flake.lock": "one"}, message="lock one\n\nbody")
    last = remote.commit({"flake.lock": "two"}, message="zweiter ö")
    host.ok("pull")
    log = host.ok("log", first, "-")["list"]
    assert [c["subject"] for c in log] == ["zweiter ö", "lock one"]
    assert log[0]["rev"] == last and log[0]["author"] == "Ann"
    assert log[0]["email"] == "ann@example.org"
    assert host.ok("count", first, last)["count"] == 2
    assert host.ok("count", last, first)["count"] == 0
    assert host.ok("show", last, "flake.lock").raw == "two"
    assert host.ok("show", f"{log[1]['rev']}", "flake.lock").raw == "one"
    assert host.run("show", first, "flake.lock")["code"] == "not_found"
    assert host.run("count", "0" * 40, last)["code"] == "not_found"
    assert host.run("log", "--all", "-")["code"] == "input"


def test_files_named_like_revisions(host, remote):
    """Git is never in doubt whether a word is a revision or a file."""
    old = remote.tip()
    names = ["HEAD", "FETCH_HEAD", "main", "origin/main", "refs/heads/main",
             "-f", "@", old]
    rev = remote.commit({name: name for name in names})
    assert host.ok("pull")["to"] == rev
    assert_tree_is(host, rev)
    (host.dir / "untracked").write_text(rev)
    (host.dir / rev).write_text("a file named like the tip")
    assert host.ok("pull")["repaired"]
    assert_tree_is(host, rev)
    git("update-ref", "refs/heads/main", old, cwd=remote.bare)
    assert host.ok("pull")["forced"]
    assert_tree_is(host, old)
    assert host.ok("count", old, "-")["count"] == 0
    assert host.ok("verify")["sound"]


@pytest.mark.parametrize("where", ["branch", "tracking", "both", "HEAD"])
def test_revision_moved_behind_our_back(host, remote, where):
    """References that name another commit are no news of the server."""
    old = remote.tip()
    new = remote.commit({"flake.nix": "{ n = 2; }\n"})
    host.ok("pull")
    refs = host.dir / ".git" / "refs"
    if where in ("branch", "both"):
        (refs / "heads" / "main").write_text(old + "\n")
    if where in ("tracking", "both"):
        (refs / "remotes" / "origin" / "main").write_text(old + "\n")
    if where == "HEAD":
        (host.dir / ".git" / "HEAD").write_text(old + "\n")
    assert host.ok("pull")["to"] == new
    assert_tree_is(host, new)
    assert host.git("rev-parse", "HEAD") == new
    assert host.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert not host.ok("pull")["changed"]


def test_half_a_repository(make_host, remote):
    """What "git init" alone leaves, with a HEAD that leads nowhere."""
    rev = remote.commit({"a": "1"})
    host = make_host()
    host.dir.mkdir(parents=True, mode=0o700)
    git("init", "-q", cwd=host.dir)
    (host.dir / ".git" / "HEAD").write_text("ref: refs/heads/nowhere\n")
    (host.dir / "left").write_text("over")
    host.ok("pull")
    assert_tree_is(host, rev)
    assert host.ok("verify")["sound"]
