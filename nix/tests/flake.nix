# The flake's outputs with a stand-in nixpkgs, and what package.nix asks of
# nixpkgs, with its builders replaced by what they were given.
{
  library ? ./standin.nix,
}:

let
  lib = import library;
  platform = import ./platform.nix { inherit lib; };
  systems = [
    "x86_64-linux"
    "aarch64-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];

  self = (import ../../flake.nix).outputs {
    inherit self;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs systems (system: platform.pkgs (lib.hasSuffix "darwin" system));
    };
  };

  package = import ../package.nix {
    inherit lib;
    stdenv = {
      mkDerivation = given: given // { outPath = "/${given.pname}"; };
      buildPlatform.canExecute = _: true;
      hostPlatform = { };
    };
    cacert = "cacert";
    libwebsockets.overrideAttrs = f: f { };
    jansson = "jansson";
    libuv = "libuv";
    libxcrypt = "libxcrypt";
    meson = "meson";
    ninja = "ninja";
    nodejs = "nodejs";
    openssl = "openssl";
    pkg-config = "pkg-config";
    python3 = "python3";
    scdoc = "scdoc";
    sqlite = "sqlite";
  };
  inherit (package.passthru) dashboard;
  inherit (dashboard.passthru) nodeModules;
in
{
  outputs = lib.mapAttrs (_: builtins.attrNames) self;
  packages = lib.mapAttrs (_: builtins.attrNames) self.packages;
  modules = map builtins.pathExists [
    self.nixosModules.default
    self.nixosModules.nixfleet-agent
    self.nixosModules.nixfleet-hub
    self.darwinModules.default
    self.homeManagerModules.default
  ];
  package = {
    inherit (package) version outputs mesonFlags;
    dashboard = dashboard.buildPhase;
    nodeModules = {
      inherit (nodeModules) outputHash version;
    };
  };
}
