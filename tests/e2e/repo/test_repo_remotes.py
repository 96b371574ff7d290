"""Real servers: ssh with keys, http with tokens; each failure has its word."""

import os
import pathlib
import socket
import stat

import pytest

from repo_rig import assert_tree_is, free_port, listening


@pytest.fixture
def ssh_host(sshd, make_host, remote):
    remote.commit({"a": "1"})
    return make_host(url=sshd.url(remote.bare), key=sshd.key)


def test_ssh(ssh_host, sshd, remote):
    """First contact records the host key loudly; later ones are strict."""
    answer = ssh_host.ok("pull")
    assert "FIRST CONTACT with 127.0.0.1" in answer.log
    known = ssh_host.state / "known_hosts"
    assert f"[127.0.0.1]:{sshd.port} ssh-ed25519" in known.read_text()
    remote.commit({"a": "2"})
    answer = ssh_host.ok("pull")
    assert answer["changed"] and "FIRST CONTACT" not in answer.log
    assert_tree_is(ssh_host, remote.tip())
    assert ssh_host.ok("check")["tip"] == remote.tip()


def test_ssh_host_key_changed(ssh_host, sshd, remote):
    """A changed host key fails closed, in every operation."""
    ssh_host.ok("pull")
    rev = remote.tip()
    known = (ssh_host.state / "known_hosts").read_bytes()
    sshd.stop()
    sshd.new_key(sshd.host_key)
    sshd.start()
    remote.commit({"a": "2"})
    for op in ("pull", "reset", "check"):
        answer = ssh_host.fails("host_key", op)
        assert "known hosts" in answer["text"]
    assert (ssh_host.state / "known_hosts").read_bytes() == known
    assert_tree_is(ssh_host, rev)


def test_ssh_several_host_keys(ssh_host, sshd, remote):
    """A server with several keys is the same server with any of them."""
    rsa = sshd.top / "rsa_key"
    sshd.new_key(rsa, "rsa")
    sshd.stop()
    sshd.host_keys = [rsa, sshd.host_key]
    sshd.start()
    ssh_host.ok("pull")
    known = (ssh_host.state / "known_hosts").read_bytes()
    sshd.stop()
    sshd.host_keys = [sshd.host_key, rsa]
    sshd.start()
    ssh_host.ok("pull")
    assert (ssh_host.state / "known_hosts").read_bytes() == known


def test_ssh_several_pinned_keys(sshd, make_host, remote, tmp_path):
    """The next host key can be pinned before the server takes it."""
    remote.commit({"a": "1"})
    lines = []
    for name in ("old_key", "next_key"):
        key = sshd.top / name
        sshd.new_key(key)
        public = pathlib.Path(f"{key}.pub").read_text()
        lines.append(f"[127.0.0.1]:{sshd.port} {public}")
    pinned = tmp_path / "pinned"
    pinned.write_text("".join(lines))
    host = make_host(url=sshd.url(remote.bare), key=sshd.key, known=pinned)
    for name in ("old_key", "next_key"):
        sshd.stop()
        sshd.host_keys = [sshd.top / name]
        sshd.start()
        host.ok("pull")
    sshd.stop()
    sshd.host_keys = [sshd.host_key]
    sshd.start()
    host.fails("host_key", "pull")


def test_ssh_key_rotated(ssh_host, sshd, remote):
    """A new deploy key works as soon as both sides have it."""
    ssh_host.ok("pull")
    sshd.new_key(sshd.key)
    ssh_host.fails("auth", "pull")
    sshd.allow(sshd.key)
    remote.commit({"a": "2"})
    ssh_host.ok("pull")
    assert_tree_is(ssh_host, remote.tip())


def test_ssh_read_only_key(sshd, make_host, remote):
    """A key that may only run git-upload-pack is enough for pulls."""
    rev = remote.commit({"a": "1"})
    sshd.allow(sshd.key, f'restrict,command="git-upload-pack {remote.bare}"')
    host = make_host(url=sshd.url(remote.bare), key=sshd.key)
    assert host.ok("pull")["to"] == rev


def test_ssh_garbage(make_host):
    """Something that is no ssh server."""
    def serve(server):
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            try:
                conn.sendall(b"220 mail.example ESMTP\r\n" * 2000)
                while conn.recv(4096):
                    pass
            except OSError:
                pass
            conn.close()

    with listening(serve) as port:
        make_host(url=f"ssh://x@127.0.0.1:{port}/r").fails("server", "pull")


