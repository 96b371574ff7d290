# Options of services.nixfleet-agent.  What all platforms share is here; each
# module adds its own.  `platform` is "nixos", "darwin" or "home".
{
  lib,
  pkgs,
  platform,
}:

let
  inherit (lib) mkOption types;
  onNixos = platform == "nixos";
  # A path that is read at run time: never a Nix path literal, which would be
  # copied to the store for everybody to read.
  filePath = if platform == "home" then types.str else types.path;
in
{
  enable = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether to run the NixFleet agent: it keeps a private clone of the
      fleet's configuration repository and builds and activates this host's
      configuration from it when the hub, or somebody on this host, asks, or
      when the branch moves (`follow.mode`).
    '';
  };

  package = mkOption {
    type = types.package;
    default = pkgs.callPackage ./package.nix { };
    defaultText = lib.literalExpression "nixfleet.packages.\${system}.nixfleet";
    description = "The NixFleet package.";
  };

  url = mkOption {
    type = types.nullOr types.str;
    default = "";
    example = "https://fleet.example";
    description = ''
      Address of the hub. `https://` and `wss://` are understood, with or
      without `/ws` at the end. `null` means that there is no hub: the agent
      then serves the `nixfleet` command on this host, and follows the branch
      by itself if `follow.mode` says so.
    '';
  };

  tokenFile = mkOption {
    type = types.nullOr filePath;
    default = null;
    example =
      if platform == "home" then
        lib.literalExpression "config.sops.secrets.nixfleet-token.path"
      else
        "/run/agenix/nixfleet-token";
    description = ''
      File with the token that this host enrols at the hub with: the bare
      token, or a line `NIXFLEET_TOKEN=…`. After the first contact the host
      has a token of its own, kept in its state directory.

      On NixOS systemd reads the file as root and hands it to the agent, so it
      may belong to root and have mode 0400. Elsewhere the user that the agent
      runs as must be able to read it.
    '';
  };

  repoUrl = mkOption {
    type = types.str;
    default = "";
    example = "ssh://git@git.example/fleet.git";
    description = ''
      Git address of the fleet's configuration repository (ssh, https or
      file). The agent keeps a clone of its own, which nobody else can write
      and which it replaces when it has to. Exactly one of `repoUrl` and
      `configRepo` is set.
    '';
  };

  configRepo = mkOption {
    type = types.str;
    default = "";
    example = "/home/ada/nixcfg";
    description = ''
      Deprecated: a checkout that belongs to a person. It is pulled in place,
      never reset, and stays in that person's way. Use `repoUrl`.
    '';
  };

  branch = mkOption {
    type = types.str;
    default = "main";
    example = "production";
    description = "Branch of the configuration that this host follows.";
  };

  sshKeyFile = mkOption {
    type = types.nullOr filePath;
    default = null;
    example = "/run/agenix/nixfleet-deploy-key";
    description = ''
      Private key that git reads the repository with over ssh, for example a
      deploy key. It must have no passphrase.

      On NixOS systemd reads the file as root and hands it to the agent.
      Elsewhere it belongs to the user that the agent runs as, with mode 0600.
    '';
  };

  sshKnownHosts = mkOption {
    type = types.lines;
    default = "";
    example = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      Host keys of the git server, as in `known_hosts` (`ssh-keyscan` prints
      them). Empty: the first contact records the key, and only that key is
      accepted from then on.
    '';
  };

  repoTokenFile = mkOption {
    type = types.nullOr filePath;
    default = null;
    example = "/run/agenix/nixfleet-repo-token";
    description = "File with the token that git uses over https.";
  };

  depth = mkOption {
    type = types.ints.between 0 1000000;
    default = 0;
    example = 1;
    description = ''
      Commits of history in the clone; 0 is all of it. A small number saves
      disk and the first download of a very large repository. The price is
      that older commits are not there to be counted or listed.
    '';
  };

  submodules = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Check out the git submodules of the configuration, also those inside
      submodules, and build with them. They are fetched from the
      repository's own server with its key or token, or from any other over
      https without one.
    '';
  };

  upkeep = mkOption {
    type = types.str;
    default = "24h";
    example = "7d";
    description = ''
      How often every byte of the clone is checked, and the clone packed,
      when nothing else runs. "0": never.
    '';
  };

  interval = mkOption {
    type = types.ints.between 1 3600;
    default = 5;
    example = 30;
    description = "Seconds between heartbeats.";
  };

  keepGenerations = mkOption {
    type = types.ints.between 0 1000;
    default = 0;
    example = 20;
    description = ''
      How many generations of the profile stay after an activation. What
      runs, was booted, or would come back with a rollback always stays.
      0: all stay.
    '';
  };

  follow = {
    mode = mkOption {
      type = types.enum (
        [
          "off"
          "pull"
          "switch"
        ]
        ++ lib.optional onNixos "boot"
      );
      default = "off";
      example = "switch";
      description = ''
        What this host does by itself when the branch moves: nothing, `pull`
        (fetch it), `switch` (build and activate it), or, on NixOS, `boot`
        (prepare it for the next boot). It works with and without a hub. A
        revision that fails is not tried again until the branch moves or
        somebody asks for it.
      '';
    };

    interval = mkOption {
      type = types.str;
      default = "5m";
      example = "1h";
      description = "How often to look whether the branch moved.";
    };

    jitter = mkOption {
      type = types.str;
      default = "1m";
      example = "15m";
      description = ''
        Each host waits a part of this, always the same, after its start and
        after the beginning of a window, so that not all come at once.
      '';
    };

    window = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "Mon-Fri 22:00-06:00"
        "Sun 00:00-24:00"
      ];
      description = ''
        Hours of the week, in this host's time zone, in which it follows; it may
        go over midnight. Empty: always. What somebody asks for is done at any
        time.
      '';
    };
  }
  // lib.optionalAttrs onNixos {
    rebootWindow = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "Sun 03:00-05:00" ];
      description = ''
        Hours of the week in which the machine is restarted if what was
        followed needs it (another kernel, initrd or kernel modules), once for
        each system. Empty: never.
      '';
    };
  };

  logLevel = mkOption {
    type = types.enum [
      "debug"
      "info"
      "warn"
      "error"
    ];
    default = "info";
    example = "debug";
    description = "Least level that is logged.";
  };

  hostname = mkOption {
    type = types.str;
    default = "";
    example = "atlas";
    description = ''
      Name of this host in the fleet and in the flake. Empty: the system's
      own name up to the first dot.
    '';
  };

  version = mkOption {
    type = types.str;
    default = "";
    example = "3.1.5";
    description = ''
      Version to report to the hub; empty: the real one. A NixFleet v3 hub
      shows a host as outdated unless it reports the hub's own version.
    '';
  };

  nixpkgsVersion = mkOption {
    type = types.str;
    default = "";
    example = "26.05";
    description = "Version of nixpkgs to report; empty: the agent finds out.";
  };

  themeColor = mkOption {
    type = types.strMatching "(#[0-9a-fA-F]{6})?";
    default = "";
    example = "#769ff0";
    description = "Colour of this host on the dashboard; empty: the hub chooses.";
  };

  location = mkOption {
    type = types.enum [
      "home"
      "work"
      "cloud"
      "office"
      "mobile"
      "other"
    ];
    default = "home";
    example = "cloud";
    description = "Where this host is, for the dashboard.";
  };

  deviceType = mkOption {
    type = types.enum [
      "server"
      "desktop"
      "laptop"
      "gaming"
      "vm"
      "container"
      "other"
    ];
    default = "desktop";
    example = "server";
    description = "What this host is, for the dashboard.";
  };

  caFile = mkOption {
    type = types.nullOr filePath;
    default = null;
    example = "/etc/ssl/fleet-ca.pem";
    description = ''
      Certificates to trust for the hub instead of the system's, and for https
      probes (`confirmProbes`) besides them.
    '';
  };

  pinnedPubkey = mkOption {
    type = types.str;
    default = "";
    example = "sha256//YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=";
    description = "Public key that the hub must have, as curl writes it.";
  };

  allowInsecureHttp = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether a hub without TLS is allowed that is not on this machine. The
      token then crosses the network for everybody to read.
    '';
  };

  flakeAttr = mkOption {
    type = types.str;
    default = "";
    example = "nixosConfigurations.atlas.config.system.build.toplevel";
    description = "Attribute of the flake to build; empty: by kind and name.";
  };

  rebuildCommand = mkOption {
    type = types.str;
    default = "";
    example = "sudo nixos-rebuild";
    description = ''
      Command to use instead of NixFleet's own activation. It runs as the
      agent's user; allowing it `sudo` is up to you. On NixOS the agent's
      sandbox is then mostly taken away, because the command runs inside it.
    '';
  };

  settings = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      NIXFLEET_BUILD_TIMEOUT = "8h";
    };
    description = ''
      Any other setting of the agent by its own name, see
      `docs/reference/settings.md`. It comes before what the other options
      say. Everybody can read it in the Nix store: secrets belong in files.
    '';
  };
}
// lib.optionalAttrs onNixos {
  user = mkOption {
    type = types.str;
    default = "";
    example = "ada";
    description = ''
      User that the agent runs as. Empty: a user of its own, `nixfleet-agent`.
      With `configRepo` it must be the owner of that checkout.
    '';
  };

  confirmProbes = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [
      "tcp://127.0.0.1:5432"
      "within=10 status=200 https://www.example/health"
      "exec:/run/current-system/sw/bin/check-mail --quick"
    ];
    description = ''
      What has to be well after a switch for it to stay: a port that takes
      connections, a page with a status from 200 to 399 (or the one that
      `status=` names), a program that ends with 0, run as the agent's user.
      Each may take 5 seconds, or `within=` so many, and is tried again until
      the time for the confirmation is over; then the host goes back. What
      failed before the switch already does not count.
    '';
  };

  activateMode = mkOption {
    type = types.enum [
      "switch"
      "test-then-commit"
    ];
    default = "switch";
    example = "test-then-commit";
    description = ''
      When the profile and the boot entry change: with the switch, or, with
      `test-then-commit`, only after the new system has proved itself. A host
      that loses its power in between then boots the old system.
    '';
  };

  preseed = mkOption {
    type = types.nullOr types.path;
    default = null;
    example = "/var/lib/fleet.bundle";
    description = ''
      A git bundle, or a directory with a repository, that the first clone is
      made from when the host has none yet, for hosts that see the repository
      late or through a thin line. It must contain `branch`. Everything
      later comes from `repoUrl`.
    '';
  };
}
// lib.optionalAttrs (platform == "home") {
  backupExtension = mkOption {
    type = types.str;
    default = "backup";
    example = "before-home-manager";
    description = "Suffix that home-manager gives to files that are in its way.";
  };
}
