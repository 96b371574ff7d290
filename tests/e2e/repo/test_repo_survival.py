"""Locks, damage, swaps, branches: the clone comes back by itself."""

import os
import pathlib
import shutil

import pytest

from repo_rig import ENV, Remote, assert_tree_is, git


LOCKS = ["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock",
         "shallow.lock", "refs/heads/main.lock", "gc.pid",
         "refs/remotes/origin/main.lock", "objects/maintenance.lock",
         "objects/pack/tmp_pack_x", "objects/pack/tmp_idx_x",
         "objects/pack/pack-1.keep", "objects/tmp_objdir-x/y",
         "objects/aa/tmp_obj_x"]


def test_stale_locks(host, remote):
    """A killed git's locks and left-overs neither block nor cost a clone."""
    inode = os.stat(host.dir).st_ino
    for name in LOCKS:
        p = host.dir / ".git" / name
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text("")
    remote.commit({"a": "1"})
    host.ok("pull")
    assert os.stat(host.dir).st_ino == inode
    for name in LOCKS:
        assert not (host.dir / ".git" / name).exists(), name
    assert_tree_is(host, remote.tip())


def all_objects(d):
    return [p for p in (d / ".git" / "objects").rglob("*") if p.is_file()]


def damage_pack_truncated(d):
    for p in all_objects(d):
        if p.suffix == ".pack":
            p.chmod(0o644)
            os.truncate(p, 20)


def damage_pack_flipped(d):
    for p in all_objects(d):
        if p.suffix == ".pack":
            p.chmod(0o644)
            data = bytearray(p.read_bytes())
            data[len(data) // 2] ^= 0xff
            p.write_bytes(data)


def damage_objects_gone(d):
    for p in all_objects(d):
        p.unlink()


def damage_objects_empty(d):
    for p in all_objects(d):
        p.chmod(0o644)
        os.truncate(p, 0)


def damage_objects_is_file(d):
    shutil.rmtree(d / ".git" / "objects")
    (d / ".git" / "objects").write_text("x")


def damage_git_gone(d):
    shutil.rmtree(d / ".git")


def damage_git_is_file(d):
    shutil.rmtree(d / ".git")
    (d / ".git").write_text("gitdir: /nonexistent\n")


def damage_dir_is_file(d):
    shutil.rmtree(d)
    d.write_text("x")


def damage_dir_is_link(d):
    d.rename(d.parent / "elsewhere")
    d.symlink_to(d.parent / "elsewhere")


def damage_head_empty(d):
    (d / ".git" / "HEAD").write_text("")


def damage_head_gone(d):
    (d / ".git" / "HEAD").unlink()


def damage_refs_empty(d):
    for p in (d / ".git" / "refs").rglob("*"):
        if p.is_file():
            p.write_text("")


def damage_refs_zero(d):
    for p in (d / ".git" / "refs").rglob("*"):
        if p.is_file():
            p.write_text("0" * 40 + "\n")


def damage_refs_gone(d):
    shutil.rmtree(d / ".git" / "refs")


def damage_config_empty(d):
    (d / ".git" / "config").write_text("")


def damage_config_garbage(d):
    (d / ".git" / "config").write_bytes(b"\0\xff[[[")


def damage_index_truncated(d):
    os.truncate(d / ".git" / "index", 30)


DAMAGES = [f for n, f in sorted(globals().items())
           if n.startswith("damage_")]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__[7:])
def test_damage(host, remote, damage, moved):
    """Whatever is broken, one pull gives the exact commit and a sound clone."""
    damage(host.dir)
    if moved:
        remote.commit({"hosts/a/b.nix": "2\n"})
    host.ok("pull")
    assert not host.dir.is_symlink()
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]
    git("fsck", "--full", cwd=host.dir)
    assert not host.ok("pull")["changed"]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__[7:])
def test_damage_without_server(host, remote, damage):
    """Without the server a damaged clone keeps its files."""
    damage(host.dir)
    files = {p: p.read_bytes() for p in host.dir.rglob("*.nix")}
    away = remote.bare.with_name("away")
    remote.bare.rename(away)
    answer = host.run("pull")
    assert answer.rc == 1
    assert {p: p.read_bytes() for p in host.dir.rglob("*.nix")} == files
    away.rename(remote.bare)
    host.ok("pull")
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]


