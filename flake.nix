{
  description = "NixFleet keeps NixOS and macOS machines on the configuration in a git repository";

  # No flake.lock: whoever uses this brings the nixpkgs of their own system
  # (inputs.nixfleet.inputs.nixpkgs.follows = "nixpkgs").
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      darwin = [
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = systems: f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});

      modules = os: {
        nixfleet-agent = ./nix + "/${os}-agent.nix";
        default = ./nix + "/${os}-agent.nix";
      };

      # What "make demo" and "make check" need, so that nothing is installed.
      tools =
        pkgs: with pkgs; [
          git
          gnumake
          meson
          ninja
          nix
          nodejs
          openssh
          pkg-config
          (python3.withPackages (p: [
            p.pytest
            p.pytest-xdist
          ]))
          scdoc
        ];
    in
    {
      overlays.default = final: _: {
        nixfleet = final.callPackage ./nix/package.nix { };
      };

      packages = each (linux ++ darwin) (
        pkgs:
        let
          nixfleet = pkgs.callPackage ./nix/package.nix { };
        in
        {
          inherit nixfleet;
          default = nixfleet;
          nixfleet-agent = nixfleet.agent;
          nixfleet-hub = nixfleet.hub;
          inherit (nixfleet) dashboard;
        }
      );

      nixosModules = modules "nixos" // {
        nixfleet-hub = ./nix/nixos-hub.nix;
      };
      darwinModules = modules "darwin";
      homeManagerModules = modules "home";

      apps = each linux (
        pkgs:
        let
          nixfleet = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
          demo = pkgs.writeShellApplication {
            name = "nixfleet-demo";
            runtimeInputs = [
              pkgs.git
              pkgs.nix
              pkgs.openssh
              pkgs.python3
            ];
            # The programs of all outputs in one folder, and a copy of the
            # demo that can be written to.
            text = ''
              work=$(mktemp -d)
              trap 'rm -rf "$work"' EXIT
              mkdir "$work/bin"
              ln -s ${nixfleet}/bin/* ${nixfleet.agent}/bin/* ${nixfleet.hub}/bin/* "$work/bin/"
              cp -r ${./demo} "$work/demo"
              chmod -R u+w "$work/demo"
              python3 "$work/demo/run.py" "''${1:-demo}" --bin "$work/bin" --dir "$work/fleet"
            '';
          };
        in
        {
          default = {
            type = "app";
            program = "${demo}/bin/nixfleet-demo";
            meta.description = "A hub and three agents on a sample fleet, until Ctrl-C";
          };
        }
      );

      devShells = each (linux ++ darwin) (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.default ];
          packages =
            tools pkgs
            ++ (with pkgs; [
              clang-tools
              cmocka
              gnupg
              groff
              jq
              nixfmt
              openssl
              sqlite
              universal-ctags
            ])
            ++ lib.optionals pkgs.stdenv.hostPlatform.isLinux [
              pkgs.ccache
              pkgs.chromium
              pkgs.clang
            ];
        };
      });

      formatter = each (linux ++ darwin) (pkgs: pkgs.nixfmt-tree);

      checks = each linux (
        pkgs:
        let
          nixfleet = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        in
        {
          package = nixfleet;

          # Every module with the real library and the stand-in: both must agree.
          modules =
            pkgs.runCommand "nixfleet-modules"
              {
                nativeBuildInputs = [
                  pkgs.nix
                  (pkgs.python3.withPackages (p: [ p.pytest ]))
                ];
                NIXFLEET_NIXPKGS_LIB = "${nixpkgs}/lib";
              }
              ''
                export HOME=$TMPDIR NIX_STATE_DIR=$TMPDIR/state
                cp -r --no-preserve=mode ${./.} source
                cd source
                pytest -q -p no:cacheprovider tests/nix/test_modules.py tests/nix/test_pages.py
                touch $out
              '';

          format = pkgs.runCommand "nixfleet-format" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
            find ${./.} -name '*.nix' -exec nixfmt --check {} +
            touch $out
          '';

          fleet = import ./nix/tests/fleet.nix { inherit pkgs self; };
        }
      );
    };
}