def test_ssh_known_hosts_pinned(sshd, make_host, remote, tmp_path):
    """A pinned file is never extended: unknown hosts are refused."""
    remote.commit({"a": "1"})
    pinned = tmp_path / "known hosts %h"
    pinned.write_text("")
    host = make_host(url=sshd.url(remote.bare), key=sshd.key, known=pinned)
    host.fails("host_key", "pull")
    assert pinned.read_text() == ""
    key = pathlib.Path(f"{sshd.host_key}.pub").read_text()
    pinned.write_text(f"[127.0.0.1]:{sshd.port} {key}")
    host.ok("pull")
    assert not (host.state / "known_hosts").exists()


def test_ssh_key_unusable(ssh_host, sshd):
    """A key that is missing, too open or refused, and one that rotates."""
    public = pathlib.Path(f"{sshd.key}.pub")
    good = sshd.key.read_bytes(), public.read_bytes()
    sshd.key.chmod(0o644)
    assert "chmod 600" in ssh_host.fails("credentials", "pull")["text"]
    sshd.key.unlink()
    ssh_host.fails("credentials", "pull")
    sshd.key.write_text("garbage")
    sshd.key.chmod(0o600)
    assert ssh_host.run("pull")["fail"] in ("credentials", "auth")
    sshd.new_key(sshd.key)
    ssh_host.fails("auth", "pull")
    sshd.key.write_bytes(good[0])
    public.write_bytes(good[1])
    ssh_host.ok("pull")


def test_ssh_server_away(ssh_host, sshd, remote):
    """Nobody listens: the tree stays, the word is unreachable."""
    ssh_host.ok("pull")
    sshd.stop()
    ssh_host.fails("unreachable", "pull")
    assert_tree_is(ssh_host, remote.tip())
    sshd.start()
    ssh_host.ok("pull")


def test_ssh_no_repository(sshd, make_host, tmp_path):
    """The path does not exist on the server."""
    make_host(url=sshd.url(tmp_path / "none.git"), key=sshd.key).fails(
        "not_found", "pull")