def test_remote_away(host, remote):
    """Tree and HEAD stay, the reason and the last success are known."""
    rev = remote.tip()
    good = host.ok("status")
    remote.bare.rename(remote.bare.with_name("away"))
    answer = host.fails("not_found", "pull")
    assert "remote.git" in answer["text"]
    assert_tree_is(host, rev)
    bad = host.ok("status")
    assert bad["head"] == rev
    assert bad["last_success"] == good["last_success"] > 0
    assert bad["last_failure"] >= bad["last_success"]
    assert bad["fail"] == "not_found" and bad["fail_text"] == answer["text"]
    remote.bare.with_name("away").rename(remote.bare)
    host.ok("pull")
    assert host.ok("status")["fail"] == "none"


def test_first_clone_fails_cleanly(make_host, remote):
    """Nothing is left behind, and the next attempt works."""
    host = make_host(url="file:///nonexistent/x.git")
    host.fails("not_found", "pull")
    assert not host.dir.exists()
    assert not (host.state / "repo.new").exists()
    remote.commit({"a": "1"})
    host.conf["url"] = remote.url
    host.ok("pull")


@pytest.mark.parametrize("left", ["old", "new", "both"])
def test_interrupted_swap(host, remote, left):
    """A start after a crash between the renames finds its way."""
    if left in ("old", "both"):
        host.dir.rename(host.state / "repo.old")
    if left in ("new", "both"):
        (host.state / "repo.new").mkdir()
        (host.state / "repo.new" / "half").write_text("x")
    remote.bare.rename(remote.bare.with_name("away"))
    host.ok("ensure")
    assert_tree_is(host, host.git("rev-parse", "HEAD"))
    assert sorted(p.name for p in host.state.iterdir()) == ["git", "repo"]


def test_reset_clones_anew(host, remote):
    """reset throws the clone away, unless the server is away."""
    inode = os.stat(host.dir).st_ino
    remote.bare.rename(remote.bare.with_name("away"))
    host.fails("not_found", "reset")
    assert os.stat(host.dir).st_ino == inode
    remote.bare.with_name("away").rename(remote.bare)
    assert host.ok("reset")["cloned"]
    assert os.stat(host.dir).st_ino != inode
    assert_tree_is(host, remote.tip())


def test_url_changed(host, remote, tmp_path):
    """Another URL is cloned beside; until that works the old tree stays."""
    (tmp_path / "b").mkdir()
    other = Remote(tmp_path / "b")
    other.commit({"other": "1"})
    old = remote.tip()
    host.conf["url"] = "file:///nonexistent/y.git"
    host.fails("not_found", "ensure")
    assert_tree_is(host, old)
    host.conf["url"] = other.url
    assert host.ok("ensure")["cloned"]
    assert_tree_is(host, other.tip())


@pytest.mark.parametrize("branch", ["dev", "main/sub", "a/b/c", "ünï"])
def test_branch_changed(host, remote, branch):
    """Another branch is fetched, also where names collide as paths."""
    inode = os.stat(host.dir).st_ino
    if branch.startswith("main/"):
        git("update-ref", "-d", "refs/heads/main", cwd=remote.bare)
    remote.branch = branch
    rev = remote.commit({"on": branch})
    host.conf["branch"] = branch
    answer = host.ok("ensure")
    assert answer["to"] == rev and not answer["cloned"]
    assert os.stat(host.dir).st_ino == inode
    assert_tree_is(host, rev)
    assert host.git("symbolic-ref", "HEAD") == f"refs/heads/{branch}"
    assert host.ok("verify")["sound"]


def test_branch_changed_without_server(host, remote):
    """The old tree stays until the other branch could be fetched."""
    rev = remote.tip()
    host.conf["branch"] = "dev"
    host.fails("branch_missing", "ensure")
    assert host.git("rev-parse", "HEAD") == rev
    assert_tree_is(host, rev)
    host.conf["branch"] = "main"
    host.ok("ensure")
    assert_tree_is(host, rev)


def test_branch_deleted(host, remote):
    """A branch that is gone has its own word; the tree stays."""
    rev = remote.tip()
    git("branch", "other", "main", cwd=remote.bare)
    git("update-ref", "-d", "refs/heads/main", cwd=remote.bare)
    host.fails("branch_missing", "pull")
    assert_tree_is(host, rev)
    git("update-ref", "-d", "refs/heads/other", cwd=remote.bare)
    host.fails("empty", "pull")
    host.fails("empty", "check")
    assert_tree_is(host, rev)


