# The options of NixOS, nix-darwin and home-manager that our modules set, as
# far as they set them; and packages that are only names.
{ lib }:

let
  inherit (lib) mkOption types;
  anything =
    default:
    mkOption {
      type = types.anything;
      inherit default;
    };
  attrs = mkOption {
    type = types.attrsOf types.anything;
    default = { };
  };

  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };

  common = {
    options = {
      assertions = mkOption {
        type = types.listOf types.anything;
        default = [ ];
      };
      warnings = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
    };
  };
in
{
  pkgs = isDarwin: {
    stdenv.hostPlatform = { inherit isDarwin; };
    callPackage =
      _: _:
      package "nixfleet"
      // {
        agent = package "nixfleet-agent";
        hub = package "nixfleet-hub";
      };
    writeText = name: _: (package name).outPath;
    runtimeShell = "${package "bash"}/bin/bash";
    nix = package "nix";
    gitMinimal = package "git";
    openssh = package "openssh";
    sqlite = package "sqlite";
    coreutils = package "coreutils";
  };

  nixos = {
    imports = [ common ];
    options = {
      nix.package = anything (package "nix");
      environment.systemPackages = anything [ ];
      users.users = attrs;
      users.groups = attrs;
      networking.firewall.allowedTCPPorts = anything [ ];
      systemd.services = attrs;
      systemd.sockets = attrs;
    };
  };

  darwin =
    { config, ... }:
    {
      imports = [ common ];
      options = {
        nix.enable = anything true;
        nix.package = anything (
          if config.nix.enable then package "nix" else throw "nix.package: accessed when `nix.enable` is off"
        );
        environment.systemPackages = anything [ ];
        launchd.daemons = attrs;
      };
    };

  home = {
    imports = [ common ];
    options = {
      nix.package = anything null;
      home.packages = anything [ ];
      home.homeDirectory = anything "/home/ada";
      systemd.user.services = attrs;
      launchd.agents = attrs;
    };
  };
}
