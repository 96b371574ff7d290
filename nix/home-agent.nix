# home-manager: a user's launchd agent on macOS, a systemd user service on
# Linux.  It activates home-manager configurations as that user.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.nixfleet-agent;
  common = import ./agent-common.nix {
    inherit lib pkgs cfg;
    platform = "home";
  };
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  home = config.home.homeDirectory;
  state = "${home}/.local/state/nixfleet-agent";

  nix = if config.nix.package == null then pkgs.nix else config.nix.package;

  environment = common.environment common.files // {
    PATH = lib.concatStringsSep ":" [
      "${nix}/bin"
      "${pkgs.gitMinimal}/bin"
      "${pkgs.openssh}/bin"
      (if isDarwin then "/usr/bin:/bin:/usr/sbin:/sbin" else "/run/current-system/sw/bin:/usr/bin:/bin")
    ];
    NIXFLEET_STATE_DIR = state;
  };

  jobs = import ./launchd.nix {
    inherit lib environment state;
    inherit (common) program;
    log = "${home}/Library/Logs/nixfleet-agent.log";
  };
in
{
  options.services.nixfleet-agent = import ./agent-options.nix {
    inherit lib pkgs;
    platform = "home";
  };

  config = lib.mkIf cfg.enable {
    inherit (common) assertions warnings;

    home.packages = [ cfg.package ];

    systemd.user.services = lib.optionalAttrs (!isDarwin) {
      nixfleet-agent = {
        Unit = {
          Description = "NixFleet agent";
          Documentation = "man:nixfleet-agent(8)";
          StartLimitIntervalSec = 0;
          # Who brings the secrets, if anybody does.
          After = [
            "agenix.service"
            "sops-nix.service"
          ];
        };
        Service = {
          ExecStart = common.program;
          Environment = lib.mapAttrsToList (
            name: value:
            # systemd expands % in what it reads.
            builtins.replaceStrings [ "%" ] [ "%%" ] (builtins.toJSON "${name}=${toString value}")
          ) environment;
          # A worker and its activation go on when the agent is restarted.
          KillMode = "process";
          Restart = "always";
          RestartSec = 1;
          SuccessExitStatus = 101;
          NoNewPrivileges = true;
          UMask = "0077";
        };
        Install.WantedBy = [ "default.target" ];
      };
    };

    launchd.agents = lib.optionalAttrs isDarwin {
      nixfleet-agent = {
        enable = true;
        config = jobs.agent;
      };
      nixfleet-agent-log = {
        enable = true;
        config = jobs.log;
      };
    };
  };
}
