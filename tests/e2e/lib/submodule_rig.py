"""Submodules in a remote, and what a tree must hold with them."""

import os
import subprocess

from repo_rig import ENV, git


def link(remote, path, rev, url, name=None, push=True):
    """Put a submodule into the remote's next commit, without asking git."""
    name = name or path
    text = f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n'
    modules = remote.work / ".gitmodules"
    before = modules.read_text() if modules.exists() else ""
    modules.write_text(before + text)
    git("add", ".gitmodules", cwd=remote.work)
    git("update-index", "--add", "--cacheinfo", f"160000,{rev},{path}",
        cwd=remote.work)
    # "git add -A" takes a submodule without a directory for a deleted one.
    (remote.work / path).mkdir(parents=True, exist_ok=True)
    git("commit", "-qm", f"submodule {path}", cwd=remote.work)
    if push:
        remote.push()
    return remote.head()


def move(remote, path, rev):
    """The submodule's commit is another one from now on."""
    git("update-index", "--cacheinfo", f"160000,{rev},{path}",
        cwd=remote.work)
    git("commit", "-qm", f"move {path}", cwd=remote.work)
    remote.push()
    return remote.head()


def wanted(bare, rev, top=b""):
    """{path: (mode, bytes)} of a commit, without what is in submodules."""
    want = {}
    for line in subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(bare), "ls-tree",
             "-r", "-z", "--full-tree", rev], env=ENV, check=True,
            stdout=subprocess.PIPE).stdout.split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        mode, kind, blob = meta.split(b" ")
        if kind == b"commit":
            continue
        want[top + path] = (mode, subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(bare), "cat-file",
             "blob", blob.decode()], env=ENV, check=True,
            stdout=subprocess.PIPE).stdout)
    return want


def found(top):
    have = {}
    top = os.fsencode(top)
    for here, dirs, files in os.walk(top):
        if here == top and b".git" in dirs:
            dirs.remove(b".git")
        for name in files + [d for d in dirs
                             if os.path.islink(os.path.join(here, d))]:
            path = os.path.join(here, name)
            if os.path.islink(path):
                what = (b"120000", os.readlink(path))
            else:
                mode = os.lstat(path).st_mode & 0o100
                with open(path, "rb") as f:
                    what = (b"100755" if mode else b"100644", f.read())
            have[os.path.relpath(path, top)] = what
    return have
