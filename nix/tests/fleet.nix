# Two machines: one with the hub and the git server, one host.  The host
# clones over ssh, a commit is pushed, the hub asks for pull-switch, and the
# host builds and activates a real NixOS configuration, the agent's own
# restart included.  Then a second one, and the way back.
{ pkgs, self }:

let
  inherit (pkgs) lib;

  # The server's key and the host's: one that everybody knows will do here.
  keys = import (pkgs.path + "/nixos/tests/ssh-keys.nix") pkgs;
  token = "test-token-for-the-virtual-fleet";
  knownHosts = "server ${keys.snakeOilPublicKey}";
  repository = "ssh://git@server/srv/git/fleet.git";

  # The part of atlas that is the same before and after.
  atlas = {
    imports = [ self.nixosModules.nixfleet-agent ];
    networking.hostName = "atlas";
    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    nix.settings.substituters = lib.mkForce [ ];
    environment.etc."fleet-token".text = token;
    services.nixfleet-agent = {
      enable = true;
      package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      url = "http://server:8000";
      allowInsecureHttp = true;
      tokenFile = "/etc/fleet-token";
      repoUrl = repository;
      sshKeyFile = "/root/deploy-key";
      sshKnownHosts = knownHosts;
      interval = 1;
    };
  };

  # The fleet's flake.  Its inputs are what this test was built from, so
  # nothing is downloaded.
  fleet = pkgs.writeTextDir "flake.nix" ''
    {
      inputs.nixpkgs.url = "path:${pkgs.path}";
      inputs.nixfleet.url = "path:${self}";
      inputs.nixfleet.inputs.nixpkgs.follows = "nixpkgs";
      outputs = { nixpkgs, nixfleet, ... }: {
        nixosConfigurations.atlas = nixpkgs.lib.nixosSystem {
          system = "${pkgs.stdenv.hostPlatform.system}";
          modules = [
            "''${nixpkgs}/nixos/modules/virtualisation/qemu-vm.nix"
            "''${nixpkgs}/nixos/modules/testing/test-instrumentation.nix"
            nixfleet.nixosModules.nixfleet-agent
            ./atlas.nix
          ];
        };
      };
    }
  '';

  atlasFile = pkgs.writeText "atlas.nix" ''
    { lib, ... }:
    {
      networking.hostName = "atlas";
      networking.useDHCP = false;
      networking.interfaces.eth1.ipv4.addresses = [ { address = "192.168.1.1"; prefixLength = 24; } ];
      networking.extraHosts = "192.168.1.2 server";
      boot.loader.grub.enable = false;
      virtualisation.writableStore = true;
      documentation.enable = false;
      nix.settings.experimental-features = [ "nix-command" "flakes" ];
      nix.settings.substituters = lib.mkForce [ ];
      environment.etc."fleet-token".text = "${token}";
      environment.etc."greeting".text = "GREETING";
      services.nixfleet-agent = {
        enable = true;
        url = "http://server:8000";
        allowInsecureHttp = true;
        tokenFile = "/etc/fleet-token";
        repoUrl = "${repository}";
        sshKeyFile = "/root/deploy-key";
        sshKnownHosts = "${knownHosts}";
        interval = 1;
      };
    }
  '';
