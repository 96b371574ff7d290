"""Signatures and history: what is not trusted never reaches the tree."""

import os

import pytest

from repo_rig import ENV, Host, assert_tree_is, git
from signer import GpgSigner, Signer


def unsigned(remote):
    git("config", "commit.gpgSign", "false", cwd=remote.work)


@pytest.fixture
def ann(tmp_path):
    return Signer(tmp_path, "ann")


@pytest.fixture
def bob(tmp_path):
    return Signer(tmp_path, "bob")


@pytest.fixture
def signers(tmp_path, ann):
    path = tmp_path / "allowed signers"
    path.write_text(ann.line())
    return path


@pytest.fixture
def trusting(make_host, remote, ann, signers):
    """A host that trusts Ann's key and has pulled a commit of hers."""
    ann.config(remote.work)
    remote.commit({"a": "1"})
    host = make_host(signers=signers)
    host.ok("pull")
    return host


def test_ssh_signed(trusting, remote):
    """A good signature passes, also after a clone made anew."""
    rev = remote.commit({"a": "2"})
    assert trusting.ok("pull")["to"] == rev
    assert_tree_is(trusting, rev)
    assert trusting.ok("reset")["cloned"]
    assert not trusting.ok("pull")["changed"]


@pytest.mark.parametrize("how", ["unsigned", "stranger", "wrong_namespace"])
def test_ssh_refused_before_checkout(trusting, remote, ann, bob, how,
                                     tmp_path):
    """No signature, or not by a trusted key: tree and HEAD stay."""
    before = remote.tip()
    if how == "unsigned":
        unsigned(remote)
    elif how == "stranger":
        bob.config(remote.work)
    else:
        # Ann's key, but signed as a file and not as a commit.
        fake = tmp_path / "fake-keygen"
        fake.write_text('#!/bin/sh\nexec ssh-keygen "$1" "$2" -n file '
                        '-f "$6" "$7"\n')
        fake.chmod(0o755)
        git("config", "gpg.ssh.program", str(fake), cwd=remote.work)
    rev = remote.commit({"evil": "x"})
    for op in ("pull", "pull", "reset"):
        answer = trusting.fails("untrusted", op)
        assert rev in answer["text"] and "accept" in answer["text"]
    assert not (trusting.dir / "evil").exists()
    assert_tree_is(trusting, before)
    assert trusting.git("rev-parse", "HEAD") == before
    status = trusting.ok("status")
    assert status["fail"] == "untrusted" and status["refused"] == rev


def test_next_good_revision(trusting, remote, ann):
    """A refused revision does not block the good one that follows."""
    unsigned(remote)
    remote.commit({"a": "bad"})
    trusting.fails("untrusted", "pull")
    ann.config(remote.work)
    rev = remote.commit({"a": "good"})
    assert trusting.ok("pull")["to"] == rev
    assert_tree_is(trusting, rev)
    assert trusting.ok("status")["refused"] == ""


def test_first_clone_is_checked(make_host, remote, signers):
    """Nothing that is not trusted is ever cloned into place."""
    remote.commit({"a": "1"})
    host = make_host(signers=signers)
    host.fails("untrusted", "pull")
    assert not host.dir.exists()
    assert not (host.state / "repo.new").exists()


def test_key_set_changes(trusting, remote, ann, bob, signers):
    """An unchanged commit is checked again when the keys change."""
    signers.write_text(bob.line())
    trusting.fails("untrusted", "pull")
    trusting.fails("untrusted", "ensure")
    assert_tree_is(trusting, remote.tip())
    signers.write_text(bob.line() + ann.line())
    assert not trusting.ok("pull")["changed"]
    signers.unlink()
    trusting.fails("credentials", "pull")


def test_trust_switched_on_later(make_host, remote, signers):
    """A clone from before the keys were configured is checked as well."""
    remote.commit({"a": "1"})
    host = make_host()
    host.ok("pull")
    host.conf["signers"] = signers
    host.fails("untrusted", "pull")


