"""Runs the browser tests: on a pretended hub, then on a real fleet."""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "demo"))

from fleet import HOSTS, Fleet, FleetError  # noqa: E402


def install():
    """Bring the tests' own packages, once for each lock file."""
    mark = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime:
        return
    print("browser: npm ci in tests/browser", flush=True)
    subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True)
    mark.touch()


def push_command(fleet):
    """A shell command that commits a change to every host and pushes it."""
    return " && ".join((
        f"cd {shlex.quote(str(fleet.root / 'config'))}",
        "sed -i 's/greeting = \"/greeting = \"Hello. /' hosts/*/default.nix",
        "git -c user.name=Ada -c user.email=ada@fleet.example"
        " commit -qam 'Greet politely'",
        "git push -q",
    ))


def run(args, env):
    tests = [HERE / "dashboard.spec.mjs"]
    if "NIXFLEET_TEST_URL" in env:
        tests = [HERE / "main_path.spec.mjs"]
    command = ["node", "--test", "--test-reporter=spec", *map(str, tests)]
    env = {**os.environ, "NIXFLEET_TEST_CHROMIUM": args.chromium, **env}
    return subprocess.run(command, cwd=HERE, env=env).returncode


def real_fleet(args, root):
    fleet = Fleet(root, args.bin)
    try:
        fleet.create()
        fleet.start()
        env = {
            "NIXFLEET_TEST_URL": f"http://127.0.0.1:{fleet.port}",
            "NIXFLEET_TEST_PASSWORD": fleet.password,
            "NIXFLEET_TEST_PUSH": push_command(fleet),
            "NIXFLEET_TEST_HOSTS": str(len(HOSTS)),
        }
        if args.shot:
            env["NIXFLEET_TEST_SHOT"] = str(args.shot.resolve())
        return run(args, env)
    except FleetError as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1
    finally:
        fleet.stop()
        fleet.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--shot", type=pathlib.Path,
                        help="leave a screenshot of the real fleet here")
    parser.add_argument("--only", choices=("mock", "fleet"))
    args = parser.parse_args()

    install()
    status = 0
    if args.only != "fleet":
        status |= run(args, {})
    if args.only != "mock":
        with tempfile.TemporaryDirectory(prefix="nixfleet-browser-") as tmp:
            status |= real_fleet(args, pathlib.Path(tmp) / "fleet")
    return status


if __name__ == "__main__":
    sys.exit(main())
