"""Every known way to make git run or fetch something else from its own
directory, one row each, with the git that is installed."""

import contextlib
import os
import shutil
import subprocess
import types

import pytest

from fleet import wait_for
from repo_rig import (ENV, Remote, assert_tree_is, free_port, git, listening,
                      wait_port)

NIX_CONFIG = ("experimental-features = nix-command flakes\nsandbox = false\n"
              "build-users-group =\nsubstituters =\nflake-registry =\n")


class Plant:
    """What a row puts into a clone: a trap that leaves a mark when it runs,
    and a decoy that must be neither read nor written."""

    def __init__(self, top, clone, remote, decoy):
        self.clone, self.git, self.remote = clone, clone / ".git", remote
        self.dir = top / "planted"
        self.mark = top / "sprung"
        self.trap = self.dir / "trap"
        self.decoy = decoy.bare
        self.decoy_rev = self.decoy_refs()["refs/heads/main"]
        self.server = None
        self.arm()
        self.words = {"t": self.trap, "d": self.dir, "u": remote.url,
                      "y": self.decoy, "g": self.git}

    def arm(self):
        self.dir.mkdir()
        self.trap.write_text(f"#!/bin/sh\ntouch {self.mark}\nexit 1\n")
        self.trap.chmod(0o755)
        for name in ("post-checkout", "reference-transaction",
                     "pre-auto-gc"):
            (self.dir / name).symlink_to(self.trap)
        (self.dir / "attrs").write_text("* filter=x\n")
        (self.dir / "cookies").write_text(
            "127.0.0.1\tFALSE\t/\tFALSE\t0\tevil\tyes\n")

    def decoy_refs(self):
        top = self.decoy / "refs"
        return {str(q.relative_to(self.decoy)): q.read_text().strip()
                for q in top.rglob("*") if q.is_file()}

    def config(self, text, name="config"):
        path = self.git / name
        old = path.read_text() if path.exists() else ""
        path.write_text(old + text.format(**self.words))

    def file(self, name, text):
        """A file in .git, whatever was there."""
        path = self.git / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text.format(**self.words))

    def link(self, name):
        """A link in .git to where that part of it was moved."""
        path, to = self.git / name, self.dir / name
        if path.is_symlink():
            return
        shutil.rmtree(to, ignore_errors=True)
        if path.exists():
            path.rename(to)
        path.symlink_to(to)

    def fifo(self, name):
        path = self.git / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)


def config(text, via="file", bite=None, attributes=None):
    """A row that adds to .git/config (and names filters for every file)."""
    def plant(p):
        p.config(text)
        if attributes:
            p.file("info/attributes", attributes)
    return plant, via, bite


def file(name, text, **more):
    return lambda p: p.file(name, text), more.get("via", "file"), \
        more.get("bite")


def hooks(p):
    (p.git / "hooks").mkdir(exist_ok=True)
    for name in ("applypatch-msg", "post-checkout", "post-commit",
                 "post-index-change", "post-merge", "post-rewrite",
                 "pre-auto-gc", "pre-commit", "prepare-commit-msg",
                 "commit-msg", "pre-push", "pre-rebase",
                 "reference-transaction", "fsmonitor-watchman",
                 "post-update", "proc-receive", "push-to-checkout",
                 "update"):
        hook = p.git / "hooks" / name
        hook.unlink(missing_ok=True)
        hook.symlink_to(p.trap)
    p.config("[core]\n\thooksPath = {g}/hooks\n")


def elsewhere(p):
    """A repository of somebody else, whose configuration bites."""
    other = p.dir / "other.git"
    shutil.rmtree(other, ignore_errors=True)
    git("clone", "-q", "--bare", str(p.decoy), str(other))
    with open(other / "config", "a") as f:
        f.write(f"[core]\n\tfsmonitor = {p.trap}\n\thooksPath = {p.dir}\n")
    return other


def git_file(p):
    if p.git.is_file():
        return
    other = elsewhere(p)
    shutil.rmtree(p.git)
    p.git.write_text(f"gitdir: {other}\n")


def git_link(p):
    if p.git.is_symlink():
        return
    other = elsewhere(p)
    shutil.rmtree(p.git)
    p.git.symlink_to(other)


