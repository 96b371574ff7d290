"""What a hub of either dialect sees of every operation."""

import json
import os
import time

import pytest
from fleet import wait_for

def script(body):
    return f"#!/bin/sh\n{body}\n"


def slow_test(agent, name="50-slow.sh", body="echo begun; sleep 300"):
    """A host test that does not end by itself; pulled, and running."""
    agent.test_script(name, script(body))
    agent.pull()


def test_dialect_4_operation(new_agent):
    """Accepted first, then output, then the status with all it has."""
    agent = new_agent().start().ready()
    rev = agent.fleet.set_greeting("atlas", "hello")
    op_id = agent.hub.command("pull-switch", deadline_s=600)
    status = agent.hub.finished(op_id)
    assert status["outcome"] == "ok" and status["status"] == "ok"
    assert status["exit_code"] == 0 and status["generation"] == rev
    assert [p["name"] for p in status["phases"]][0] == "fetch"
    assert status["last_seq"] == agent.hub.stored(op_id)
    assert agent.hub.text(op_id) == agent.journal(op_id)
    assert agent.fleet.motd("atlas") == "hello"
    kinds = [k for _, k, p in agent.hub.messages
             if p.get("op_id") == op_id]
    assert kinds[0] == "command_accepted" and "output" in kinds
    assert "progress" in kinds
    wait_for("the note that the hub has it",
             (agent.op_dir(op_id) / "acked").exists)


def test_dialect_3_operation(new_agent):
    """Lines with their command, one status, dots, a heartbeat behind it."""
    agent = new_agent(3).start().ready()
    agent.fleet.set_greeting("atlas", "hello")
    agent.hub.command("pull-switch")
    status = agent.hub.expect("status", 90, command="pull-switch")
    assert status["status"] == "ok" and status["exit_code"] == 0
    lines = agent.hub.all("output")
    assert lines and all(line["command"] == "pull-switch" and
                         line["is_error"] is False and
                         line["stream"] in ("stdout", "stderr")
                         for line in lines)
    dots = agent.hub.all("operation_progress")
    assert dots[0]["progress"]["pull"] == {
        "current": 0, "total": 4, "status": "in_progress"}
    assert dots[-1]["progress"]["system"] == {
        "current": 3, "total": 3, "status": "complete"}
    kinds = [k for _, k, _ in agent.hub.messages]
    after = kinds[kinds.index("status"):]
    agent.hub.wait("a heartbeat after it", lambda: "heartbeat" in
                   [k for _, k, _ in agent.hub.messages][
                       -len(after):])
    beat = [p for _, k, p in agent.hub.messages if k == "heartbeat"][-1]
    assert beat["update_status"]["system"]["status"] == "ok"
    assert len(agent.hub.all("status")) == 1


@pytest.mark.parametrize("op,message", [
    ("pull", "already at"), ("refresh-git", "up to date"),
    ("refresh-lock", "ok"), ("refresh-system", ""), ("refresh-all", ""),
    ("check-version", "runs and is installed"), ("update", "up to date"),
    ("repo-verify", "sound"), ("repo-reset", "at "), ("test", "tests")])
def test_each_operation_ends_well(op_agent, op, message):
    """Each operation gives its outcome and a sentence."""
    op_id = op_agent.hub.command(op)
    status = op_agent.hub.finished(op_id)
    assert status["outcome"] == "ok", status
    assert message in status["message"]


def test_rollback(new_agent):
    """Back to what was there before, and the word of it."""
    agent = new_agent().start().ready()
    assert agent.hub.finished(agent.hub.command("switch"))["outcome"] == "ok"
    first = agent.fleet.closure("atlas")
    agent.fleet.set_greeting("atlas", "second")
    op_id = agent.hub.command("pull-switch")
    assert agent.hub.finished(op_id)["outcome"] == "ok"
    assert agent.fleet.motd("atlas") == "second"
    op_id = agent.hub.command("rollback")
    assert agent.hub.finished(op_id)["outcome"] == "ok"
    assert agent.fleet.closure("atlas") == first
    assert agent.fleet.motd("atlas") != "second"


