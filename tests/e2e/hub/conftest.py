"""Fixtures of the hub's own tests: one hub, fake agents, real sockets."""

import os
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests" / "e2e" / "lib"))

from hub_process import SHARED, Hub  # noqa: E402
from ws_agent import WsAgent  # noqa: E402


@pytest.fixture(scope="session")
def program():
    folder = TOP / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")
    path = (folder / "nixfleet-hub").resolve()
    assert path.exists(), f"{path} is missing: build it first"
    return path


@pytest.fixture
def new_hub(tmp_path, program):
    """A factory of hubs with settings of their own, started."""
    made = []

    def make(**env):
        folder = tmp_path / f"hub{len(made)}"
        folder.mkdir()
        hub = Hub(program, folder, **env)
        made.append(hub)
        return hub.start()

    yield make
    for hub in made:
        code = hub.stop()
        assert code in (None, 0), hub.log.read_text()[-4000:]


@pytest.fixture
def hub(new_hub):
    return new_hub()


@pytest.fixture
def user(hub):
    return hub.client().log_in()


@pytest.fixture
def agent(hub):
    """A factory of agents connected to the hub."""
    made = []

    def make(hostname="atlas", token=SHARED, **options):
        one = WsAgent(hub.address, token, hostname, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.drop()