def partial(p):
    """A missing object is fetched from where the configuration says."""
    p.config('[core]\n\trepositoryformatversion = 1\n'
             '[extensions]\n\tpartialClone = origin\n'
             '[remote "origin"]\n\tpromisor = true\n'
             '\tpartialclonefilter = blob:none\n\tuploadpack = {t}\n'
             '[protocol]\n\tallow = always\n')
    for pack in (p.git / "objects" / "pack").glob("*.pack"):
        pack.with_suffix(".promisor").touch()


def replace_ref(p):
    git("--no-replace-objects", "fetch", "-q", str(p.decoy), "main",
        cwd=p.clone)
    p.file(f"refs/replace/{p.remote.tip()}", p.decoy_rev + "\n")


def index_flags(p):
    """Files that git is told not to look at any more."""
    git("update-index", "--skip-worktree", "flake.nix", cwd=p.clone)
    git("update-index", "--assume-unchanged", ".gitignore", cwd=p.clone)
    (p.clone / "flake.nix").write_text("evil")


def index_split(p):
    git("update-index", "--split-index", cwd=p.clone, check=False)


def index_fsmonitor(p):
    """The index says that nothing changed since the monitor's token."""
    git("config", "core.fsmonitor", "true", cwd=p.clone)
    git("update-index", "--untracked-cache", "--force-untracked-cache",
        cwd=p.clone)
    git("config", "core.fsmonitor", str(p.trap), cwd=p.clone)


def worktree_dir(p):
    other = p.git / "worktrees" / "x"
    other.mkdir(parents=True, exist_ok=True)
    (other / "gitdir").write_text(f"{p.dir}/.git\n")
    (other / "commondir").write_text("../..\n")
    (other / "HEAD").write_text(p.decoy_rev + "\n")


def modules_dir(p):
    other = p.git / "modules"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(elsewhere(p), other / "x")


def tree_attributes(p):
    (p.clone / ".gitattributes").write_text("* filter=x text eol=crlf\n")
    p.config('[filter "x"]\n\tsmudge = {t}\n\tclean = {t}\n')


def more_config(name, section):
    """A file that another one includes."""
    def plant(p):
        (p.dir / "more").write_text(
            f"[core]\n\tfsmonitor = {p.trap}\n\thooksPath = {p.dir}\n")
        p.config(section.replace("PATH", str(p.dir / "more")), name)
    return plant, "file", ("status",)


ALL = "* filter=x diff=x merge=x\n"
PATH = "[core]\n\t{} = {{t}}\n"
SPEC = '[remote "origin"]\n\t'

