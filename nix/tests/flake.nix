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

  importNpmLock = {
    npmConfigHook = "hook";
    __functor = _: given: given;
  };
  package = import ../package.nix {
    inherit lib importNpmLock;
    stdenv = {
      mkDerivation = given: given;
      buildPlatform.canExecute = _: true;
      hostPlatform = { };
    };
    buildNpmPackage = given: given // { outPath = "/dashboard"; };
    libwebsockets.overrideAttrs = f: f { };
    installShellFiles = "installShellFiles";
    jansson = "jansson";
    libuv = "libuv";
    libxcrypt = "libxcrypt";
    meson = "meson";
    ninja = "ninja";
    openssl = "openssl";
    pkg-config = "pkg-config";
    python3 = "python3";
    scdoc = "scdoc";
    sqlite = "sqlite";
  };
  lock = package.passthru.dashboard.npmDeps.packageLock.packages;
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
    unresolved = builtins.filter (path: path != "" && !(lock.${path} ? resolved)) (
      builtins.attrNames lock
    );
    scoped = lock."node_modules/@preact/signals".resolved;
    plain = lock."node_modules/vite".resolved;
  };
}
