# nix-darwin: a launchd daemon.  It runs as root, because on macOS activation
# has no service of its own yet.
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
    platform = "darwin";
  };
  state = "/var/lib/nixfleet-agent";

  # Without nix.enable nix-darwin knows no package: Nix is then what its
  # installer keeps in the default profile.
  nix = if config.nix.enable then "${config.nix.package}" else "/nix/var/nix/profiles/default";

  jobs = import ./launchd.nix {
    inherit lib state;
    inherit (common) program;
    log = "/var/log/nixfleet-agent.log";
    environment = common.environment common.files // {
      HOME = "/var/root";
      PATH = lib.concatStringsSep ":" [
        "${nix}/bin"
        "${pkgs.gitMinimal}/bin"
        "${pkgs.openssh}/bin"
        "/usr/bin:/bin:/usr/sbin:/sbin"
      ];
      NIXFLEET_STATE_DIR = state;
    };
  };
in
{
  options.services.nixfleet-agent = import ./agent-options.nix {
    inherit lib pkgs;
    platform = "darwin";
  };

  config = lib.mkIf cfg.enable {
    inherit (common) assertions warnings;

    environment.systemPackages = [ cfg.package ];

    launchd.daemons.nixfleet-agent.serviceConfig = jobs.agent;
    launchd.daemons.nixfleet-agent-log.serviceConfig = jobs.log;
  };
}
