# One derivation with an output per program: "out" is the operator's command
# and the manual pages, "agent" the agent and nixfleet-activate, "hub" the hub
# with the dashboard in it.
{
  lib,
  stdenv,
  cacert,
  jansson,
  libuv,
  libwebsockets,
  libxcrypt,
  meson,
  ninja,
  nodejs,
  openssl,
  pkg-config,
  python3,
  scdoc,
  sqlite,
}:

let
  version = lib.fileContents ../VERSION;

  web = ../web;

  # The tools that build the dashboard: npm fetches them, and the hash decides
  # what is accepted.  The name changes with the lock file, so that a tree made
  # from an older one is never taken for this one.
  nodeModules = stdenv.mkDerivation {
    pname = "nixfleet-node-modules";
    version = lib.substring 0 12 (builtins.hashFile "sha256" (web + "/package-lock.json"));
    dontUnpack = true;
    dontFixup = true;
    nativeBuildInputs = [
      cacert
      nodejs
    ];
    impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "npm_config_registry" ];
    buildPhase = ''
      export HOME=$PWD npm_config_cache=$PWD/cache
      cp ${web + "/package.json"} package.json
      cp ${web + "/package-lock.json"} package-lock.json
      sh ${./node-modules.sh}
    '';
    installPhase = "mv node_modules $out";
    outputHashMode = "recursive";
    outputHash = lib.fileContents ./node-modules.hash;
  };

  dashboard = stdenv.mkDerivation {
    pname = "nixfleet-dashboard";
    inherit version;
    src = lib.cleanSourceWith {
      src = web;
      filter =
        path: _:
        !(lib.elem (baseNameOf path) [
          "node_modules"
          "dist"
        ]);
    };
    strictDeps = true;
    nativeBuildInputs = [ nodejs ];
    # Vite writes below node_modules.
    buildPhase = ''
      runHook preBuild
      cp -r --no-preserve=mode ${nodeModules} node_modules
      node node_modules/vite/bin/vite.js build
      runHook postBuild
    '';
    installPhase = ''
      runHook preInstall
      cp -r dist $out
      runHook postInstall
    '';
    passthru = { inherit nodeModules; };
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
    (lib.mesonEnable "tests" false)
  ];

  preConfigure = ''
    cp -r --no-preserve=mode ${dashboard} web/dist
  '';

  # The units and their settings are for systems without our modules; their
  # programs are elsewhere by now.
  postInstall = ''
    rm -rf "$out/lib" "$out/etc"
    moveToOutput bin/nixfleet-agent "$agent"
    moveToOutput bin/nixfleet-activate "$agent"
    moveToOutput bin/nixfleet-hub "$hub"
  '';

  passthru = { inherit dashboard; };

  meta = {
    description = "Keeps NixOS and macOS machines on the configuration in a git repository";
    license = lib.licenses.mit;
    mainProgram = "nixfleet";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