def test_busy(new_agent):
    """A second operation is refused with the words each dialect knows."""
    agent = new_agent().start().ready()
    slow_test(agent)
    first = agent.hub.command("test")
    agent.hub.wait("its output", lambda: "begun" in agent.hub.text(first))
    second = agent.hub.command("pull")
    no = agent.hub.expect("command_rejected", op_id=second)
    assert no["code"] == "busy" and no["current_command"] == "test"
    agent.hub.link().send("command", {"command": "pull"})
    no = agent.hub.expect("command_rejected", count=2)
    assert no["reason"] == "command already running"
    assert agent.ask("run", op="pull")[0]["code"] == "busy"
    agent.hub.link().send("stop", {"op_id": first})
    assert agent.hub.finished(first)["outcome"] == "stopped"


def test_small_operations_run_beside(new_agent):
    """What neither writes nor switches need not wait."""
    agent = new_agent().start().ready()
    slow_test(agent)
    first = agent.hub.command("test")
    agent.hub.wait("its output", lambda: "begun" in agent.hub.text(first))
    beside = agent.hub.command("refresh-git")
    assert agent.hub.finished(beside)["outcome"] == "ok"
    agent.ask("stop")
    agent.hub.finished(first)


@pytest.mark.parametrize("dialect", [3, 4])
def test_unknown_operation(new_agent, dialect):
    """Dialect 3: a status; dialect 4: rejected, with the nearest name."""
    agent = new_agent(dialect).start().ready()
    op_id = agent.hub.command("swich")
    if dialect == 3:
        status = agent.hub.expect("status", command="swich")
        assert (status["status"], status["exit_code"],
                status["message"]) == ("error", 1, "unknown command")
    else:
        no = agent.hub.expect("command_rejected", op_id=op_id)
        assert no["code"] == "unknown" and "switch" in no["reason"]
        assert not agent.op_dir(op_id).exists()


@pytest.mark.parametrize("args", [
    {"path": "/etc"}, {"inputs": "x"}, {"inputs": ["--impure"]},
    {"dry": "yes"}])
def test_arguments_are_a_closed_set(op_agent, args):
    """Nothing but what the table says reaches an operation."""
    op_id = op_agent.hub.command("update", args=args)
    no = op_agent.hub.expect("command_rejected", op_id=op_id)
    assert no["code"] == "bad_args"
    assert not op_agent.op_dir(op_id).exists()


def test_same_op_id_runs_once(new_agent):
    """Asked again, it is answered again and not run again."""
    agent = new_agent().start().ready()
    agent.test_script("50-count.sh", script(f"echo x >>{agent.dir}/count"))
    agent.pull()
    op_id = agent.hub.command("test")
    agent.hub.command("test", op_id=op_id)
    agent.hub.finished(op_id)
    agent.hub.command("test", op_id=op_id)
    agent.hub.expect("command_accepted", op_id=op_id, count=3)
    agent.hub.expect("status", op_id=op_id, count=2)
    assert (agent.dir / "count").read_text() == "x\n"
    assert agent.hub.text(op_id) == agent.journal(op_id)


@pytest.mark.parametrize("dialect", [3, 4])
def test_stop_ends_the_job_and_nothing_else(new_agent, dialect):
    """The whole group of the job ends, the agent lives, one status."""
    agent = new_agent(dialect).start().ready()
    pids = agent.dir / "pids"
    slow_test(agent, body=f"""
        trap '' TERM
        sleep 300 & echo $! >>{pids}
        setsid -w sh -c 'trap "" TERM; sleep 300' & echo $! >>{pids}
        echo $$ >>{pids}; echo begun; wait; wait; sleep 300""")
    op_id = agent.hub.command("test")
    wait_for("the job", lambda: pids.exists() and
             len(pids.read_text().split()) == 3)
    if dialect == 3:
        agent.hub.command("stop")
        status = agent.hub.expect("status", command="test")
    else:
        agent.hub.link().send("stop", {"op_id": op_id})
        status = agent.hub.finished(op_id)
        assert status["outcome"] == "stopped"
    assert (status["status"], status["exit_code"]) == ("stopped", 130)
    first, _, shell = [int(p) for p in pids.read_text().split()]
    wait_for("the job's group to end", lambda: not any(
        os.path.exists(f"/proc/{pid}") for pid in (first, shell)))
    assert agent.program.running()
    assert len(agent.hub.links) == 1
    assert len(agent.hub.all("status", command="test")) == 1


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_kill_command(new_agent, signal):
    """Dialect 3's kill_command ends the job only; foreign pids are ignored."""
    agent = new_agent(3).start().ready()
    slow_test(agent)
    agent.hub.command("test")
    agent.hub.expect("output", line="begun")
    agent.hub.link().send("kill_command", {"signal": signal, "pid": 1})
    agent.hub.link().send("kill_command", {"signal": signal, "pid": 0})
    status = agent.hub.expect("status", command="test")
    assert status["status"] == "stopped"
    assert agent.program.running()


