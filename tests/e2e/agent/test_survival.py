"""What the agent must survive: being killed, a hub or a remote that is away."""

import json
import os
import shutil
import signal
import time

import pytest
from fleet import wait_for


def outcome_once(agent, op_id, outcome):
    """The hub got the log complete and the status once, and said so."""
    status = agent.hub.finished(op_id)
    assert status["outcome"] == outcome, status
    wait_for("the note that the hub has it",
             (agent.op_dir(op_id) / "acked").exists)
    assert agent.hub.text(op_id) == agent.journal(op_id)
    assert len(agent.hub.all("status", op_id=op_id)) == 1
    assert agent.result(op_id)["outcome"] == outcome


def count_script(agent, name, body):
    """A host test that notes each of its runs."""
    agent.test_script(name, f"#!/bin/sh\necho run >>{agent.dir}/runs\n{body}\n")


def runs(agent):
    return (agent.dir / "runs").read_text().count("run")


def gate(agent):
    """A file that a script waits for, and the shell line that waits."""
    path = agent.dir / "gate"
    return path, f"while [ ! -e {path} ]; do sleep 0.05; done"


def test_killed_while_the_worker_works(new_agent):
    """The next agent finds the worker and goes on where it was."""
    agent = new_agent().start().ready()
    path, wait = gate(agent)
    count_script(agent, "00-slow.sh", f"seq 2000; {wait}; seq 2000")
    agent.pull()
    op_id = agent.hub.command("test")
    wait_for("its output", lambda: (agent.op_dir(op_id) / "log").exists()
             and agent.journal(op_id))
    agent.kill()
    agent.start()
    agent.hub.link()
    assert agent.ask("status")[0]["operation"]["op_id"] == op_id
    path.touch()
    outcome_once(agent, op_id, "failed")
    assert runs(agent) == 1
    assert agent.hub.text(op_id).count("1") == 2


def test_worker_ends_while_the_agent_is_away(new_agent):
    """A result that came meanwhile is told by the next agent."""
    agent = new_agent().start().ready()
    path, wait = gate(agent)
    count_script(agent, "00-slow.sh", f"echo before; {wait}; echo after")
    agent.pull()
    op_id = agent.hub.command("test")
    agent.worker(op_id)
    agent.kill()
    path.touch()
    wait_for("the result", (agent.op_dir(op_id) / "result.json").exists)
    agent.start()
    outcome_once(agent, op_id, "failed")
    assert agent.ask("status")[0]["compartments"]["tests"]["status"] == \
        "error"
    assert runs(agent) == 1


def test_agent_and_worker_killed(new_agent):
    """Nothing can go on: interrupted, said once, and not busy for ever."""
    agent = new_agent().start().ready()
    _, wait = gate(agent)
    count_script(agent, "00-slow.sh", f"echo before; {wait}")
    agent.pull()
    op_id = agent.hub.command("test")
    agent.hub.wait("its output", lambda: "before" in agent.hub.text(op_id))
    worker = agent.worker(op_id)
    agent.kill()
    os.killpg(worker, signal.SIGKILL)
    agent.start()
    outcome_once(agent, op_id, "interrupted")
    again = agent.hub.command("pull")
    assert agent.hub.finished(again)["outcome"] == "ok"
    assert runs(agent) == 1


def test_worker_killed_alone(new_agent):
    """A worker that is killed is an outcome; its children are gone."""
    agent = new_agent().start().ready()
    count_script(agent, "00-slow.sh",
                 f"echo $$ >{agent.dir}/pid; echo before; sleep 300")
    agent.pull()
    op_id = agent.hub.command("test")
    agent.hub.wait("its output", lambda: "before" in agent.hub.text(op_id))
    os.kill(agent.worker(op_id), signal.SIGKILL)
    outcome_once(agent, op_id, "interrupted")
    pid = (agent.dir / "pid").read_text().strip()
    wait_for("the script to end", lambda: not os.path.exists(f"/proc/{pid}"))


def test_killed_between_request_and_worker(new_agent):
    """A request on disk that nobody began is begun by the next agent."""
    agent = new_agent().start().ready()
    agent.kill()
    op_id = "01J0000000000000000000000A"
    agent.op_dir(op_id).mkdir()
    (agent.op_dir(op_id) / "request.json").write_text(json.dumps({
        "op_id": op_id, "op": "refresh-git", "by": "tester", "origin": "hub",
        "dialect": 4, "deadline_s": 60,
        "accepted_at": int(time.time() * 1000)}))
    agent.start()
    outcome_once(agent, op_id, "ok")