def test_branch_renamed(host, remote):
    """The old name is missing until the settings, or the server, follow."""
    rev = remote.tip()
    git("branch", "-m", "main", "trunk", cwd=remote.bare)
    host.fails("branch_missing", "pull")
    assert_tree_is(host, rev)
    host.conf["branch"] = "trunk"
    assert not host.ok("ensure")["cloned"]
    assert host.git("symbolic-ref", "HEAD") == "refs/heads/trunk"
    git("branch", "-m", "trunk", "main", cwd=remote.bare)
    host.conf["branch"] = "main"
    host.ok("ensure")
    assert_tree_is(host, rev)
    assert host.ok("verify")["sound"]


def test_empty_repository(make_host, remote):
    """A repository without a commit is told from a missing branch."""
    host = make_host()
    host.fails("empty", "pull")
    host.fails("empty", "check")
    remote.commit({"a": "1"})
    host.ok("pull")
    host.conf["branch"] = "nope"
    host.fails("branch_missing", "check")


def test_twins(make_host, remote):
    """foo/main and a tag main are not mistaken for the branch main."""
    rev = remote.commit({"a": "main"})
    git("checkout", "-q", "-b", "foo/main", cwd=remote.work)
    remote.branch = "foo/main"
    other = remote.commit({"a": "foo"})
    git("tag", "main", other, cwd=remote.bare)
    host = make_host()
    assert host.ok("pull")["to"] == rev
    assert host.ok("check")["tip"] == rev
    host.ok("pull")
    assert_tree_is(host, rev)
    git("update-ref", "-d", "refs/heads/main", cwd=remote.bare)
    host.fails("branch_missing", "pull")
    host.fails("branch_missing", "check")
    host.fails("branch_missing", "reset")
    assert_tree_is(host, rev)


def test_force_push(host, remote):
    """A rewritten branch is followed and said to be one."""
    remote.commit({"a": "1"})
    host.ok("pull")
    git("reset", "-q", "--hard", "HEAD~1", cwd=remote.work)
    rev = remote.commit({"b": "2"}, push=False)
    remote.push("-f")
    answer = host.ok("pull")
    assert answer["forced"] and answer["to"] == rev
    assert_tree_is(host, rev)


def test_inside_another_repository(make_host, remote, tmp_path):
    """A directory inside a repository never adopts the one around it."""
    git("init", "-q", str(tmp_path))
    remote.commit({"a": "1"})
    host = make_host()
    host.ok("pull")
    shutil.rmtree(host.dir / ".git")
    host.ok("pull")
    assert_tree_is(host, remote.tip())


def test_not_ours(make_host, remote, tmp_path):
    """A person's directory is never taken over."""
    remote.commit({"a": "1"})
    host = make_host()
    host.dir.mkdir(parents=True)
    (host.dir / "thesis").write_text("x")
    host.fails("config", "pull")
    assert (host.dir / "thesis").read_text() == "x"
    shutil.rmtree(host.dir)
    git("clone", "-q", remote.url, str(host.dir))
    (host.dir / "a").write_text("mine")
    host.fails("config", "pull")
    assert (host.dir / "a").read_text() == "mine"


def test_clone_of_the_old_agent(make_host, remote):
    """A private clone that the agent before us made is adopted."""
    remote.commit({"a": "1"})
    host = make_host()
    host.state.mkdir()
    git("clone", "-q", "--branch", "main", "--single-branch", remote.url,
        str(host.dir))
    host.dir.chmod(0o700)
    inode = os.stat(host.dir).st_ino
    remote.commit({"b": "2"})
    host.ok("pull")
    assert os.stat(host.dir).st_ino == inode
    assert_tree_is(host, remote.tip())


def test_mode_is_restored(host):
    """A clone that others may read is closed again."""
    host.dir.chmod(0o755)
    host.ok("pull")
    assert os.lstat(host.dir).st_mode & 0o777 == 0o700


def test_depth(make_host, remote):
    """A shallow clone follows the branch as well."""
    for i in range(5):
        remote.commit({"a": str(i)})
    host = make_host(depth=1)
    host.ok("pull")
    assert host.ok("count", "-", "-")["count"] == 1
    remote.commit({"a": "6"})
    assert host.ok("pull")["changed"]
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]