def test_unchanged_trusted_pull_is_one_git(trusting, tmp_path):
    """What passed is not verified at every poll."""
    spy = tmp_path / "spy"
    spy.mkdir()
    log = tmp_path / "calls"
    (spy / "git").write_text(
        f'#!/bin/sh\necho "$1" >>{log}\nexec /usr/bin/git "$@"\n')
    (spy / "git").chmod(0o755)
    trusting.env["PATH"] = f"{spy}:{ENV['PATH']}"
    trusting.ok("pull")
    assert log.read_text().split() == ["fetch"]


def test_accept(trusting, remote):
    """An operator lets in exactly one revision."""
    unsigned(remote)
    first = remote.commit({"a": "bad"})
    trusting.fails("untrusted", "pull")
    trusting.fails("config", "accept", first[:12])
    trusting.fails("config", "accept", "main")
    assert trusting.ok("accept", first)["to"] == first
    assert_tree_is(trusting, first)
    trusting.ok("pull")
    trusting.ok("reset")
    remote.commit({"a": "worse"})
    trusting.fails("untrusted", "pull")
    assert_tree_is(trusting, first)


def test_refused_is_remembered(trusting, remote, ann):
    """Other trouble and a local look do not make a refused tip forgotten."""
    good = remote.tip()
    unsigned(remote)
    rev = remote.commit({"a": "bad"})
    trusting.fails("untrusted", "pull")
    success = trusting.ok("status")["last_success"]
    trusting.ok("ensure")
    status = trusting.ok("status")
    assert (status["fail"], status["refused"]) == ("untrusted", rev)
    assert status["last_success"] == success
    remote.bare.rename(remote.bare.with_name("away"))
    trusting.fails("not_found", "pull")
    status = trusting.ok("status")
    assert (status["fail"], status["refused"]) == ("not_found", rev)
    remote.bare.with_name("away").rename(remote.bare)
    assert trusting.git("rev-parse", "HEAD") == good
    assert trusting.ok("accept", rev)["to"] == rev
    status = trusting.ok("status")
    assert (status["fail"], status["refused"]) == ("none", "")
    # The word is for that one: a child of it needs a signature again.
    worse = remote.commit({"a": "worse"})
    trusting.fails("untrusted", "pull")
    assert trusting.ok("status")["refused"] == worse
    ann.config(remote.work)
    rev = remote.commit({"a": "good"})
    assert trusting.ok("pull")["to"] == rev
    assert trusting.ok("status")["refused"] == ""


def test_keys_come_back(trusting, remote, ann, bob, signers):
    """HEAD is refused and, without a pull, trusted again with its key."""
    rev = remote.tip()
    signers.write_text(bob.line())
    trusting.fails("untrusted", "ensure")
    assert trusting.ok("status")["refused"] == rev
    signers.write_text(ann.line())
    trusting.ok("ensure")
    status = trusting.ok("status")
    assert (status["fail"], status["refused"]) == ("none", "")


def test_accept_is_not_for_others(trusting, remote):
    """A word for another revision does not help the one at the tip."""
    before = remote.tip()
    unsigned(remote)
    remote.commit({"a": "bad"})
    trusting.fails("untrusted", "accept", "0" * 40)
    assert_tree_is(trusting, before)


@pytest.fixture
def gpg(tmp_path):
    """A person with a gpg key; the public half in a file."""
    signer = GpgSigner(tmp_path)
    yield signer
    signer.stop()


def test_gpg(make_host, remote, gpg, ann):
    """gpg keys from a file, without anybody's own keyring."""
    gpg.config(remote.work)
    remote.commit({"a": "1"})
    host = make_host(gpg=gpg.keys)
    host.ok("pull")
    rev = remote.commit({"a": "2"})
    assert host.ok("pull")["to"] == rev
    assert_tree_is(host, rev)
    ann.config(remote.work)
    remote.commit({"a": "by ssh"})
    host.fails("untrusted", "pull")
    unsigned(remote)
    remote.commit({"a": "by nobody"})
    host.fails("untrusted", "pull")
    assert_tree_is(host, rev)
    gpg.keys.write_text("no keys")
    host.fails("credentials", "pull")


