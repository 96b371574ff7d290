"""Servers for the HTTP client's test: plain, TLS, TLS under another name.

Makes its own authority in the directory named on the command line, prints
one line of JSON with ports and pins, and ends when its input does.
"""
import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading

hits = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global hits
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if self.path == "/echo":
            said = {"method": self.command, "token":
                    self.headers.get("Authorization"),
                    "host": self.headers["Host"], "size": len(body),
                    "sum": hashlib.sha256(body).hexdigest()}
            self.answer(200, json.dumps(said).encode(),
                        Content_Type="application/json", Set_Cookie="a=b")
        elif self.path == "/redirect":
            self.answer(302, Location="http://127.0.0.1:%d/steal"
                        % ports["other"])
        elif self.path == "/steal":
            hits += 1
            self.answer(200)
        elif self.path == "/hits":
            self.answer(200, str(hits).encode())
        elif self.path == "/big":
            self.answer(200, b"x" * 300000)
        elif self.path == "/none":
            self.send_response(204)
            self.end_headers()
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        elif self.path == "/close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"to the end")
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"half")
        elif self.path == "/silent":
            ended.wait()
        else:
            self.answer(404)

    do_POST = do_DELETE = do_GET


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, cwd=directory,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")


def past():
    """The options for a certificate that is over: newer openssl refuses a
    negative number of days, older has no times."""
    usage = subprocess.run(["openssl", "x509", "-help"], check=True,
                           capture_output=True, text=True)
    if "-not_after" in usage.stdout + usage.stderr:
        return ["-not_before", "20200101000000Z",
                "-not_after", "20200102000000Z"]
    return ["-days", "-1"]


def certificate(name, san, valid=("-days", "2")):
    with open(os.path.join(directory, name + ".ext"), "w") as f:
        f.write("subjectAltName=" + san)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key",
            "-out", name + ".csr")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", *valid, "-extfile",
            name + ".ext", "-out", name + ".pem")


def pin(name):
    der = subprocess.run(
        "openssl x509 -in %s.pem -pubkey -noout | "
        "openssl pkey -pubin -outform der | tee %s.der" % (name, name),
        shell=True, check=True, cwd=directory, stdout=subprocess.PIPE).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def serve(cert=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if cert:
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(os.path.join(directory, cert + ".pem"),
                            os.path.join(directory, cert + ".key"))
        server.socket = ctx.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


directory = sys.argv[1]
ended = threading.Event()
authority("ca")
authority("stranger")
certificate("good", "DNS:localhost,IP:127.0.0.1")
certificate("wrongname", "DNS:other.example")
certificate("expired", "DNS:localhost", past())
ports = {"plain": serve(), "other": serve(), "tls": serve("good"),
         "wrongname": serve("wrongname"), "expired": serve("expired")}
print(json.dumps({**ports, "pin": pin("good"), "otherpin": pin("ca")}),
      flush=True)
sys.stdin.read()
ended.set()
