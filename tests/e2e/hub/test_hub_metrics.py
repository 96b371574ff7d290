"""GET /metrics: who may read it, and that it is OpenMetrics."""

import re
import subprocess

import pytest

from hub_process import SHARED
from ws_agent import WsAgent

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = rf'({NAME})="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
SUFFIX = {"gauge": "", "counter": "_total", "info": "_info"}


def parse(text):
    """{name: {labels: value}} of a strict reading; AssertionError if bad."""
    assert text.endswith("\n# EOF\n") and "\n\n" not in text
    found, family, seen, said = {}, None, set(), set()
    for line in text.split("\n")[:-2]:
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            assert word in ("TYPE", "UNIT", "HELP"), line
            if word == "TYPE":
                assert name not in seen, f"{name} comes twice"
                seen.add(name)
                family, kind, said = name, rest, set()
                assert kind in SUFFIX, line
            assert name == family and word not in said, line
            said.add(word)
            if word == "UNIT":
                assert name.endswith("_" + rest), line
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert family and match[1] == family + SUFFIX[kind], line
        labels = tuple(sorted((m[0], m[1]) for m in
                              re.findall(LABEL, match[2] or "")))
        assert len(dict(labels)) == len(labels), line
        value = float(match[match.re.groups])
        assert kind != "counter" or value >= 0, line
        assert labels not in found.setdefault(match[1], {}), line
        found[match[1]][labels] = value
    return found


@pytest.mark.parametrize("bad", [
    "nixfleet_x 1\n# EOF\n", "# TYPE a gauge\na 1\n",
    "# TYPE a counter\na 1\n# EOF\n", "# TYPE a gauge\na{b=c} 1\n# EOF\n",
    "# TYPE a gauge\na 1\na 2\n# EOF\n", "# TYPE a gauge\na x\n# EOF\n",
    "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n"])
def test_reader_is_strict(bad):
    """The reader below would see what a scraper refuses."""
    with pytest.raises((AssertionError, ValueError)):
        parse(bad)


def value(found, name, **labels):
    return found["nixfleet_" + name][tuple(sorted(labels.items()))]


def test_figures(hub, agent, user):
    """What happens in the fleet is counted, and the text is OpenMetrics."""
    one = agent("atlas")
    agent("borg").close()
    one.heartbeat(facts={"repo": {
        "last_success": "2026-01-02T03:04:05Z", "failure": "host_key"}})
    user.wait(lambda: user.host("atlas")["facts"])
    item = user.ask("pull", "atlas")["results"][0]
    command = one.command()
    one.status(command, "failed", 1)
    user.wait_operation(item["command_id"], outcome="failed")
    user.wait(lambda: user.host("borg")["status"] == "offline")
    user.get("/api/hosts/atlas/refresh")
    answer = user.get("/metrics")
    assert answer.headers["content-type"].startswith(
        "application/openmetrics-text; version=1.0.0")
    found = parse(answer.text)
    assert value(found, "hosts", liveness="connected") == 1
    assert value(found, "hosts", liveness="stopped") == 1
    assert value(found, "hosts", liveness="conflict") == 0
    assert value(found, "host_online", host="atlas") == 1
    assert value(found, "host_online", host="borg") == 0
    assert value(found, "host_repository_success_time_seconds",
                 host="atlas") == 1767323045
    assert value(found, "host_repository_failing", host="atlas",
                 status="host_key") == 1
    assert value(found, "operations_total", outcome="failed") == 1
    assert value(found, "operations_total", outcome="ok") == 0
    assert value(found, "operations_open", state="running") == 0
    assert value(found, "websockets") == 1
    assert value(found, "store_jobs_total", result="done") > 0
    assert value(found, "store_jobs_total", result="failed") == 0
    assert 0 <= value(found, "loop_lag_seconds") < 60
    assert 0 <= value(found, "store_latency_seconds") < 60
    assert sum(v for k, v in found["nixfleet_compartments"].items()
               if ("compartment", "git") in k) == 2
    user.ask("pull", "borg")
    found = parse(user.get("/metrics").text)
    assert value(found, "operations_open", state="queued") == 1


def test_who_may_read(new_hub, tmp_path):
    """A token of its own is good for the figures and for nothing else."""
    token = tmp_path / "metrics-token"
    token.write_text("scrape-me\n")
    hub = new_hub(NIXFLEET_METRICS_TOKEN_FILE=str(token))
    nobody, scraper = hub.client(), hub.client()
    scraper.bearer = "scrape-me"
    assert nobody.get("/metrics").status == 401
    assert nobody.get("/metrics", Authorization="Bearer x").status == 401
    assert nobody.get("/metrics",
                      Authorization=f"Bearer {SHARED}").status == 401
    parse(scraper.get("/metrics").text)
    assert scraper.get("/api/hosts").status == 401
    assert hub.client().log_in_api().get("/metrics").status == 200


def test_words_of_a_host(agent, user):
    """However many reasons a host makes up for a failed fetch, they are one
    label: a scraper's series stay few."""
    one = agent("atlas")
    for word in "odd", 'host_key"\\', "x" * 1000:
        one.heartbeat(facts={"repo": {"failure": word}})
        user.wait(lambda: (user.host("atlas")["facts"] or {}).get(
            "repo", {}).get("failure") == word)
        found = parse(user.get("/metrics").text)
        assert found["nixfleet_host_repository_failing"] == {
            (("host", "atlas"), ("status", "other")): 1}


def test_off(new_hub):
    """Where nobody is to read them, a session does not help."""
    user = new_hub(NIXFLEET_METRICS="off").client().log_in_api()
    assert user.get("/metrics").status == 404


def test_behind(new_hub, tmp_path):
    """Commits between a host's revision and the newest, from the mirror."""
    work = tmp_path / "config"

    def git(*args):
        return subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example", *args],
            cwd=work, check=True, capture_output=True, text=True).stdout

    work.mkdir()
    git("init", "-q", "-b", "main")
    for n in range(3):
        git("commit", "-q", "--allow-empty", "-m", f"commit {n}")
    hub = new_hub(NIXFLEET_REPO_URL=f"file://{work}")
    user = hub.client().log_in_api()
    one = WsAgent(hub.address, SHARED, "atlas")
    one.heartbeat(generation=git("rev-list", "--max-parents=0", "HEAD").strip())
    user.wait(lambda: user.host("atlas")["compartments"]["git"]["behind"] == 2)
    found = parse(user.get("/metrics").text)
    assert value(found, "host_behind_commits", host="atlas") == 2
    assert value(found, "repository_up") == 1
    one.drop()