ROWS = {
    # programs that core.* names
    "core.fsmonitor": config(PATH.format("fsmonitor"), bite=("status",)),
    "core.hooksPath": config("[core]\n\thooksPath = {d}\n",
                             bite=("checkout", "-f")),
    "core.sshCommand": config(PATH.format("sshCommand"), via="ssh",
                              bite=("fetch",)),
    "core.gitProxy": config(PATH.format("gitProxy"), via="git",
                            bite=("fetch",)),
    "core.askPass": config(PATH.format("askPass"), via="http",
                           bite=("fetch",)),
    "core.pager": config(PATH.format("pager") + "[pager]\n\tlog = {t}\n"),
    "core.editor": config(PATH.format("editor"),
                          bite=("commit", "--allow-empty")),
    "core.alternateRefsCommand": config(
        PATH.format("alternateRefsCommand")),
    "sequence.editor": config("[sequence]\n\teditor = {t}\n"),
    # where core.* makes git look
    "core.worktree": config("[core]\n\tworktree = {d}\n"),
    "core.bare": config("[core]\n\tbare = true\n"),
    "core.attributesFile": config("[core]\n\tattributesFile = {d}/attrs\n"
                                  '[filter "x"]\n\tsmudge = {t}\n'),
    "core.excludesFile": config("[core]\n\texcludesFile = {d}/attrs\n"),
    "core.sparseCheckout": config("[core]\n\tsparseCheckout = true\n"
                                  "\tsparseCheckoutCone = false\n"),
    "core.bytes": config("[core]\n\tautocrlf = true\n\teol = crlf\n"
                         "\tsymlinks = false\n\tfileMode = false\n"),
    # filters and drivers
    "filter.smudge": config('[filter "x"]\n\tsmudge = {t}\n\tclean = {t}\n',
                            attributes=ALL, bite=("add", "-A")),
    "filter.process": config('[filter "x"]\n\tprocess = {t}\n'
                             "\trequired = true\n", attributes=ALL,
                             bite=("add", "-A")),
    "merge.driver": config('[merge "x"]\n\tdriver = {t}\n', attributes=ALL),
    "diff.external": config("[diff]\n\texternal = {t}\n",
                            bite=("diff", "HEAD")),
    "diff.command": config('[diff "x"]\n\tcommand = {t}\n', attributes=ALL,
                           bite=("diff", "HEAD")),
    "diff.textconv": config('[diff "x"]\n\ttextconv = {t}\n',
                            attributes=ALL, bite=("diff", "HEAD")),
    "interactive.diffFilter": config("[interactive]\n\tdiffFilter = {t}\n"),
    # signatures
    "gpg.program": config("[gpg]\n\tprogram = {t}\n[commit]\n"
                          "\tgpgSign = true\n[log]\n\tshowSignature = true\n",
                          bite=("commit", "--allow-empty", "-m", "x")),
    "gpg.ssh.program": config("[gpg]\n\tformat = ssh\n"
                              '[gpg "ssh"]\n\tprogram = {t}\n[commit]\n'
                              "\tgpgSign = true\n[user]\n"
                              "\tsigningKey = {t}\n",
                              bite=("commit", "--allow-empty", "-m", "x")),
    "gpg.ssh.defaultKeyCommand": config(
        '[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tdefaultKeyCommand = {t}\n'
        "[commit]\n\tgpgSign = true\n",
        bite=("commit", "--allow-empty", "-m", "x")),
    "gpg.x509.program": config("[gpg]\n\tformat = x509\n"
                               '[gpg "x509"]\n\tprogram = {t}\n[commit]\n'
                               "\tgpgSign = true\n",
                               bite=("commit", "--allow-empty", "-m", "x")),
    "push.gpgSign": config("[push]\n\tgpgSign = true\n"),
    # credentials
    "credential.helper": config("[credential]\n\thelper = !{t}\n",
                                via="http", bite=("fetch",)),
    "credential.url.helper": config(
        '[credential "http://127.0.0.1"]\n\thelper = !{t}\n'
        '[credential]\n\thelper = {t}\n', via="http", bite=("fetch",)),
    # other files of configuration
    "include.path": more_config("config", "[include]\n\tpath = PATH\n"),
    "includeIf.gitdir": more_config(
        "config", '[includeIf "gitdir:**"]\n\tpath = PATH\n'),
    "includeIf.onbranch": more_config(
        "config", '[includeIf "onbranch:main"]\n\tpath = PATH\n'),
    "includeIf.hasconfig": more_config(
        "config",
        '[includeIf "hasconfig:remote.*.url:file://**"]\n\tpath = PATH\n'),
    "extensions.worktreeConfig": (
        lambda p: (p.config("[extensions]\n\tworktreeConfig = true\n"),
                   p.config(PATH.format("fsmonitor"), "config.worktree")),
        "file", ("status",)),
    # where a fetch and a push go
    "url.insteadOf": config('[url "file://{y}"]\n\tinsteadOf = {u}\n'),
    "url.insteadOf.ext": config('[url "ext::{t} "]\n\tinsteadOf = file://\n'
                                '[protocol "ext"]\n\tallow = always\n',
                                bite=("fetch",)),
    "url.pushInsteadOf": config('[url "file://{y}"]\n'
                                "\tpushInsteadOf = {u}\n"),
    "remote.url": config(SPEC + "url = file://{y}\n"),
    "remote.pushurl": config(SPEC + "pushurl = file://{y}\n"),
    "remote.uploadpack": config(SPEC + "uploadpack = {t}\n",
                                bite=("fetch",)),
    "remote.receivepack": config(SPEC + "receivepack = {t}\n",
                                 bite=("push", "origin", "HEAD:x")),
    "remote.vcs": config(SPEC + "vcs = ext\n\turl = ext::{t}\n"
                         '[protocol "ext"]\n\tallow = always\n'),
    "remote.proxy": config(SPEC + "proxy = {p}\n", via="http"),
    "remote.fetch": config(SPEC + "fetch = +refs/*:refs/*\n\tprune = true\n"
                           "\tmirror = true\n\ttagOpt = --tags\n"),
    "remote.pushDefault": config('[remote "decoy"]\n\turl = file://{y}\n'
                                 "[remote]\n\tpushDefault = decoy\n"),
    "branch.remote": config('[remote "decoy"]\n\turl = file://{y}\n'
                            '[branch "main"]\n\tremote = decoy\n'
                            "\tpushRemote = decoy\n\tmerge = refs/heads/x\n"),
    "remotes-file": file("remotes/origin", "URL: file://{y}\n"
                         "Pull: refs/heads/main\n"),
    "branches-file": file("branches/origin", "file://{y}\n"),
    "protocol.allow": config("[protocol]\n\tallow = always\n" + SPEC +
                             "url = ext::{t}\n"),
    # http
    "http.proxy": config("[http]\n\tproxy = {p}\n", via="http"),
    "http.sslVerify": config("[http]\n\tsslVerify = false\n"
                             "\tsslCAInfo = {t}\n", via="http"),
    "http.extraHeader": config("[http]\n\textraHeader = X-Evil: yes\n",
                               via="http"),
    "http.cookieFile": config("[http]\n\tcookieFile = {d}/cookies\n"
                              "\tsaveCookies = true\n", via="http"),
    "http.userAgent": config("[http]\n\tuserAgent = X-Evil\n", via="http"),
    # objects from elsewhere, and other views of them
    "alternates": file("objects/info/alternates", "{y}/objects\n"),
    "http-alternates": file("objects/info/http-alternates",
                            "http://127.0.0.1:1/objects\n"),
    "commit-graph": file("objects/info/commit-graph", "CGPH nonsense"),
    "multi-pack-index": file("objects/pack/multi-pack-index", "MIDX"),
    "pack.keep": (lambda p: [q.with_suffix(".keep").touch() for q in
                             (p.git / "objects/pack").glob("*.pack")],
                  "file", None),
    "grafts": (lambda p: p.file("info/grafts", p.remote.tip() + "\n"),
               "file", None),
    "shallow": (lambda p: p.file("shallow", p.remote.tip() + "\n"), "file",
                None),
    "shallow-nonsense": file("shallow", "nonsense\n"),
    "refs/replace": (replace_ref, "file", None),
    "partial-clone": (partial, "file", ("cat-file", "-t", "1" * 40)),
    "uploadpack.packObjectsHook": config(
        "[uploadpack]\n\tpackObjectsHook = {t}\n"),
    # the inside of .git
    "hooks": (hooks, "file", ("checkout", "-f")),
    "info/attributes": (
        lambda p: (p.file("info/attributes", "* text eol=crlf ident\n"),
                   p.config("[core]\n\teol = crlf\n")), "file", None),
    "info/sparse-checkout": file("info/sparse-checkout", "/nothing\n"),
    "info/exclude": file("info/exclude", "*\n"),
    "commondir": (lambda p: p.file("commondir", str(elsewhere(p)) + "\n"),
                  "file", None),
    "gitdir": file("gitdir", "{d}/.git\n"),
    "git-is-a-file": (git_file, "file", None),
    "git-is-a-link": (git_link, "file", None),
    "config-is-a-link": (lambda p: p.link("config"),
                         "file", None),
    "objects-is-a-link": (lambda p: p.link("objects"),
                          "file", None),
    "refs-is-a-link": (lambda p: p.link("refs"), "file",
                       None),
    "index-is-a-link": (lambda p: p.link("index"), "file",
                        None),
    "HEAD-is-a-fifo": (lambda p: p.fifo("HEAD"), "file", None),
    "config-is-a-fifo": (lambda p: p.fifo("config"), "file", None),
    "index-is-a-fifo": (lambda p: p.fifo("index"), "file", None),
    "packed-refs-is-a-fifo": (lambda p: p.fifo("packed-refs"), "file",
                              None),
    "HEAD-elsewhere": file("HEAD", "ref: ../../../planted/x\n"),
    "worktrees": (worktree_dir, "file", None),
    "modules": (modules_dir, "file", None),
    "index-flags": (index_flags, "file", None),
    "index-split": (index_split, "file", None),
    "index-fsmonitor": (index_fsmonitor, "file", ("status",)),
    "gitattributes": (tree_attributes, "file", None),
    # the rest
    "alias": config("[alias]\n\tfetch = !{t}\n\treset = !{t}\n"
                    "\tplanted = !{t}\n", bite=("planted",)),
    "trailer.command": config('[trailer "x"]\n\tcommand = {t}\n'
                              "\tcmd = {t}\n\tifmissing = add\n"),
    "tar.command": config('[tar "tar"]\n\tcommand = {t}\n'
                          '[tar "x"]\n\tcommand = {t}\n\tremote = true\n'),
    "submodule.update": config('[submodule "x"]\n\tpath = x\n'
                               "\tupdate = !{t}\n\turl = ext::{t}\n"
                               "[submodule]\n\trecurse = true\n"),
    "gc": config("[gc]\n\tauto = 1\n\tautoDetach = false\n"
                 "[maintenance]\n\tauto = true\n"
                 "[core]\n\thooksPath = {d}\n"),
    "trace2": config("[trace2]\n\tnormalTarget = {d}/trace\n"
                     "\teventTarget = {d}/trace\n"),
    "hook.command": config('[hook "x"]\n\tcommand = {t}\n'
                           "\tevent = post-checkout\n"
                           "\tevent = reference-transaction\n"),
    "init.templateDir": config("[init]\n\ttemplateDir = {d}\n"),
    "bundleURI": config("[fetch]\n\tbundleURI = file://{y}\n"
                        "[transfer]\n\tbundleURI = true\n"),
    "safe.directory": config("[safe]\n\tdirectory = *\n"),
    "extensions.unknown": config("[core]\n\trepositoryformatversion = 1\n"
                                 "[extensions]\n\tplanted = true\n"),
    "extensions.objectFormat": config(
        "[core]\n\trepositoryformatversion = 1\n"
        "[extensions]\n\tobjectFormat = sha256\n"),
    "fsck.skipList": config("[fetch]\n\tfsckObjects = false\n"
                            '[fetch "fsck"]\n\tskipList = {d}/skip\n'
                            "[fsck]\n\tskipList = {d}/skip\n"),
    "config-nonsense": config("[[[\n"),
}


