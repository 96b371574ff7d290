# Evaluates one of our modules with a configuration.
#
#	nix-instantiate --eval --strict --json -E 'import nix/tests/eval.nix {
#	    module = "nixos-agent"; config = { enable = true; … }; }'
#
# `config` is what is below services.nixfleet-agent (or -hub); `extra` is the
# rest of the configuration.  Prints failed assertions, warnings and units.
{
  module,
  config ? { },
  extra ? { },
  library ? ./standin.nix,
  darwin ? false,
}:

let
  lib = import library;
  platform = import ./platform.nix { inherit lib; };
  os = builtins.head (lib.splitString "-" module);
  service = "nixfleet-${lib.last (lib.splitString "-" module)}";
  pkgs = platform.pkgs (darwin || os == "darwin");

  evaluated =
    (lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = [
        platform.${os}
        (../. + "/${module}.nix")
        { services.${service} = config; }
        extra
      ];
    }).config;

  failed = map (a: a.message) (builtins.filter (a: !a.assertion) evaluated.assertions);
in
{
  inherit failed;
  inherit (evaluated) warnings;
}
// lib.optionalAttrs (failed == [ ]) {
  units = builtins.removeAttrs evaluated [
    "assertions"
    "warnings"
    "services"
    "nix"
  ];
}
