"""Logs that are longer than what the hub keeps of one."""

import json
import sqlite3

from ws_agent import WsAgent

MIB = 1 << 20
BATCH = 50


def line(n):
    return f"line {n} ".ljust(4000, "x")


def send(host, command, first, last):
    """All lines, a batch at a time; each is acknowledged, in order."""
    acked = []
    for seq in range(first, last, BATCH):
        host.output(command, [line(n) for n in range(seq, seq + BATCH)], seq)
        acked.append(host.recv_type("output_ack", 60)["payload"]["seq"])
    assert acked == list(range(first + BATCH - 1, last, BATCH))


def test_head_and_tail_are_kept(hub, agent, user):
    """The end of a long log, where its error stands, is never lost: the middle
    goes, a line says how much, also when the hub is killed in between."""
    host = agent("atlas")
    op_id = user.ask("switch", "atlas")["results"][0]["command_id"]
    command = host.command()
    send(host, command, 1, 20001)
    hub.kill()
    hub.start()
    user.log_in()
    back = WsAgent(hub.address, host.token, "atlas", register=False)
    back.register(resume={op_id: 20001})
    assert back.recv_type("output_ack")["payload"]["seq"] == 20000
    send(back, command, 20001, 25001)
    # Sent again, it is stored once.
    back.output(command, [line(n) for n in range(24951, 25001)], 24951)
    assert back.recv_type("output_ack")["payload"]["seq"] == 25000
    back.output(command, ["error: at the very end"], 25001)
    assert back.recv_type("output_ack")["payload"]["seq"] == 25001
    back.status(command, "failed", 1, last_seq=25001)
    back.recv_type("status_ack")
    user.wait_operation(op_id, state="finished", lines=25001)

    # The dashboard reads it by pages.
    pages, after = [], 0
    while True:
        page = user.get(f"/api/operations/{op_id}/output"
                        f"?after={after}&limit=5000").json
        pages += page["lines"]
        after = page["next"]
        if page["complete"]:
            break
    notes = [entry for entry in pages if entry["stream"] == "note"]
    assert len(notes) == 1, json.dumps(notes)
    at = pages.index(notes[0])
    seqs = [entry["seq"] for entry in pages]
    head, tail = seqs[:at], seqs[at:]
    assert head == list(range(1, len(head) + 1))
    assert tail == list(range(tail[0], 25002))
    assert notes[0]["text"] == (
        f"{tail[0] - head[-1]} lines are missing here: the hub keeps the "
        "first and the last 32 MiB of a log.")
    assert [entry["text"] for entry in pages if entry is not notes[0]] == [
        line(n) for n in head + tail[1:-1]] + ["error: at the very end"]
    for part in head, tail:
        assert 30 * MIB < len(part) * 4032 < 35 * MIB

    # And a person downloads it.
    log = user.get(f"/api/operations/{op_id}/log").text
    assert log == "".join(entry["text"] + "\n" for entry in pages)
    assert user.get("/api/hosts/atlas/output?lines=1").text == \
        "error: at the very end\n"
    database = sqlite3.connect(hub.folder / "data" / "nixfleet.db")
    assert database.execute("SELECT count(*) FROM lines").fetchone() == (
        len(pages),)
    back.drop()