in
pkgs.testers.runNixOSTest {
  name = "nixfleet-fleet";

  nodes.server =
    { ... }:
    {
      imports = [ self.nixosModules.nixfleet-hub ];
      environment.etc."fleet-token".text = token;
      environment.etc."fleet-password".text = "test-password";
      environment.systemPackages = [ pkgs.git ];
      networking.firewall.enable = false;
      services.nixfleet-hub = {
        enable = true;
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        listen = ":8000";
        agentTokenFile = "/etc/fleet-token";
        passwordHashFile = "/var/lib/fleet-hash";
        repoUrl = repository;
        sshKeyFile = "/root/deploy-key";
        sshKnownHosts = knownHosts;
        settings.NIXFLEET_REPO_POLL = "1s";
        backup.enable = true;
      };
      systemd.services.fleet-hash = {
        before = [ "nixfleet-hub.service" ];
        requiredBy = [ "nixfleet-hub.service" ];
        serviceConfig.Type = "oneshot";
        script = "${pkgs.mkpasswd}/bin/mkpasswd -m yescrypt -s < /etc/fleet-password > /var/lib/fleet-hash";
      };
      services.openssh = {
        enable = true;
        hostKeys = [
          {
            path = "/etc/ssh/fleet_host_key";
            type = "ecdsa";
          }
        ];
      };
      system.activationScripts.fleet-keys = ''
        install -D -m 0400 ${keys.snakeOilPrivateKey} /root/deploy-key
        install -D -m 0600 ${keys.snakeOilPrivateKey} /etc/ssh/fleet_host_key
      '';
      users.groups.git = { };
      users.users.git = {
        isSystemUser = true;
        group = "git";
        home = "/srv/git";
        createHome = true;
        homeMode = "0755";
        shell = "${pkgs.git}/bin/git-shell";
        openssh.authorizedKeys.keys = [ keys.snakeOilPublicKey ];
        packages = [ pkgs.git ];
      };
    };

  nodes.atlas = {
    imports = [ atlas ];
    virtualisation = {
      memorySize = 4096;
      diskSize = 16384;
      cores = 2;
      writableStore = true;
      additionalPaths = [
        pkgs.path
        self
        pkgs.stdenvNoCC
      ];
    };
    # Everything that building a slightly different system needs, and what
    # switches to it, which the test driver leaves out.
    system.includeBuildDependencies = true;
    system.switch.enable = true;
    system.activationScripts.fleet-deploy-key = ''
      install -D -m 0400 ${keys.snakeOilPrivateKey} /root/deploy-key
    '';
  };

  testScript = ''
    import json

    git = "git -C /root/fleet -c user.name=Ada -c user.email=ada@fleet.example"

    def greet(text):
        server.succeed(
            f"sed 's/GREETING/{text}/' ${atlasFile} > /root/fleet/atlas.nix",
            f"{git} add -A",
            f"{git} commit -qm 'Say {text}'",
            f"{git} push -q origin HEAD:main",
        )

    def switch():
        server.succeed("nixfleet run pull-switch atlas", timeout=1800)

    start_all()

    with subtest("a configuration repository behind ssh"):
        server.wait_for_unit("sshd.service")
        server.succeed(
            "git init -q --bare -b main /srv/git/fleet.git",
            "git init -q -b main /root/fleet",
            "cp ${fleet}/flake.nix /root/fleet/",
            f"{git} remote add origin /srv/git/fleet.git",
        )
        # The lock file needs nix, which atlas has.
        atlas.wait_for_unit("multi-user.target")
        atlas.succeed(
            "mkdir -p /tmp/lock && cp ${fleet}/flake.nix /tmp/lock/",
            "touch /tmp/lock/atlas.nix && nix flake lock path:/tmp/lock",
        )
        lock = atlas.succeed("cat /tmp/lock/flake.lock")
        server.succeed(f"printf %s '{lock}' > /root/fleet/flake.lock")
        greet("hello")
        server.succeed("chown -R git:git /srv/git", "git config --system --add safe.directory '*'")

    with subtest("the agent clones by itself, into a directory of its own"):
        server.wait_for_unit("nixfleet-hub.service")
        atlas.wait_for_unit("nixfleet-agent.service")
        atlas.wait_for_file("/var/lib/nixfleet-agent/repo/flake.nix")
        assert "700 nixfleet-agent" in atlas.succeed("stat -c '%a %U' /var/lib/nixfleet-agent/repo")

    with subtest("the agent has neither root nor sudo"):
        pid = atlas.succeed("systemctl show -P MainPID nixfleet-agent").strip()
        atlas.succeed(f"grep -q 'NoNewPrivs:.*1' /proc/{pid}/status")
        atlas.fail(f"grep -q '^Uid:.*\\b0\\b' /proc/{pid}/status")

    with subtest("the operator logs in and sees the host"):
        server.succeed("nixfleet login http://127.0.0.1:8000 --password-file /etc/fleet-password")
        server.wait_until_succeeds("nixfleet hosts --json | grep -q atlas")

    with subtest("pull and switch through the hub"):
        switch()
        atlas.succeed("grep -q hello /etc/greeting")
        first = atlas.succeed("readlink -f /run/current-system").strip()
        atlas.wait_for_unit("nixfleet-agent.service")

    with subtest("a new commit, and again"):
        greet("good-evening")
        switch()
        atlas.succeed("grep -q good-evening /etc/greeting")
        hosts = json.loads(server.succeed("nixfleet hosts --json"))
        assert [h["hostname"] for h in hosts] == ["atlas"]

    with subtest("and back"):
        server.succeed("nixfleet run rollback atlas", timeout=600)
        assert atlas.succeed("readlink -f /run/current-system").strip() == first
        atlas.succeed("grep -q hello /etc/greeting")

    with subtest("a copy of the hub's database"):
        server.succeed("systemctl start nixfleet-hub-backup.service")
        server.succeed("ls /var/lib/nixfleet-hub/backup/nixfleet-*.db")
  '';
}
