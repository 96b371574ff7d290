"""Fixtures of the hub's own tests: one hub, fake agents, real sockets."""

import pytest

from hub_process import SHARED, Hub
from ws_agent import WsAgent


@pytest.fixture
def new_hub(tmp_path, bin_dir):
    """A factory of hubs with settings of their own, started."""
    made = []

    def make(**env):
        folder = tmp_path / f"hub{len(made)}"
        folder.mkdir()
        hub = Hub(bin_dir / "nixfleet-hub", folder, **env)
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