def test_hung_server(make_host, tmp_path):
    """A server that accepts and says nothing costs the deadline, no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for url in (f"ssh://x@127.0.0.1:{port}/r", f"http://127.0.0.1:{port}/r"):
            answer = make_host(url=url, timeout=700).fails("timeout", "pull")
            assert "in time" in answer["text"]


def test_garbage_server(make_host):
    """A server that talks rubbish is named as the cause."""
    def serve(server):
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            conn.recv(4096)
            conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n"
                         b"<html>\nlogin\n</html>\n")
            conn.close()

    with listening(serve) as port:
        answer = make_host(url=f"http://127.0.0.1:{port}/r").run("pull")
        assert answer["fail"] in ("not_found", "server"), dict(answer)


def test_http_without_token(git_http, make_host, remote):
    """Plain http to this machine works."""
    remote.commit({"a": "1"})
    host = make_host(url=git_http().url("remote.git"))
    host.ok("pull")
    remote.commit({"a": "2"})
    assert host.ok("pull")["changed"]
    assert_tree_is(host, remote.tip())


@pytest.mark.parametrize("form", ["{t}", "{t}\n",
                                  "NIXFLEET_REPO_TOKEN={t}\n",
                                  'GIT_TOKEN="{t}"\n'])
def test_http_token(git_http, make_host, remote, tmp_path, form):
    """The token is read afresh for each run, in all its forms."""
    remote.commit({"a": "1"})
    server = git_http(token="s3cret/+=")
    file = tmp_path / "token"
    file.write_text(form.format(t="s3cret/+="))
    host = make_host(url=server.url("remote.git"), token=file)
    host.ok("pull")
    server.token = "rotated"
    host.fails("auth", "pull")
    file.write_text(form.format(t="rotated"))
    host.ok("pull")
    text = b"".join(p.read_bytes() for p in host.state.rglob("*")
                    if p.is_file())
    assert b"rotated" not in text and b"s3cret" not in text


def test_http_token_missing(git_http, make_host, remote, tmp_path):
    """No token, an empty file, no file."""
    remote.commit({"a": "1"})
    server = git_http(token="t")
    make_host(url=server.url("remote.git")).fails("auth", "pull")
    host = make_host(url=server.url("remote.git"), token=tmp_path / "none")
    host.fails("credentials", "pull")
    (tmp_path / "none").write_text("\n")
    host.fails("credentials", "pull")


def test_http_redirect_never_leaks(git_http, make_host, remote, tmp_path):
    """Another host that a redirect leads to never sees the token."""
    remote.commit({"a": "1"})
    evil, server = git_http(token="other"), git_http(token="secret")
    (tmp_path / "token").write_text("secret")
    host = make_host(url=server.url("remote.git"), token=tmp_path / "token")
    host.ok("pull")
    server.redirect = f"http://127.0.0.1:{evil.port}"
    host.fails("auth", "pull")
    assert evil.seen and all(auth == "" for _, auth in evil.seen)


@pytest.mark.parametrize("status,word", [
    (500, "server"), (503, "server"), (404, "not_found"), (403, "auth")])
def test_http_status(git_http, make_host, remote, status, word):
    """What the server answers decides the word."""
    remote.commit({"a": "1"})
    server = git_http()
    host = make_host(url=server.url("remote.git"))
    host.ok("pull")
    server.status = status
    host.fails(word, "pull")
    assert_tree_is(host, remote.tip())


@pytest.mark.parametrize("how,word", [
    ("cut", "server"), ("garbage", "server"), ("slow", "timeout")])
@pytest.mark.parametrize("op", ["pull", "reset"])
def test_http_broken_transfer(git_http, make_host, remote, how, word, op):
    """A pack that ends early, is noise or trickles: the old tree stays."""
    rev = remote.commit({"a": "1"})
    server = git_http()
    host = make_host(url=server.url("remote.git"), timeout=3000)
    host.ok("pull")
    remote.commit({"b": os.urandom(3000)})
    setattr(server, how, 1)
    host.fails(word, op)
    assert_tree_is(host, rev)
    assert sorted(p.name for p in host.state.iterdir()) == ["git", "repo"]
    setattr(server, how, 0)
    host.ok("pull")
    assert_tree_is(host, remote.tip())
    assert host.ok("verify")["sound"]


def test_http_unreachable(make_host):
    """Nobody listens, or the name does not exist."""
    make_host(url=f"http://127.0.0.1:{free_port()}/x").fails(
        "unreachable", "pull")
    make_host(url="https://no-such-host.invalid/x").fails(
        "unreachable", "pull")


def test_https_untrusted(make_host, tmp_path, remote):
    """A certificate that nobody vouches for is refused."""
    import ssl
    import subprocess
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", tmp_path / "k", "-out", tmp_path / "c",
                    "-subj", "/CN=127.0.0.1"], check=True,
                   stderr=subprocess.DEVNULL)
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(tmp_path / "c", tmp_path / "k")

    def serve(server):
        while True:
            try:
                ctx.wrap_socket(server.accept()[0], server_side=True)
            except ssl.SSLError:
                pass
            except OSError:
                return

    with listening(serve) as port:
        make_host(url=f"https://127.0.0.1:{port}/r").fails("tls", "pull")


def test_askpass_is_closed(tool, tmp_path):
    """The askpass answers git's question for its own site and no other."""
    import subprocess
    (tmp_path / "t").write_text("secret")
    env = {"NIXFLEET_ASKPASS_FILE": str(tmp_path / "t"),
           "NIXFLEET_ASKPASS_SITE": "https://git.example:8443"}

    def ask(prompt):
        done = subprocess.run([tool, prompt], env=env,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode()

    good = "https://git.example:8443"
    assert ask(f"Password for '{good}': ") == (0, "secret\n")
    assert ask("Password for 'https://me@git.example:8443': ") == (
        0, "secret\n")
    assert ask(f"Username for '{good}': ")[0] == 0
    for bad in ("https://git.example", "http://git.example:8443",
                "https://git.example:84433", "https://evil",
                "https://git.example:8443@evil",
                "https://git.example:8443.evil",
                "https://evil/@git.example:8443"):
        assert ask(f"Password for '{bad}': ") == (1, ""), bad
    assert ask("Enter passphrase") == (1, "")
    assert ask("") == (1, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_foreign_directory(host):
    """A clone that belongs to somebody else is not touched."""
    os.chown(host.dir, 65534, 65534)
    host.fails("storage", "pull")
    assert stat.S_IMODE(os.lstat(host.dir).st_mode) == 0o700