def test_killed_between_result_and_hub(new_agent):
    """A result that the hub has not acknowledged is told again."""
    agent = new_agent()
    agent.hub.ack_status = False
    agent.start().ready()
    op_id = agent.hub.command("refresh-git")
    agent.hub.finished(op_id)
    agent.kill()
    agent.hub.ack_status = True
    agent.start()
    agent.hub.expect("status", op_id=op_id, count=2)
    wait_for("the note that the hub has it",
             (agent.op_dir(op_id) / "acked").exists)
    agent.kill()
    agent.start().ready()
    agent.hub.expect("heartbeat", count=len(agent.hub.all("heartbeat")) + 2)
    assert len(agent.hub.all("status", op_id=op_id)) == 2


def slow_activation(agent):
    """A switch whose activation waits at the gate; its op_id."""
    path, wait = gate(agent)
    program = agent.fleet.root / "modules" / "activate.sh"
    text = program.read_text().replace(
        'live=', f'echo run >>{agent.dir}/runs\necho waiting\n{wait}\nlive=',
        1)
    program.write_text(text)
    from fleet import git
    git("commit", "-qam", "Wait at the gate", cwd=program.parent)
    git("push", "-q", "origin", "main", cwd=program.parent)
    agent.fleet.nix("flake", "update", cwd=agent.fleet.root / "config")
    agent.fleet.push("Use it")
    op_id = agent.hub.command("pull-switch")
    agent.hub.wait("the activation", lambda: "waiting" in
                   agent.hub.text(op_id), 60)
    return op_id, path


def test_everything_killed_during_the_activation(new_agent):
    """Agent and worker killed while the system changes: it is followed to its
    end, and its outcome is told."""
    agent = new_agent().start().ready()
    op_id, path = slow_activation(agent)
    worker = agent.worker(op_id)
    agent.kill()
    os.killpg(worker, signal.SIGKILL)
    agent.start()
    agent.hub.link()
    path.touch()
    outcome_once(agent, op_id, "ok")
    text = agent.hub.text(op_id)
    assert text.count("waiting") == 1 and runs(agent) == 1
    assert any("motd is now" in line for line in text)
    wait_for("the compartment", lambda: agent.ask("status")[0]
             ["compartments"]["system"]["status"] == "ok")


def test_worker_killed_during_the_activation(new_agent):
    """The agent starts another worker, which follows the activation."""
    agent = new_agent().start().ready()
    op_id, path = slow_activation(agent)
    os.kill(agent.worker(op_id), signal.SIGKILL)
    path.touch()
    outcome_once(agent, op_id, "ok")
    assert runs(agent) == 1


def test_stop_during_the_activation(new_agent):
    """An activation is not torn in half."""
    agent = new_agent().start().ready()
    op_id, path = slow_activation(agent)
    agent.hub.link().send("stop", {"op_id": op_id})
    agent.hub.expect("heartbeat", count=len(agent.hub.all("heartbeat")) + 3)
    path.touch()
    status = agent.hub.finished(op_id)
    assert status["outcome"] == "ok"
    assert runs(agent) == 1


def test_hub_away_in_the_middle(new_agent):
    """Every line arrives once, in order, though the hub came and went."""
    agent = new_agent().start().ready()
    count_script(agent, "00-many.sh",
                 "for i in $(seq 60); do echo line $i; sleep 0.05; done")
    agent.pull()
    op_id = agent.hub.command("test")
    for n in (5, 20, 40):
        agent.hub.wait("some lines", lambda n=n: f"line {n}" in
                       agent.hub.text(op_id))
        agent.hub.stop()
        agent.hub.start()
    outcome_once(agent, op_id, "failed")
    lines = [line for line in agent.hub.text(op_id)
             if line.startswith("line ")]
    assert lines == [f"line {i}" for i in range(1, 61)]


def test_dialect_3_hub_away_in_the_middle(new_agent):
    """Dialect 3 has no numbers: still every line, and exactly one status."""
    agent = new_agent(3).start().ready()
    count_script(agent, "00-many.sh",
                 "for i in $(seq 60); do echo line $i; sleep 0.05; done")
    agent.pull()
    agent.hub.command("test")
    agent.hub.expect("output", line="line 5")
    agent.hub.stop()
    agent.hub.start()
    agent.hub.expect("status", command="test")
    lines = [p["line"] for p in agent.hub.all("output")
             if p["line"].startswith("line ")]
    assert list(dict.fromkeys(lines)) == [f"line {i}" for i in range(1, 61)]
    assert len(agent.hub.all("status")) == 1


@pytest.mark.parametrize("dialect", [3, 4])
def test_hub_that_forgot_everything(new_agent, dialect):
    """Agent killed and hub away: the status comes when both are back."""
    agent = new_agent(dialect).start().ready()
    path, wait = gate(agent)
    count_script(agent, "00-slow.sh", f"echo before; {wait}")
    agent.pull()
    agent.hub.command("test")
    wait_for("the run", lambda: (agent.dir / "runs").exists())
    agent.hub.stop()
    agent.kill()
    agent.start()
    path.touch()
    agent.hub.start()
    agent.hub.expect("status", command="test")
    n = len(agent.hub.all("heartbeat"))
    agent.hub.expect("heartbeat", count=n + 3)
    assert len(agent.hub.all("status", command="test")) == 1
    assert runs(agent) == 1


