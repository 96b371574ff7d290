"""What must be well for a new system to stay, and what does not count."""

import pytest

from conftest import agent_unit, configure, script
from machine import wait_for

UNIT = {"nixfleet-agent.service": agent_unit()}
WEB_SOCKET = """\
[Socket]
ListenStream=127.0.0.1:8080
Accept=yes
"""
WEB_SERVICE = """\
[Service]
StandardInput=socket
ExecStart=-/usr/local/bin/web
"""
# Answers each request with the status that is in a file.
WEB = """\
#!/bin/sh
while read -r line && [ ${#line} -gt 1 ]; do :; done
printf 'HTTP/1.1 %s x\\r\\nContent-Length: 0\\r\\n\\r\\n' $(cat /run/status)
"""
TCP = "tcp://127.0.0.1:8080"
HTTP = "status=204 http://127.0.0.1:8080/health"
EXEC = "within=2 exec:/bin/ls /run/well"
PROBES = f"NIXFLEET_CONFIRM_PROBES={TCP}, {HTTP}, {EXEC}"
WELL = "echo 204 > /run/status; touch /run/well; systemctl start web.socket"


@pytest.fixture
def web(machine):
    """A machine with a service that probes look at."""
    units = machine.inside("/etc/systemd/system")
    (units / "web.socket").write_text(WEB_SOCKET)
    (units / "web@.service").write_text(WEB_SERVICE)
    script(machine.inside("/usr/local/bin/web"), WEB)
    machine.run(f"systemctl daemon-reload; {WELL}")
    return machine


def switch(machine, version, **changes):
    machine.push(version, **{"units": UNIT, **changes})
    return machine.start_op("pull-switch")


def outcome(machine, op):
    return machine.finished(op)["outcome"], machine.story(op)


def test_probes_decide(web):
    """A probe that the new system breaks undoes it, and is named."""
    configure(web, PROBES, "NIXFLEET_CONFIRM_TIMEOUT=5")
    end, story = outcome(web, switch(web, "2"))
    assert end == "ok" and "does not count" not in story, story
    for version, breaks, names in (
        ("3", "systemctl stop web.socket", (
            f"probe {TCP}: 127.0.0.1:8080: connection refused",
            f"probe {HTTP}: ")),
        ("4", "echo 500 > /run/status", (
            f"probe {HTTP}: the answer has status 500",)),
        ("5", "rm /run/well", (
            f"probe {EXEC}: ls ended with status 2: ", "/run/well")),
    ):
        op = switch(web, version, after=breaks)
        end, story = outcome(web, op)
        assert end == "rolled_back", story
        reason = web.record(op)["reason"]
        log = "\n".join(web.log(op))
        for name in names:
            assert name in web.result(op)["message"], story
            assert name in reason and name in log, story
        assert web.link("/run/current-system").endswith("h1-2")
        web.check_told_once(op)
        web.run(WELL)


def test_a_probe_had_failed_before(web):
    """What was not well before is not the new system's fault."""
    configure(web, PROBES)
    web.run("rm /run/well")
    op = switch(web, "2")
    end, story = outcome(web, op)
    assert end == "ok", story
    assert any(line.startswith(f"probe {EXEC}: ")
               and "fails before the activation" in line
               for line in web.log(op)), story


def test_a_probe_is_tried_again(web):
    """A service may take its time, up to the deadline."""
    configure(web, PROBES, "NIXFLEET_CONFIRM_TIMEOUT=60")
    op = switch(web, "2", after="systemctl stop web.socket")
    wait_for("the first attempt", lambda: any(
        line.startswith("not confirmed yet: probe") for line in web.log(op)))
    web.run(WELL)
    end, story = outcome(web, op)
    assert end == "ok", story


# A page with status 204, a certificate of ca.pem's, and one of nobody's.
TLS_SETUP = r"""
mkdir /srv/tls
cd /srv/tls
printf 'HTTP/1.0 204 x\r\n\r\n' > health
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
openssl req -x509 $new -subj /CN=ca -keyout ca.key -out ca.pem
openssl req -x509 $new -subj /CN=localhost -keyout stranger.key \
    -out stranger.pem -addext subjectAltName=IP:127.0.0.1
openssl req $new -subj /CN=localhost -keyout good.key -out good.csr
echo subjectAltName=IP:127.0.0.1 > san
openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
    -days 2 -extfile san -out good.pem
ln -s good.key key.pem
ln -s good.pem cert.pem
systemctl daemon-reload
systemctl start tls
"""
TLS_SERVICE = """\
[Service]
WorkingDirectory=/srv/tls
ExecStart=openssl s_server -HTTP -accept 127.0.0.1:8443 -cert cert.pem \
    -key key.pem
"""
HTTPS = "within=20 status=204 https://127.0.0.1:8443/health"


def test_a_probe_of_a_tls_server(machine):
    """An authority of NIXFLEET_CA_FILE is believed by probes also where the
    hub has no TLS; a certificate that nobody vouches for undoes the switch."""
    unit = machine.inside("/etc/systemd/system/tls.service")
    unit.write_text(TLS_SERVICE)
    machine.run(TLS_SETUP)
    wait_for("the TLS server", lambda: ":8443" in machine.run("ss -ltnH"))
    configure(machine, f"NIXFLEET_CONFIRM_PROBES={HTTPS}",
              "NIXFLEET_CA_FILE=/srv/tls/ca.pem",
              "NIXFLEET_CONFIRM_TIMEOUT=10")
    end, story = outcome(machine, switch(machine, "2"))
    assert end == "ok" and "does not count" not in story, story
    op = switch(machine, "3", after="cd /srv/tls; ln -sf stranger.key key.pem;"
                " ln -sf stranger.pem cert.pem; systemctl restart tls")
    end, story = outcome(machine, op)
    assert end == "rolled_back" and "does not count" not in story, story
    message = machine.result(op)["message"]
    assert f"probe {HTTPS}: " in message, story
    assert "certificate is not trusted: self-signed certificate" in message
    assert machine.link("/run/current-system").endswith("h1-2")


def test_much_output_does_not_delay_the_confirmation(machine):
    """It is confirmed in time while its log is still being handed on."""
    configure(machine, "NIXFLEET_CONFIRM_TIMEOUT=4")
    op = switch(machine, "2", after="yes line | head -c 20000000")
    end, story = outcome(machine, op)
    assert end == "ok", story


LATE = """\
[Service]
ExecStart=sh -c '/usr/local/bin/hold late; exit 1'
"""


def test_a_unit_fails_while_it_waits(machine):
    """A unit that fails after the activation counts as well as during it."""
    machine.hold("late")
    op = switch(machine, "2", units={**UNIT, "late.service": LATE},
                after="systemctl stop nixfleet-hub")
    machine.in_phase(op, "confirming")
    machine.release("late")
    wait_for("the unit to fail", lambda: machine.try_run(
        "systemctl is-failed late")[1].strip() == "failed")
    machine.run("systemctl start nixfleet-hub")
    end, story = outcome(machine, op)
    assert end == "rolled_back", story
    assert "late.service" in machine.result(op)["message"], story
    assert machine.link("/run/current-system").endswith("h1-1")


def test_mistakes_in_probes(machine):
    """The agent says which probe is wrong, and does not start without it."""
    code, text = machine.try_run(
        "NIXFLEET_CONFIRM_PROBES=tcp://h NIXFLEET_REPO_URL=x "
        "NIXFLEET_STATE_DIR=/tmp nixfleet-agent --check")
    assert code != 0
    assert "NIXFLEET_CONFIRM_PROBES (environment): probe" in text
    assert "HOST:PORT" in text
