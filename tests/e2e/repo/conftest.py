"""Fixtures of the repository's tests: hosts, remotes and servers."""

from repo_rig import (  # noqa: F401
    git_http,
    host,
    make_host,
    remote,
    sshd,
    tool,
)