def test_stop_with_nothing_running(new_agent):
    """Dialect 3 gets an error status for stop, exit 1."""
    agent = new_agent(3).start().ready()
    agent.hub.command("stop")
    status = agent.hub.expect("status", command="stop")
    assert (status["status"], status["exit_code"]) == ("error", 1)


def test_deadline(new_agent):
    """The operation's own deadline ends it as timed_out."""
    agent = new_agent().start().ready()
    slow_test(agent)
    op_id = agent.hub.command("test", deadline_s=2)
    status = agent.hub.finished(op_id)
    assert status["outcome"] == "timed_out" and "2 s" in status["message"]


def test_huge_and_binary_output(new_agent):
    """A line of 3 MB and binary output pass in pieces and harm nothing."""
    agent = new_agent().start().ready()
    agent.test_script("50-noise.sh", script(
        "head -c 3000000 /dev/zero | tr '\\0' a; echo\n"
        "head -c 300000 /dev/urandom; echo; printf 'a\\0b\\377c\\033[1m\\n'\n"
        "echo end"))
    agent.pull()
    op_id = agent.hub.command("test")
    agent.hub.finished(op_id)
    text = agent.hub.text(op_id)
    assert sum(line.count("a") for line in text) > 3000000
    assert "end" in text
    assert agent.hub.text(op_id) == agent.journal(op_id)
    assert max(agent.hub.sizes) < 512 * 1024


def test_dialect_3_log_is_complete(new_agent):
    """A dialect 3 hub gets every line in order, also of a large log."""
    agent = new_agent(3).start().ready()
    agent.test_script("50-many.sh", script("seq 30000"))
    agent.pull()
    agent.hub.command("test")
    agent.hub.expect("status", 60, command="test")
    lines = [p["line"] for p in agent.hub.all("output")
             if p["line"].isdigit()]
    assert lines == [str(n) for n in range(1, 30001)]


def test_failing_test_counts(new_agent):
    """An earlier failure is not masked by a later success."""
    agent = new_agent().start().ready()
    agent.ask("run", op="pull-switch")
    agent.test_script("00-bad.sh", script("echo broken; exit 3"))
    agent.pull()
    status = agent.hub.finished(agent.hub.command("test"))
    assert status["outcome"] == "failed" and status["exit_code"] != 0
    assert "2 of 3" in status["message"]
    beat = agent.hub.wait("the compartment", lambda: [
        b for b in agent.hub.all("heartbeat") if "update_status" in b and
        b["update_status"]["tests"]["status"] == "error"])[0]
    assert "2 of 3" in beat["update_status"]["tests"]["message"]


def test_failed_build_says_why(new_agent):
    """A build that fails is an outcome with nix's own words."""
    agent = new_agent().start().ready()
    path = agent.fleet.root / "config" / "hosts" / "atlas" / "default.nix"
    path.write_text("{ greeting = throw \"no greeting today\"; "
                    "services = [ ]; }\n")
    agent.fleet.push("Break it")
    status = agent.hub.finished(agent.hub.command("pull-switch"))
    assert status["outcome"] == "failed"
    assert "no greeting today" in "\n".join(
        agent.hub.text(status["op_id"])) + status["message"]
    beat = agent.hub.wait("the compartment", lambda: [
        b for b in agent.hub.all("heartbeat") if "update_status" in b and
        b["update_status"]["system"]["status"] == "error"])[0]
    assert beat["update_status"]["system"]["checked_at"]