def line(mark):
    """A server that any connection springs: no proxy is ever asked."""
    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                server.accept()[0].close()
                mark.touch()
    return listening(serve)


@contextlib.contextmanager
def git_daemon(top):
    port = free_port()
    daemon = subprocess.Popen(
        ["git", "-c", "safe.directory=*", "daemon", "--export-all",
         "--enable=receive-pack", "--listen=127.0.0.1", f"--port={port}",
         "--reuseaddr", f"--base-path={top}", str(top)],
        env={**ENV, "GIT_CONFIG_COUNT": "1",
             "GIT_CONFIG_KEY_0": "safe.directory",
             "GIT_CONFIG_VALUE_0": "*"},
        stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_port(port, daemon)
        yield f"git://127.0.0.1:{port}/remote.git"
    finally:
        os.killpg(daemon.pid, 15)
        daemon.wait()


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Two repositories beside the configuration: a decoy and an input."""
    made = []
    for name in ("decoy", "input"):
        made.append(Remote(tmp_path_factory.mktemp(name)))
        made[-1].commit({"value": name})
    return made


@pytest.fixture
def planted(request, make_host, remote, others, tmp_path):
    """A clone of a lockable flake over the row's kind of remote."""
    plant, via, bite = ROWS[request.param]
    decoy, source = others
    remote.commit({
        "flake.nix": f'# A flake.\n{{ inputs.one.url = "git+{source.url}?ref=main"; '
        'inputs.one.flake = false; outputs = { ... }: { }; }\n',
        ".gitignore": "result\n", "run": "#!/bin/sh\n"})
    conf, servers = {}, contextlib.ExitStack()
    if via == "http":
        server = request.getfixturevalue("git_http")("secret")
        (tmp_path / "token").write_text("secret\n")
        conf.update(url=server.url("remote.git"), token=tmp_path / "token")
    elif via == "ssh":
        server = request.getfixturevalue("sshd")
        conf.update(url=server.url(str(remote.bare)), key=server.key)
    elif via == "git":
        conf.update(url=servers.enter_context(git_daemon(tmp_path)))
    host = make_host(**conf)
    home = tmp_path / "home"
    home.mkdir()
    host.env.update(HOME=str(home), NIX_CONFIG=NIX_CONFIG,
                    XDG_CACHE_HOME=str(home / "cache"))
    host.ok("pull")
    p = Plant(tmp_path, host.dir, remote, decoy)
    p.words["u"] = host.conf["url"]
    p.server = server if via == "http" else None
    port = servers.enter_context(line(p.mark))
    p.words["p"] = f"http://127.0.0.1:{port}"
    with servers:
        yield host, p, lambda: plant(p), bite


def clean(p):
    """Nothing ran and nobody else was asked or written to."""
    assert not p.mark.exists()
    assert p.decoy_refs() == {"refs/heads/main": p.decoy_rev}
    assert not (p.dir / "trace").exists()
    if p.server:
        for headers in p.server.headers:
            assert "evil" not in str(headers).lower()


def left(p):
    """What the clone consists of, objects aside."""
    assert p.git.is_dir() and not p.git.is_symlink()
    names = {str(q.relative_to(p.git)): q for q in p.git.rglob("*")
             if "objects" not in q.parts}
    assert not any(q.is_symlink() or q.is_fifo() for q in names.values())
    # A shallow file only hides history; a clone with a depth needs one.
    own = {"ORIG_HEAD", "shallow"}
    assert {n for n, q in names.items() if q.is_file()} - own == {
        "HEAD", "config", "index", "info/attributes", "refs/heads/main",
        "refs/remotes/origin/main"}
    text = (p.git / "config").read_text()
    assert str(p.dir) not in text and str(p.decoy) not in text
    info = p.git / "objects" / "info"
    assert not info.exists() or not os.listdir(info)


@pytest.mark.parametrize("planted", ROWS, indirect=True)
def test_planted(planted):
    """Whatever is planted before an operation, it neither runs nor leads
    elsewhere, and the operation does what it is there for."""
    host, p, again, _ = planted
    remote = p.remote
    first = remote.tip()
    # What the hub's mirror asks between two pulls, of what is not there, too.
    again()
    for ask in (("log", "-", "-"), ("count", "1" * 40, "-"),
                ("show", "-", "flake.nix"), ("maintain",), ("verify",)):
        host.run(*ask)
        clean(p)
    again()
    assert not host.ok("pull")["forced"]
    assert_tree_is(host, first)
    again()
    second = remote.commit({"run": "#!/bin/sh\necho 2\n"})
    assert host.ok("pull")["to"] == second
    clean(p)
    left(p)
    assert_tree_is(host, second)
    again()
    if shutil.which("nix"):
        answer = host.ok("update")
        assert answer["pushed"] and remote.tip() != second
        assert git("rev-parse", "main^", cwd=remote.bare) == second
        clean(p)
    again()
    assert host.ok("reset")["to"] == remote.tip()
    clean(p)
    left(p)


@pytest.mark.parametrize("planted", [n for n in ROWS if ROWS[n][2]],
                         indirect=True)
def test_trap_bites(planted):
    """Git that is not kept from it does what the row says."""
    host, p, again, bite = planted
    again()
    (p.clone / "flake.nix").write_text("changed")
    # No terminal: git would ask there for a password, and wait.
    subprocess.run(["git", *bite], cwd=p.clone, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=ENV, start_new_session=True)
    assert p.mark.exists()


# One row of each kind; the rest is the same library with the same rows.
MIRRORED = ["core.fsmonitor", "filter.process", "hooks", "partial-clone",
            "url.insteadOf.ext", "remote.uploadpack", "remote.url",
            "alternates", "commondir", "HEAD-is-a-fifo", "git-is-a-link"]


def test_planted_in_the_hubs_mirror(new_fleet, others, tmp_path):
    """The hub's own clone is looked at again and again: nothing runs."""
    fleet = new_fleet(hosts=())
    fleet.start_hub()
    mirror = fleet.root / "hub" / "mirror"
    url = f"file://{fleet.root}/config.git"
    remote = types.SimpleNamespace(url=url, tip=fleet.head)

    def head():
        return fleet.api.get("/api/repository")["head"]

    wait_for("the mirror", lambda: head() == fleet.head())
    clone = next(mirror.rglob(".git")).parent
    p = Plant(tmp_path, clone, remote, others[0])
    for name in MIRRORED:
        ROWS[name][0](p)
        rev = fleet.set_greeting("atlas", name)
        wait_for(f"the mirror after {name}", lambda rev=rev: head() == rev)
        clean(p)
        left(p)
