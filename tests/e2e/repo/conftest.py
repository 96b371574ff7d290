"""Fixtures: a remote to push to, a host that pulls, servers in between."""

import os
import pathlib

import pytest

from repolib import TOP, GitHttp, Host, Remote, Sshd


@pytest.fixture(scope="session")
def tool():
    """The program that drives the library."""
    if "NIXFLEET_REPO_TOOL" in os.environ:
        path = pathlib.Path(os.environ["NIXFLEET_REPO_TOOL"])
    else:
        bin_dir = TOP / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")
        found = list(bin_dir.parent.glob("**/tests/unit/repo/repo_tool"))
        assert found, f"no repo_tool beside {bin_dir}"
        path = found[0]
    return path.resolve()


@pytest.fixture
def remote(tmp_path):
    return Remote(tmp_path)


@pytest.fixture
def make_host(tool, tmp_path, remote):
    """A factory of hosts that follow the remote."""
    made = []

    def make(**conf):
        host = Host(tool, tmp_path / f"host{len(made)}",
                    **{"url": remote.url, **conf})
        made.append(host)
        return host

    return make


@pytest.fixture
def host(make_host, remote):
    """A host that has pulled a first commit."""
    remote.commit({"flake.nix": "{ }\n", "hosts/a/b.nix": "1\n",
                   ".gitignore": "*.ignored\nresult\n"})
    host = make_host()
    host.ok("pull")
    return host


@pytest.fixture
def sshd(tmp_path):
    server = Sshd(tmp_path / "sshd")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def git_http(tmp_path):
    made = []

    def make(token=None):
        server = GitHttp(tmp_path, token)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
