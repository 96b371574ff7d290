# Systems for the machine tests: real closures with units that are really
# installed, changed, restarted and removed.  host.json says what is in one.
{
  outputs =
    { self }:
    let
      host = builtins.fromJSON (builtins.readFile ./host.json);
      system =
        more:
        derivation (
          {
            name = "nixos-system-h1-${host.version}";
            system = "@SYSTEM@";
            builder = "/bin/sh";
            PATH = "/usr/bin:/bin";
            args = [ ./build.sh ];
            units = ./units;
            switch = ./switch.sh;
            inherit (host)
              version
              before
              after
              boot
              nft
              build
              inhibitors
              triggers
              ;
            packages = map package (builtins.attrNames host.packages);
            specialisations = "";
            passAsFile = [
              "before"
              "after"
              "boot"
              "nft"
            ];
          }
          // more
        );
      package =
        name:
        derivation {
          inherit name;
          system = "@SYSTEM@";
          builder = "/bin/sh";
          PATH = "/usr/bin:/bin";
          args = [
            "-c"
            "head -c $bytes /dev/zero > $out"
          ];
          bytes = host.packages.${name};
        };
      special = system { name = "nixos-system-h1-${host.version}-special"; };
    in
    {
      nixosConfigurations.h1.config.system.build.toplevel = system (
        if host.specialisations == "" then
          { }
        else
          {
            inherit (host) specialisations;
            inherit special;
          }
      );
      custom = system {
        name = "custom-h1-${host.version}";
        basic = ./build.sh;
        args = [ ./custom.sh ];
      };
    };
}
