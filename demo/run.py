"""`make demo`: a fleet to play with; `make demo-tour`: the same, unattended."""

import argparse
import os
import pathlib
import signal
import socket
import sys
import time

from fleet import HERE, HOSTS, Fleet, FleetError, wait_for


def welcome(fleet):
    config = fleet.root / "config"
    shown = os.path.relpath(config)
    print(f"""
  Dashboard   http://127.0.0.1:{fleet.port}
  Password    {fleet.password}

  Three things to try
  1. Change a host and push; the dashboard shows the hosts fall behind:
       sed -i 's/Welcome to/Hello from/' {shown}/hosts/*/default.nix
       git -C {shown} commit -qam 'Say hello' && git -C {shown} push -q
  2. On the dashboard select all hosts and choose "Pull and switch"; then:
       cat {os.path.relpath(fleet.root)}/hosts/*/live/motd
  3. From a shell:
       {os.path.relpath(fleet.bin)}/nixfleet login http://127.0.0.1:{fleet.port}
       {os.path.relpath(fleet.bin)}/nixfleet run test --all

  Ctrl-C stops everything and deletes {os.path.relpath(fleet.root)}/.
""", flush=True)


def demo(fleet):
    fleet.create()
    fleet.start()
    welcome(fleet)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        print("\nStopping.")


class Steps:
    """Prints each step of the tour with its duration."""

    def __init__(self):
        self.began = time.monotonic()

    def done(self, text):
        now = time.monotonic()
        print(f"  {now - self.began:6.2f} s  {text}", flush=True)
        self.began = now


def tour(fleet):
    steps = Steps()
    fleet.create()
    steps.done("sample configuration made and locked with nix")
    fleet.start()
    steps.done(f"hub and {len(HOSTS)} agents started, cloned and connected")
    for host in HOSTS:
        fleet.set_greeting(host, f"The tour was on {host}.")
    steps.done("three commits pushed")

    def behind():
        hosts = fleet.api.hosts().values()
        return all(h["compartments"]["git"]["behind"] == 3 for h in hosts)

    wait_for("every host to be shown 3 commits behind", behind)
    steps.done("the hub shows every host 3 commits behind")
    for host, op_id in fleet.api.dispatch("pull-switch", HOSTS).items():
        operation = fleet.api.finished(op_id)
        if operation["outcome"] != "ok":
            log = "\n".join(fleet.api.output(op_id)[-20:])
            raise FleetError(
                f"{host}: {operation['outcome']}: {operation['message']}\n{log}"
            )
        phases = ", ".join(
            f"{p['name']} {p['ms']} ms" for p in operation["phases"]
        )
        steps.done(f"{host} pulled and switched ({phases})")
    for host in HOSTS:
        wanted = fleet.nix(
            "eval", "--raw",
            f"git+file://{fleet.root}/config.git?rev={fleet.head()}"
            f"#fleet.{host}.outPath",
        )
        if fleet.closure(host) != wanted:
            raise FleetError(f"{host} runs {fleet.closure(host)}, not {wanted}")
        if fleet.motd(host) != f"The tour was on {host}.":
            raise FleetError(f"{host} greets with {fleet.motd(host)!r}")
    steps.done("every host runs the closure of the new revision")
    fleet.stop()
    steps.done("stopped")


def taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("demo", "tour"))
    parser.add_argument("--bin", default=HERE.parent / "build" / "bin")
    parser.add_argument("--dir", type=pathlib.Path)
    parser.add_argument("--port", type=int)
    args = parser.parse_args()

    port = args.port or (8000 if args.what == "demo" else None)
    if port and taken(port):
        sys.exit(f"demo: port {port} is taken, perhaps by another demo; stop "
                 "that, or run demo/run.py demo --port PORT --dir DIR")
    fleet = Fleet(args.dir or HERE.parent / "build" / args.what, args.bin, port)
    if fleet.root.exists():
        if not (fleet.root / "modules.git").exists() and any(
            fleet.root.iterdir()
        ):
            sys.exit(f"demo: {fleet.root} is not a demo's directory; "
                     "give another one with --dir")
        fleet.remove()
    # Ctrl-C counts even where the caller had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        {"demo": demo, "tour": tour}[args.what](fleet)
    except FleetError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        # A second Ctrl-C must not cut the clean-up short.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        fleet.stop()
        if fleet.root.exists():
            fleet.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
