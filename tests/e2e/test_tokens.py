"""A host's own token, from enrolment to revocation and back."""

from fleet import wait_for


def test_revoked_and_accepted_again(new_fleet):
    """A host that was revoked and is accepted again comes back by itself,
    with another token, and its log says what it did."""
    fleet = new_fleet()
    fleet.start()
    kept = fleet.root / "hosts" / "atlas" / "state" / "token"
    log = fleet.root / "hosts" / "atlas" / "agent.log"
    first = wait_for("a token of its own", lambda: kept.exists() and
                     kept.read_text())

    def liveness():
        return fleet.api.hosts()["atlas"]["liveness"]

    fleet.api.call("DELETE", "/api/hosts/atlas/token")
    wait_for("the cut", lambda: liveness() != "connected")
    # The own one, then the shared one.
    wait_for("both to be refused", lambda: log.read_text().count(
        '"msg":"the hub refuses this host (revoked)') >= 2, 60)
    assert "trying the shared" in log.read_text()
    assert liveness() != "connected" and kept.read_text() == first
    fleet.api.post("/api/hosts/atlas/accept")
    wait_for("the host to come back", lambda: liveness() == "connected", 150)
    wait_for("another token", lambda: kept.read_text() != first)
    fleet.agents["atlas"].check()
    assert "enrolled: this host has a token of its own" in log.read_text()
