"""How much output the hub keeps, of one host and of all."""

import sqlite3

import pytest

from hub_process import SHARED
from ws_agent import WsAgent

MIB = 1 << 20
LINE = "x" * 4000
COST = 4032
BATCH = 50


def ulid(n):
    return f"01J{n:023d}"


@pytest.fixture
def rig(new_hub):
    """A factory: hub, user, and what connects hosts to it."""
    links = []

    def make(**env):
        hub = new_hub(**env)
        user = hub.client().log_in()

        def connect(name, token=SHARED, **resume):
            link = WsAgent(hub.address, token, name, register=False)
            link.register(**resume)
            links.append(link)
            return link

        return hub, user, connect

    yield make
    for link in links:
        link.drop()


def say(host, command, mib):
    """So many MiB of output, all of it acknowledged; the number of lines."""
    lines = (mib * MIB // COST + BATCH) // BATCH * BATCH
    for seq in range(1, lines + 1, BATCH):
        host.output(command, [f"{n} ".ljust(4000, "x") for n in
                              range(seq, seq + BATCH)], seq)
        ack = host.recv_type("output_ack", 60)["payload"]["seq"]
        assert ack == seq + BATCH - 1
    return lines


def own(host, n, mib=1, end=True):
    """An operation that the host has begun by itself."""
    command = {"op_id": ulid(n), "command": "switch"}
    lines = say(host, command, mib)
    if end:
        host.status(command, "failed", 3, last_seq=lines, message="so it is")
        host.recv_type("status_ack", 60)
    return lines


def stored(hub):
    """{operation: bytes of its lines} in the database."""
    database = sqlite3.connect(hub.folder / "data" / "nixfleet.db", timeout=30)
    try:
        return dict(database.execute(
            "SELECT op_id, sum(length(text) + 32) FROM lines GROUP BY op_id"))
    finally:
        database.close()


def log(user, n):
    return user.get(f"/api/operations/{ulid(n)}/log").text


def is_removed(user, n):
    return "lines were removed" in log(user, n)


def note(lines, mib, whose, setting):
    return (f"{lines} lines were removed: the hub keeps {mib} MiB of output "
            f"of {whose} ({setting}), and the oldest goes first.")


def test_of_one_host(rig):
    """However much a host begins by itself: its oldest output goes, with a
    line that says why; outcomes, newer output and other hosts' stay, also
    when the hub is killed in between."""
    hub, user, connect = rig(NIXFLEET_HOST_OUTPUT_MIB="4")
    host, other = connect("atlas"), connect("borg")
    own(other, 1)
    lines = [own(host, 10 + n) for n in range(3)]
    assert not any(is_removed(user, 10 + n) for n in range(3))
    hub.kill()
    hub.start()
    user.log_in()
    host = connect("atlas", host.token)
    lines += [own(host, 13 + n) for n in range(7)]
    user.wait(lambda: is_removed(user, 14), 60)
    told = note(lines[0], 4, "one host", "NIXFLEET_HOST_OUTPUT_MIB")
    for n in range(10, 20):
        op = user.operation(ulid(n))
        assert (op["state"], op["outcome"], op["message"], op["exit_code"]) \
            == ("finished", "failed", "so it is", 3)
        assert is_removed(user, n) == (log(user, n) == told + "\n")
    gone = [is_removed(user, n) for n in range(10, 20)]
    assert gone == sorted(gone, reverse=True) and not gone[-1], gone
    page = user.get(f"/api/operations/{ulid(10)}/output").json
    assert [(entry["stream"], entry["text"], entry["seq"]) for entry in
            page["lines"]] == [("note", told, lines[0])]
    assert page["complete"]
    assert len(log(user, 1).splitlines()) == lines[0]
    sizes = stored(hub)
    assert sum(v for k, v in sizes.items() if k != ulid(1)) < 6 * MIB
    events = user.get("/api/hosts/atlas/events").json["events"]
    assert any("oldest output of atlas is removed: more than 4 MiB "
               "(NIXFLEET_HOST_OUTPUT_MIB)" in e["message"] for e in events)
    # A late line does not bring the old ones back, nor get lost.
    command = {"op_id": ulid(10), "command": "switch"}
    host.output(command, ["late"], lines[0] + 1)
    host.recv_type("output_ack")
    assert log(user, 10) == told + "\nlate\n"


def test_results(rig):
    """What a host says of the end counts as well: lists of changes go like
    output, a message has an end, the outcome stays."""
    hub, user, connect = rig(NIXFLEET_HOST_OUTPUT_MIB="1")
    host = connect("atlas")
    for n in range(8):
        command = {"op_id": ulid(n), "command": "switch"}
        host.output(command, ["short"])
        host.recv_type("output_ack")
        host.status(command, "rolled_back", 4, last_seq=1,
                    message="x" + "ä" * 5000, changes={"n": "y" * 300000})
        host.recv_type("status_ack")
    user.wait(lambda: user.operation(ulid(1))["changes"] is None, 60)
    assert is_removed(user, 0)
    for n in range(8):
        op = user.operation(ulid(n))
        assert (op["outcome"], op["exit_code"]) == ("rolled_back", 4)
        assert op["message"] == "x" + "ä" * 1023
    assert len(user.operation(ulid(7))["changes"]["n"]) == 300000
    database = sqlite3.connect(hub.folder / "data" / "nixfleet.db", timeout=30)
    assert database.execute("SELECT sum(length(changes)) FROM operations"
                            ).fetchone()[0] < 2 * MIB
    database.close()


def test_at_work(rig):
    """What an operation at work has printed stays, however much; when it is
    over, it is like any other."""
    hub, user, connect = rig(NIXFLEET_HOST_OUTPUT_MIB="1")
    host = connect("atlas")
    item = user.ask("switch", "atlas")["results"][0]
    command = host.command()
    lines = say(host, command, 4)
    own(host, 99)
    user.wait(lambda: is_removed(user, 99), 60)
    path = f"/api/operations/{item['command_id']}/log"
    assert len(user.get(path).text.splitlines()) == lines
    host.status(command, last_seq=lines)
    host.recv_type("status_ack")
    own(host, 100)
    user.wait(lambda: "lines were removed" in user.get(path).text, 60)
    op = user.operation(item["command_id"])
    assert (op["outcome"], op["lines"]) == ("ok", lines)


def test_never_ending(rig):
    """A host that says of dozens of operations that it works on them does
    not get around the bound: its newest eight are believed."""
    hub, user, connect = rig(NIXFLEET_HOST_OUTPUT_MIB="4")
    host = connect("atlas")
    lines = [own(host, n, end=False) for n in range(24)][0]
    user.wait(lambda: sum(stored(hub).values()) < 14 * MIB, 60)
    for n in range(16, 24):
        assert len(log(user, n).splitlines()) == lines
        assert user.operation(ulid(n))["state"] == "running"
    assert is_removed(user, 0)
    assert user.operation(ulid(0))["state"] == "running"


def test_of_all_hosts(rig):
    """The bound of all hosts takes from whoever has the oldest."""
    hub, user, connect = rig(NIXFLEET_OUTPUT_MIB="4")
    atlas, borg = connect("atlas"), connect("borg")
    lines = 0
    for n in range(10):
        lines = own(atlas if n % 2 == 0 else borg, n)
    user.wait(lambda: is_removed(user, 3), 60)
    told = note(lines, 4, "all hosts", "NIXFLEET_OUTPUT_MIB")
    assert [log(user, n) for n in range(4)] == [told + "\n"] * 4
    assert len(log(user, 9).splitlines()) == lines
    events = user.get("/api/events").json["events"]
    assert any("oldest output of all hosts is removed" in e["message"]
               for e in events)
    assert sum(stored(hub).values()) < 6 * MIB


def test_of_all_hosts_at_work(rig):
    """Many hosts that say that they are at work do not get around the bound
    of all either; each of their operations goes on."""
    hub, user, connect = rig(NIXFLEET_OUTPUT_MIB="4")
    hosts = [connect(f"host{n}") for n in range(6)]
    lines = [own(host, n, mib=2, end=False) for n, host in enumerate(hosts)]
    user.wait(lambda: sum(stored(hub).values()) < 10 * MIB, 60)
    assert is_removed(user, 0)
    assert len(log(user, 5).splitlines()) == lines[5]
    assert user.operation(ulid(0))["state"] == "running"
