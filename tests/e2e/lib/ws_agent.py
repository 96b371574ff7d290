"""A test agent that speaks dialect 3 or 4 to a hub."""

import time

from ws_client import WsClient


class WsAgent(WsClient):
    def __init__(self, address, token, hostname, dialect=4, agent_id=None,
                 register=True, **options):
        headers = {"Authorization": f"Bearer {token}"}
        headers.update(options.pop("headers", {}))
        super().__init__(address, headers=headers, **options)
        self.token = token
        self.hostname = hostname
        self.dialect = dialect
        self.agent_id = agent_id or f"agent-{hostname}"
        self.registered = None
        if register:
            self.register()

    def register(self, resume=None, **more):
        """Register and return the payload of `registered`."""
        payload = {
            "hostname": self.hostname, "host_type": "nixos",
            "agent_version": "0.1.0", "os_version": "24.05",
            "nixpkgs_version": "24.05.1", "generation": "abc1234",
            "theme_color": "", "heartbeat_interval": 5, "location": "home",
            "device_type": "desktop", "repo_url": "git@example:fleet",
            "repo_dir": "/var/lib/nixfleet-agent/repo",
        }
        if self.dialect >= 4:
            payload.update(dialect=4, agent_id=self.agent_id, kind="nixos",
                           resume=resume or {})
        payload.update(more)
        self.send("register", payload)
        self.registered = self.recv_type("registered")["payload"]
        self.token = self.registered.get("token") or self.token
        self.heartbeat()
        return self.registered

    def heartbeat(self, **more):
        payload = {"generation": "abc1234", "nixpkgs_version": "24.05.1",
                   "pending_command": None, "command_pid": None,
                   "metrics": {"cpu": 1.5, "ram": 20.0, "swap": 0.0,
                               "load": 0.1}}
        if self.dialect >= 4:
            # Without facts a heartbeat says: as before.
            payload["facts"] = {}
        payload.update(more)
        self.send("heartbeat", payload)

    def command(self, timeout=10):
        """The payload of the next command; accepted in dialect 4."""
        payload = self.recv_type("command", timeout)["payload"]
        if self.dialect >= 4:
            self.send("command_accepted", {"op_id": payload["op_id"]})
        return payload

    def output(self, command, lines, seq=1):
        """Lines of an operation: a batch, or one message each."""
        if self.dialect < 4:
            for line in lines:
                self.send("output", {"line": line, "stream": "stdout",
                                     "command": command["command"],
                                     "is_error": False})
            return
        self.send("output", {
            "op_id": command["op_id"], "seq": seq,
            "ts": int(time.time() * 1000),
            "lines": [{"t": line, "s": "stdout"} for line in lines]})

    def status(self, command, outcome="ok", exit_code=0, **more):
        payload = {"status": "ok" if outcome == "ok" else "error",
                   "command": command["command"], "exit_code": exit_code,
                   "message": "", "generation": "abc1234"}
        if self.dialect >= 4:
            payload.update(op_id=command["op_id"], outcome=outcome,
                           last_seq=0, phases=[], changes=None)
        payload.update(more)
        self.send("status", payload)
