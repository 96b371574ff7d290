"""Runs the browser tests against a real hub with three real agents."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "demo"))

from fleet import Fleet  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--chromium", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(
        prefix="nixfleet-browser-", ignore_cleanup_errors=True
    ) as root:
        fleet = Fleet(pathlib.Path(root) / "fleet", args.bin)
        try:
            fleet.create()
            fleet.start()
            env = {
                **os.environ,
                "NIXFLEET_TEST_URL": f"http://127.0.0.1:{fleet.port}",
                "NIXFLEET_TEST_PASSWORD": fleet.password,
                "NIXFLEET_TEST_CONFIG": str(fleet.root / "config"),
                "NIXFLEET_TEST_CHROMIUM": args.chromium,
            }
            specs = sorted(str(p) for p in HERE.glob("*.spec.mjs"))
            done = subprocess.run(["node", "--test", *specs], env=env)
            return done.returncode
        finally:
            fleet.stop()
            fleet.remove()


if __name__ == "__main__":
    sys.exit(main())
