"""Clones that take their objects from this machine first."""

import pytest

from repo_rig import assert_tree_is, git


@pytest.fixture
def big(remote):
    """A remote with some history that is expensive to send."""
    import random
    rng = random.Random(1)
    for i in range(3):
        remote.commit({f"blob{i}": rng.randbytes(200000)})
    return remote


@pytest.fixture(params=["bundle", "bare", "checkout"])
def seed(request, big, tmp_path):
    """The same history as a file, a bare repository, a checkout."""
    path = tmp_path / "seed of nixfleet"
    if request.param == "bundle":
        git("bundle", "create", str(path), "main", cwd=big.bare)
    elif request.param == "bare":
        git("clone", "-q", "--bare", big.url, str(path))
    else:
        git("clone", "-q", big.url, str(path))
    return path


def test_seed_saves_the_transfer(big, seed, make_host, git_http):
    """Only what the seed lacks comes over the network."""
    rev = big.commit({"small": "1"})
    server = git_http()
    plain = make_host(url=server.url("remote.git"))
    plain.ok("pull")
    cost = server.bytes
    seeded = make_host(url=server.url("remote.git"), seed=seed)
    answer = seeded.ok("pull")
    assert "took branch main from the seed" in answer.log
    assert server.bytes - cost < cost / 20
    assert_tree_is(seeded, rev)
    assert seeded.ok("verify")["sound"]
    assert not (seeded.dir / ".git/objects/info/alternates").exists()
    assert not seeded.ok("pull")["changed"]


def test_seed_that_is_useless(big, make_host, tmp_path):
    """A seed that is missing, broken or of something else costs nothing."""
    broken = tmp_path / "broken"
    for content in (None, b"", b"# v2 git bundle\n" + b"0" * 40 + b" x\n"):
        if content is not None:
            broken.write_bytes(content)
        host = make_host(seed=broken)
        answer = host.ok("pull")
        assert "the seed is of no use" in answer.log
        assert_tree_is(host, big.tip())
        assert host.ok("verify")["sound"]


def test_seed_is_no_remote(big, seed, make_host):
    """Without the server there is no clone: a seed may be old."""
    host = make_host(url="file:///nonexistent/x.git", seed=seed)
    host.fails("not_found", "pull")
    assert not host.dir.exists()


def test_seed_of_a_rewritten_branch(big, seed, make_host):
    """What the seed has beyond the branch does not stay."""
    git("reset", "-q", "--hard", "HEAD~1", cwd=big.work)
    rev = big.commit({"other": "1"}, push=False)
    big.push("-f")
    host = make_host(seed=seed)
    assert host.ok("pull")["to"] == rev
    assert_tree_is(host, rev)


@pytest.mark.parametrize("subdir", ["/abs", "../up", "a/../b", ".git/x",
                                    "a//b", "-x", "."])
def test_bad_subdir(make_host, subdir):
    """A directory that could be elsewhere is refused."""
    make_host(subdir=subdir).fails("config", "pull")


def test_depth_of_a_growing_branch(make_host, remote):
    """A shallow clone keeps following; a seed does not undo the depth."""
    for i in range(5):
        remote.commit({"a": str(i)})
    host = make_host(depth=2, seed=remote.bare)
    host.ok("pull")
    assert host.ok("count", "-", "-")["count"] == 2
