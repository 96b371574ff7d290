"""docs/how-to/rotate.md: what it says about a host's own token, typed as it
stands there, against a real hub."""

import pathlib
import subprocess

from hub_process import SHARED
from ws_agent import WsAgent

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/how-to/rotate.md"


def shell(hub, text):
    text = text.replace("https://fleet.example", "http://%s:%d" % hub.address)
    assert "fleet.example" not in text
    done = subprocess.run(["bash", "-euc", text], cwd=hub.folder, text=True,
                          capture_output=True)
    assert done.returncode == 0, text + done.stdout + done.stderr
    return done.stdout


# Revoking cuts the host off for good, accepting lets the machine enrol again,
# and it gets another token than before.
def test_own_token(hub, user):
    blocks = [b for b in PAGE.read_text().split("```\n")
              if "curl" in b]
    revoke, accept = blocks
    agent = WsAgent(hub.address, SHARED, "atlas")
    first = agent.token
    assert first != SHARED
    (hub.folder / "password").write_text(hub.password)
    shell(hub, revoke)
    user.wait(lambda: user.host("atlas")["identity"] == "revoked")
    agent.drop()
    shell(hub, revoke.split("curl -s -X")[0] + accept)
    agent = WsAgent(hub.address, SHARED, "atlas")
    assert agent.token not in (SHARED, first)
    assert user.host("atlas")["identity"] == "own"
    agent.drop()