def test_restart(new_agent):
    """restart: the outcome is told, then close 1000, then exit 0."""
    agent = new_agent().start().ready()
    link = agent.hub.link()
    op_id = agent.hub.command("restart")
    assert agent.hub.finished(op_id)["outcome"] == "ok"
    assert agent.program.child.wait(15) == 0
    agent.hub.wait("the end of the link", lambda: not link.open)
    assert link.close_code == 1000
    agent.start().ready()
    assert len(agent.hub.all("status", op_id=op_id)) == 1


def test_failed_reboot_is_an_outcome(new_agent, tmp_path):
    """A reboot that cannot be done is said, and the agent lives."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("systemctl", "sudo"):
        (tools / name).write_text(script("echo no such luck >&2; exit 7"))
        (tools / name).chmod(0o755)
    agent = new_agent()
    agent.start(PATH=f"{tools}:{os.environ['PATH']}").ready()
    status = agent.hub.finished(agent.hub.command("reboot"))
    assert status["outcome"] == "failed" and "luck" in status["message"]
    assert agent.program.running()


def test_working_in_heartbeats(new_agent):
    """Heartbeats go on during an operation and say what is at work."""
    agent = new_agent(3).start().ready()
    slow_test(agent)
    agent.hub.command("test")
    beat = agent.hub.wait("the working word", lambda: [
        b for b in agent.hub.all("heartbeat")
        if b["pending_command"] == "test"])[0]
    assert beat["update_status"]["tests"]["status"] == "working"
    assert beat["command_pid"] > 1
    n = len(agent.hub.all("heartbeat"))
    agent.hub.expect("heartbeat", count=n + 3)
    agent.hub.command("stop")
    agent.hub.expect("status", command="test")


def test_secrets_stay_with_the_agent(new_agent):
    """No child's environment or arguments hold a token."""
    agent = new_agent()
    agent.hub.tokens.add("sEcReT-token")
    agent.start(NIXFLEET_TOKEN="sEcReT-token").ready()
    slow_test(agent, body="env; cat /proc/self/environ; echo; echo begun; "
              "sleep 300")
    op_id = agent.hub.command("test")
    agent.hub.wait("its output", lambda: "begun" in agent.hub.text(op_id))
    session = agent.worker(op_id)
    seen = 0
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.getsid(int(pid)) == session:
                for name in ("environ", "cmdline"):
                    with open(f"/proc/{pid}/{name}", "rb") as f:
                        assert b"sEcReT" not in f.read()
                seen += 1
        except OSError:
            pass
    assert seen >= 2
    agent.ask("stop")
    agent.hub.finished(op_id)
    for path in agent.dir.rglob("*"):
        if path.is_file():
            assert b"sEcReT" not in path.read_bytes(), path
    assert json.dumps(agent.hub.all("output")).find("sEcReT") == -1


def test_time_goes_by_cheaply(new_agent):
    """One thread while idle, and next to no processor time."""
    agent = new_agent().start().ready()
    stat = f"/proc/{agent.program.child.pid}/stat"

    def ticks():
        with open(stat) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12]), int(fields[17])

    before, threads = ticks()
    assert threads == 1
    n = len(agent.hub.all("heartbeat"))
    agent.hub.expect("heartbeat", count=n + 5, seconds=15)
    used = (ticks()[0] - before) * 1000 / os.sysconf("SC_CLK_TCK")
    assert used <= 20


def test_local_operations_reach_a_dialect_4_hub(new_agent):
    """The hub hears of what a person on the host did, and who it was."""
    agent = new_agent().start().ready()
    done = agent.ask("run", op="refresh-git")[-1]
    status = agent.hub.finished(done["op_id"])
    assert status["by"] and status["command"] == "refresh-git"
    wait_for("the note that the hub has it",
             (agent.op_dir(done["op_id"]) / "acked").exists)


def test_times_are_in_order(new_agent):
    """Times in a status are ordered: accepted, started, finished."""
    agent = new_agent().start().ready()
    status = agent.hub.finished(agent.hub.command("refresh-git"))
    now = time.time() * 1000
    assert now - 60000 < status["accepted_at"] <= status["started_at"] \
        <= status["finished_at"] <= now