def test_back_pressure(new_agent):
    """Without acknowledgements at most 256 KiB of the log are under way."""
    agent = new_agent()
    agent.hub.ack_output = False
    agent.start().ready()
    agent.test_script("00-many.sh", "#!/bin/sh\nseq 300000\n")
    agent.pull()
    op_id = agent.hub.command("test")
    wait_for("the result", (agent.op_dir(op_id) / "result.json").exists)
    n = len(agent.hub.all("heartbeat"))
    agent.hub.expect("heartbeat", count=n + 2)
    sent = sum(len(line) + 1 for line in agent.hub.text(op_id))
    assert 0 < sent <= 256 * 1024
    assert not agent.hub.all("status", op_id=op_id)
    agent.hub.ack_output = True
    agent.hub.links[-1].drop()
    agent.hub.finished(op_id)
    assert agent.hub.text(op_id) == agent.journal(op_id)


def test_remote_away_at_the_start(new_agent):
    """No clone is no reason to exit; the reason is told; a pull mends it."""
    agent = new_agent()
    bare = agent.fleet.root / "config.git"
    bare.rename(bare.with_suffix(".away"))
    agent.start()
    agent.hub.link()
    status = wait_for("the failure", lambda: [
        s for s in [agent.ask("status")[0]] if s["repo"].get("failure")])[0]
    assert status["repo"]["failure_text"]
    assert status["compartments"]["git"]["status"] == "error"
    beat = agent.hub.wait("the failure at the hub", lambda: [
        b for b in agent.hub.all("heartbeat")
        if b.get("facts", {}).get("repo", {}).get("failure")])[0]
    assert beat["update_status"]["git"]["status"] == "error"
    assert agent.program.running()
    refused = agent.hub.finished(agent.hub.command("switch"))
    assert refused["outcome"] == "failed" and "pull" in refused["message"]
    bare.with_suffix(".away").rename(bare)
    assert agent.hub.finished(agent.hub.command("pull"))["outcome"] == "ok"
    agent.hub.wait("the good news", lambda: [
        b for b in agent.hub.all("heartbeat")
        if b.get("facts", {}).get("repo", {}).get("head")
        and not b["facts"]["repo"].get("failure")])


def test_remote_comes_back_by_itself(new_agent):
    """A first clone that failed is tried again without being asked."""
    agent = new_agent()
    bare = agent.fleet.root / "config.git"
    bare.rename(bare.with_suffix(".away"))
    agent.start()
    agent.hub.link()
    wait_for("the failure", lambda: agent.ask("status")[0]["repo"]
             .get("failure"))
    bare.with_suffix(".away").rename(bare)
    wait_for("the clone", (agent.state / "repo" / "flake.nix").exists, 60)


def test_damaged_state(new_agent):
    """A damaged state.json is set aside; the agent starts and says so."""
    agent = new_agent().start().ready()
    agent.end()
    (agent.state / "state.json").write_bytes(b"\x00" * 100)
    (agent.state / "ops" / "01J0000000000000000000000A").mkdir()
    op = agent.state / "ops" / "01J0000000000000000000000B"
    op.mkdir()
    (op / "request.json").write_text("{")
    (op / "result.json").write_text("nonsense")
    agent.start().ready()
    assert (agent.state / "state.json.damaged").exists()
    assert "damaged" in agent.log.read_text()
    op_id = agent.hub.command("pull")
    assert agent.hub.finished(op_id)["outcome"] == "ok"


def test_state_survives_a_restart(new_agent):
    """Compartments and identity are the same after a restart."""
    agent = new_agent().start().ready()
    agent.ask("run", op="switch")
    before = agent.ask("status")[0]["compartments"]
    first = agent.hub.all("register")[0]["agent_id"]
    agent.kill()
    agent.start().ready()
    assert agent.ask("status")[0]["compartments"] == before
    assert agent.hub.all("register")[-1]["agent_id"] == first


def test_legacy_checkout(new_agent):
    """NIXFLEET_NIXCFG works, with its warning, and is never reset."""
    agent = new_agent()
    work = agent.dir / "checkout"
    work.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(agent.fleet.root / "config", work)
    (work / "mine").write_text("keep me")
    agent.start(NIXFLEET_REPO_URL=None, NIXFLEET_NIXCFG=str(work))
    agent.hub.link()
    rev = agent.fleet.set_greeting("atlas", "legacy")
    status = agent.hub.finished(agent.hub.command("pull"))
    assert status["outcome"] == "ok" and status["generation"] == rev
    assert (work / "mine").read_text() == "keep me"
    assert "deprecated" in agent.log.read_text()
    assert agent.hub.all("heartbeat")[-1] is not None
    assert "deprecated" in agent.ask("status")[0]["compartments"]["git"][
        "message"]