def test_gpg_far_down(make_host, remote, gpg):
    """A state directory too deep for gpg's sockets is none for its keys."""
    gpg.config(remote.work)
    rev = remote.commit({"a": "1"})
    near = make_host(gpg=gpg.keys)
    deep = near.state / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True, mode=0o700)
    host = Host(near.tool, deep, **{k: v for k, v in near.conf.items()
                                    if k not in ("dir", "state")})
    assert host.ok("pull")["to"] == rev
    gpg.keys.write_text("no keys")
    host.fails("credentials", "pull")


def test_gpg_is_not_believed_for_ssh(trusting, remote, gpg):
    """With ssh signers alone a gpg signature counts for nothing."""
    gpg.config(remote.work)
    remote.commit({"a": "2"})
    trusting.fails("untrusted", "pull")


def test_both_kinds_of_keys(trusting, remote, gpg):
    """Ssh and gpg keys may be trusted side by side."""
    trusting.conf["gpg"] = gpg.keys
    trusting.ok("pull")
    gpg.config(remote.work)
    rev = remote.commit({"a": "2"})
    assert trusting.ok("pull")["to"] == rev


def rewrite(remote):
    git("reset", "-q", "--hard", "HEAD~1", cwd=remote.work)
    rev = remote.commit({"other": "2"}, push=False)
    remote.push("-f")
    return rev


@pytest.mark.parametrize("op", ["pull", "reset"])
def test_fast_forward_policy(make_host, remote, op):
    """A rewritten branch is refused, again and again, until accepted."""
    remote.commit({"a": "1"})
    good = remote.commit({"a": "2"})
    host = make_host(ff=1)
    host.ok("pull")
    rev = rewrite(remote)
    for _ in range(3):
        answer = host.fails("rewritten", op)
        assert rev in answer["text"]
    assert_tree_is(host, good)
    answer = host.ok("accept", rev)
    assert answer["to"] == rev and answer["forced"]
    assert_tree_is(host, rev)
    newer = remote.commit({"a": "3"})
    assert host.ok("pull")["to"] == newer


def test_fast_forward_policy_and_older_revision(make_host, remote):
    """Going back on the branch is a rewrite, too; going on again is not."""
    old = remote.commit({"a": "1"})
    new = remote.commit({"a": "2"})
    host = make_host(ff=1)
    host.ok("pull")
    git("update-ref", "refs/heads/main", old, cwd=remote.bare)
    host.fails("rewritten", "pull")
    git("update-ref", "refs/heads/main", new, cwd=remote.bare)
    assert not host.ok("pull")["changed"]
    remote.commit({"a": "3"})
    assert host.ok("pull")["changed"]


def test_fast_forward_policy_survives_a_lost_clone(make_host, remote):
    """What was trusted last is known without the clone."""
    import shutil
    remote.commit({"a": "1"})
    remote.commit({"a": "2"})
    host = make_host(ff=1)
    host.ok("pull")
    shutil.rmtree(host.dir)
    rewrite(remote)
    host.fails("rewritten", "pull")
    assert not host.dir.exists()


def test_fast_forward_policy_and_another_branch(make_host, remote):
    """Who configures another branch does not ask for its history."""
    remote.commit({"a": "1"})
    host = make_host(ff=1)
    host.ok("pull")
    git("checkout", "-q", "--orphan", "dev", cwd=remote.work)
    remote.branch = "dev"
    rev = remote.commit({"a": "dev"})
    host.conf["branch"] = "dev"
    assert host.ok("pull")["to"] == rev


def test_planted_gpg_home(trusting, remote, bob):
    """Programs and keys named in the clone have no say."""
    bob.config(remote.work)
    remote.commit({"a": "2"})
    own = trusting.state / "bobs"
    own.write_text(bob.line())
    config = trusting.dir / ".git" / "config"
    config.write_text(config.read_text() + "[gpg]\n\tprogram = true\n"
                      '[gpg "ssh"]\n\tprogram = true\n'
                      f"\tallowedSignersFile = {own}\n")
    trusting.fails("untrusted", "pull")
    assert os.path.exists(own)
