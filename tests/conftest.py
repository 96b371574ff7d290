"""What all tests share: folders that do not outlive a test that passed."""

import shutil
import subprocess

import pytest

FAILED = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed


@pytest.fixture
def tmp_path(tmp_path, request):
    """/tmp may be memory, and a nix store in it is read-only."""
    yield tmp_path
    if not request.node.stash.get(FAILED, False):
        subprocess.run(["chmod", "-R", "u+w", tmp_path],
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(tmp_path, ignore_errors=True)