def test_sha256(make_host, tmp_path):
    """A repository with SHA-256 names works."""
    bare, work = tmp_path / "s.git", tmp_path / "sw"
    git("init", "-q", "--bare", "--object-format=sha256", "-b", "main",
        str(bare))
    git("init", "-q", "--object-format=sha256", "-b", "main", str(work))
    host = make_host(url=f"file://{bare}")
    for i in range(2):
        (work / "f").write_text(str(i))
        git("add", "f", cwd=work)
        git("commit", "-qm", "x", cwd=work)
        git("push", "-q", str(bare), "HEAD:main", cwd=work)
        assert len(host.ok("pull")["to"]) == 64
        assert (host.dir / "f").read_text() == str(i)
        assert host.ok("verify")["sound"]


def test_busy(host, tmp_path):
    """Two at once: the second waits, then says who is in the way."""
    import fcntl
    with open(host.state / "git" / "lock", "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        host.fails("busy", "pull")
    host.ok("pull")


def test_legacy(make_host, remote, tmp_path):
    """A person's checkout is pulled and otherwise left alone."""
    remote.commit({"a": "1"})
    mine = tmp_path / "mine"
    git("clone", "-q", remote.url, str(mine))
    (mine / "untracked").write_text("x")
    host = make_host(legacy=mine)
    remote.commit({"a": "2"})
    assert host.ok("pull")["changed"]
    assert (mine / "a").read_text() == "2"
    (mine / "a").write_text("local change")
    remote.commit({"a": "3"})
    answer = host.fails("legacy", "pull")
    assert "overwritten" in answer["text"] or "local changes" in answer.log
    assert (mine / "a").read_text() == "local change"
    assert (mine / "untracked").exists()
    host.fails("legacy", "reset")


@pytest.mark.parametrize("step", range(0, 12))
def test_killed_worker(host, remote, step):
    """A worker killed at any moment costs nothing but time."""
    remote.commit({f"d/{i}": str(i) * 100 for i in range(50)})
    worker = host.start("pull")
    try:
        worker.wait(timeout=0.003 * step)
    except Exception:
        pass
    worker.kill()
    worker.communicate()
    host.ok("pull")
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]
    assert sorted(p.name for p in pathlib.Path(host.state).iterdir()) == [
        "git", "repo"]


def packs(host):
    return list((host.dir / ".git" / "objects" / "pack").glob("*.pack"))


def test_maintenance(host, remote):
    """Many small packs become one; the next pull finds nothing altered."""
    for i in range(15):
        remote.commit({"a": str(i)})
        host.ok("pull")
    assert len(packs(host)) > 10
    answer = host.ok("maintain")
    assert answer["checked"] and answer["repacked"]
    assert len(packs(host)) == 1
    again = host.ok("maintain")
    assert not again["checked"] and not again["repacked"]
    answer = host.ok("pull")
    assert not answer["repaired"] and not answer["cloned"]
    assert "damaged" not in answer.log
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]


def test_maintenance_does_not_vouch_for_the_tree(host, remote):
    """What was tampered with before is still found by the next pull."""
    for i in range(15):
        remote.commit({"a": str(i)})
        host.ok("pull")
    (host.dir / "a").write_text("evil")
    assert host.ok("maintain")["repacked"]
    assert host.ok("pull")["repaired"]
    assert_tree_is(host, remote.tip())


def test_maintenance_finds_damage(host, remote, tmp_path):
    """A bit that the disk flipped is found and mended by a pull."""
    spy = tmp_path / "spy"
    spy.mkdir()
    # After git wrote it and before the clone was looked at.
    (spy / "git").write_text(f"""#!/bin/sh
/usr/bin/git "$@" || exit
if [ "$1" = read-tree ]; then
    for p in {host.dir}/.git/objects/pack/*.pack; do
        chmod u+w "$p"
        printf x | dd of="$p" bs=1 seek=40 conv=notrunc 2>/dev/null
    done
fi
""")
    (spy / "git").chmod(0o755)
    rev = remote.commit({"a": "1"})
    path, host.env["PATH"] = host.env["PATH"], f"{spy}:{ENV['PATH']}"
    host.ok("pull")
    host.env["PATH"] = path
    answer = host.fails("damaged", "maintain")
    assert "regular check" in answer["text"]
    assert host.ok("status")["fail"] == "damaged"
    assert (host.dir / "a").read_text() == "1"
    assert host.ok("pull")["cloned"]
    assert_tree_is(host, rev)
    assert host.ok("verify")["sound"]
    assert host.ok("status")["fail"] == "none"


def test_maintenance_without_clone(make_host):
    """Nothing there, nothing done."""
    assert make_host().ok("maintain")["skipped"]
