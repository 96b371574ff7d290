# One derivation with an output per program: "out" is the operator's command
# and the manual pages, "agent" the agent and nixfleet-activate, "hub" the hub
# with the dashboard in it.
{
  lib,
  stdenv,
  buildNpmPackage,
  importNpmLock,
  installShellFiles,
  jansson,
  libuv,
  libwebsockets,
  libxcrypt,
  meson,
  ninja,
  openssl,
  pkg-config,
  python3,
  scdoc,
  sqlite,
  # The lock file of the dashboard names no registry, only versions and hashes;
  # the hashes decide what is accepted, wherever it comes from.
  npmRegistry ? "https://registry.yarnpkg.com",
}:

let
  version = lib.fileContents ../VERSION;

  web = ../web;

  # node_modules/a/node_modules/@scope/name → @scope/name
  npmName = path: lib.last (lib.splitString "node_modules/" path);

  npmUrl =
    name: version:
    "${npmRegistry}/${name}/-/${lib.last (lib.splitString "/" name)}-${version}.tgz";

  lock = lib.importJSON (web + "/package-lock.json");

  npmDeps = importNpmLock {
    npmRoot = web;
    package = lib.importJSON (web + "/package.json");
    packageLock = lock // {
      packages = lib.mapAttrs (
        path: module:
        if module ? integrity then
          module // { resolved = npmUrl (module.name or (npmName path)) module.version; }
        else
          module
      ) lock.packages;
    };
  };

  dashboard = buildNpmPackage {
    pname = "nixfleet-dashboard";
    inherit version npmDeps;
    inherit (importNpmLock) npmConfigHook;
    src = lib.cleanSourceWith {
      src = web;
      filter = path: _: !(lib.elem (baseNameOf path) [
        "node_modules"
        "dist"
      ]);
    };
    installPhase = ''
      runHook preInstall
      cp -r dist $out
      runHook postInstall
    '';
  };

  # Our loop is libuv's: built in, not a plugin looked up when it runs.
  websockets = libwebsockets.overrideAttrs (old: {
    cmakeFlags = (old.cmakeFlags or [ ]) ++ [
      "-DLWS_WITH_LIBUV=ON"
      "-DLWS_WITH_EVLIB_PLUGINS=OFF"
    ];
  });
in
stdenv.mkDerivation {
  pname = "nixfleet";
  inherit version;

  src = lib.cleanSourceWith {
    src = ../.;
    filter =
      path: _:
      let
        below = lib.removePrefix (toString ../. + "/") (toString path);
      in
      !(lib.elem below [
        ".git"
        "build"
        "result"
        "web/node_modules"
        "web/dist"
        "nix"
        "flake.nix"
        "flake.lock"
      ]);
  };

  outputs = [
    "out"
    "agent"
    "hub"
  ];

  strictDeps = true;
  nativeBuildInputs = [
    installShellFiles
    meson
    ninja
    pkg-config
    python3
    scdoc
  ];
  buildInputs = [
    jansson
    libuv
    libxcrypt
    openssl
    sqlite
    websockets
  ];

  # The tests need git, ssh, nix and a network of their own: "make check".
  mesonFlags = [
    (lib.mesonEnable "dashboard" true)
    (lib.mesonBool "werror" false)
  ];

  preConfigure = ''
    cp -r --no-preserve=mode ${dashboard} web/dist
  '';

  postInstall =
    ''
      moveToOutput bin/nixfleet-agent "$agent"
      moveToOutput bin/nixfleet-activate "$agent"
      moveToOutput bin/nixfleet-hub "$hub"
    ''
    + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      for shell in bash zsh fish; do
        $out/bin/nixfleet completion $shell > nixfleet.$shell
      done
      installShellCompletion --cmd nixfleet --bash nixfleet.bash \
        --zsh nixfleet.zsh --fish nixfleet.fish
    '';

  passthru = { inherit dashboard; };

  meta = {
    description = "Keeps NixOS and macOS machines on the configuration in a git repository";
    license = lib.licenses.mit;
    mainProgram = "nixfleet";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
