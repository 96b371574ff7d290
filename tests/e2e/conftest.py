"""Shared fixtures: where the programs are, and a whole fleet of processes."""

import os
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "demo"))
sys.path.insert(0, str(TOP / "tests" / "e2e" / "lib"))

from fleet import Fleet  # noqa: E402


@pytest.fixture(scope="session")
def bin_dir():
    """The folder with the programs under test."""
    path = (TOP / os.environ.get("NIXFLEET_TEST_BIN", "build/bin")).resolve()
    assert (path / "nixfleet-agent").exists(), f"no programs in {path}"
    return path


@pytest.fixture
def new_fleet(tmp_path, bin_dir):
    """A factory of fleets with repositories but nothing running yet."""
    made = []

    def make(hosts=("atlas",)):
        fleet = Fleet(tmp_path / f"fleet{len(made)}", bin_dir, hosts=hosts)
        made.append(fleet)
        fleet.create()
        return fleet

    yield make
    for fleet in made:
        fleet.stop()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, bin_dir):
    """One running fleet of one host for all tests of a file."""
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), bin_dir, hosts=("atlas",))
    fleet.create()
    fleet.start()
    yield fleet
    fleet.stop()
