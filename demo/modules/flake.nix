{
  description = "Shared building blocks of the sample fleet";

  outputs = { self }: {
    # A host's closure: files below etc/ and a program that puts them in
    # place.  Plain derivations, so nothing is downloaded to build it.
    lib.mkHost =
      {
        name,
        system,
        root,
        greeting,
        services,
        seconds ? 2,
      }:
      let
        etc = derivation {
          name = "${name}-etc";
          inherit system greeting seconds;
          services = builtins.concatStringsSep " " services;
          builder = "/bin/sh";
          args = [ ./build-etc.sh ];
        };
      in
      derivation {
        name = "fleet-${name}";
        inherit system etc root;
        host = name;
        builder = "/bin/sh";
        args = [ ./build-closure.sh ];
        activate = ./activate.sh;
      };
  };
}
