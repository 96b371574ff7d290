# What the agent's modules share: from options to the agent's environment,
# assertions that say what to write, and the warning about configRepo.
{
  lib,
  pkgs,
  cfg,
  platform,
}:

let
  inherit (lib) optional optionals hasPrefix;
  name = "services.nixfleet-agent";

  # "" where there are none.
  hours = lib.concatStringsSep ", ";

  words = value: if value == true then "true" else toString value;

  set = lib.filterAttrs (_: value: value != null && value != "" && value != false);

  files = {
    inherit (cfg)
      tokenFile
      sshKeyFile
      repoTokenFile
      caFile
      ;
  };

  deployKey = lib.optionalString (cfg.sshKeyFile == null) (
    "  ${name}.sshKeyFile = \"/run/agenix/nixfleet-deploy-key\";  # for ssh\n"
  );

  agenix = ''
    agenix's home-manager module leaves its directory to a shell, unless you write:
      age.secretsDir = "''${config.home.homeDirectory}/.agenix";
  '';

  inStore = file: file != null && hasPrefix builtins.storeDir (toString file);
  literal = file: builtins.isPath file;

  fileAssertions = lib.concatLists (
    lib.mapAttrsToList (option: file: [
      {
        assertion = !(inStore file || literal file) || option == "caFile";
        message = ''
          ${name}.${option} is a file in the Nix store, which everybody can read.
          Write the path as a string, of a file that is on the host at run time:
            ${name}.${option} = "/run/agenix/nixfleet";
        '';
      }
      {
        assertion = file == null || literal file || hasPrefix "/" (toString file);
        message = ''
          ${name}.${option} is "${toString file}", which is not an absolute path.
          Write for example:
            ${name}.${option} = "/run/agenix/nixfleet";
          ${lib.optionalString (hasPrefix "$" (toString file)) agenix}'';
      }
    ]) files
  );
in
{
  # Files as they are; a module may put others in their place.
  inherit files;

  environment =
    files:
    set {
      NIXFLEET_URL = cfg.url;
      NIXFLEET_TOKEN_FILE = files.tokenFile;
      NIXFLEET_REPO_URL = cfg.repoUrl;
      NIXFLEET_NIXCFG = cfg.configRepo;
      NIXFLEET_BRANCH = cfg.branch;
      NIXFLEET_SSH_KEY = files.sshKeyFile;
      NIXFLEET_SSH_KNOWN_HOSTS =
        if cfg.sshKnownHosts == "" then
          null
        else
          pkgs.writeText "nixfleet-known-hosts" (cfg.sshKnownHosts + "\n");
      NIXFLEET_REPO_TOKEN_FILE = files.repoTokenFile;
      NIXFLEET_REPO_DEPTH = words cfg.depth;
      NIXFLEET_REPO_SUBMODULES = words cfg.submodules;
      NIXFLEET_REPO_UPKEEP = cfg.upkeep;
      NIXFLEET_INTERVAL = words cfg.interval;
      NIXFLEET_KEEP_GENERATIONS = words cfg.keepGenerations;
      NIXFLEET_FOLLOW = cfg.follow.mode;
      NIXFLEET_FOLLOW_INTERVAL = cfg.follow.interval;
      NIXFLEET_FOLLOW_JITTER = cfg.follow.jitter;
      NIXFLEET_FOLLOW_WINDOW = hours cfg.follow.window;
      NIXFLEET_REBOOT_WINDOW = hours (cfg.follow.rebootWindow or [ ]);
      NIXFLEET_LOG_LEVEL = cfg.logLevel;
      NIXFLEET_HOSTNAME = cfg.hostname;
      NIXFLEET_AGENT_VERSION = cfg.version;
      NIXFLEET_NIXPKGS_VERSION = cfg.nixpkgsVersion;
      NIXFLEET_THEME_COLOR = cfg.themeColor;
      NIXFLEET_LOCATION = cfg.location;
      NIXFLEET_DEVICE_TYPE = cfg.deviceType;
      NIXFLEET_CA_FILE = files.caFile;
      NIXFLEET_PINNED_PUBKEY = cfg.pinnedPubkey;
      NIXFLEET_ALLOW_INSECURE_HTTP = if cfg.allowInsecureHttp then "true" else "";
      NIXFLEET_FLAKE_ATTR = cfg.flakeAttr;
      NIXFLEET_REBUILD_COMMAND = cfg.rebuildCommand;
      NIXFLEET_CONFIRM_PROBES = lib.concatStringsSep ", " (cfg.confirmProbes or [ ]);
      NIXFLEET_ACTIVATE_MODE = cfg.activateMode or null;
      NIXFLEET_BACKUP_EXTENSION = cfg.backupExtension or null;
      NIXFLEET_HOST_KIND = platform;
      NIXFLEET_ACTIVATE = "${cfg.package.agent or cfg.package}/bin/nixfleet-activate";
    }
    // cfg.settings;

  program = "${cfg.package.agent or cfg.package}/bin/nixfleet-agent";

  warnings = optional (cfg.configRepo != "") ''
    ${name}.configRepo is deprecated and will be removed: the agent should
    have a clone of its own instead of a person's checkout. Find the address with
      git -C ${cfg.configRepo} remote get-url origin
    and write, instead of ${name}.configRepo = "${cfg.configRepo}":
      ${name}.repoUrl = "<that address>";
      ${name}.branch = "${cfg.branch}";
    ${deployKey}'';

  assertions = [
    {
      assertion = cfg.url != "";
      message = ''
        ${name}.url is not set. Write the hub's address:
          ${name}.url = "https://fleet.example";
        or, for a host without a hub:
          ${name}.url = null;
      '';
    }
    {
      assertion = cfg.url == null || cfg.tokenFile != null;
      message = ''
        ${name}.tokenFile is not set. Write the path of a file with the hub's shared token:
          ${name}.tokenFile = "/run/agenix/nixfleet-token";
      '';
    }
    {
      assertion =
        cfg.url == null
        || cfg.allowInsecureHttp
        || !(hasPrefix "http://" cfg.url || hasPrefix "ws://" cfg.url)
        || builtins.match "[a-z]+://(localhost|127\\.[0-9.]+|\\[::1])([:/].*)?" cfg.url != null;
      message = ''
        ${name}.url is "${toString cfg.url}", which has no TLS and is not this machine.
        Write https:// or wss://, or, knowing that the token can then be read on the way:
          ${name}.allowInsecureHttp = true;
      '';
    }
    {
      assertion = cfg.repoUrl != "" || cfg.configRepo != "";
      message = ''
        ${name}.repoUrl is not set. Write the git address of the configuration:
          ${name}.repoUrl = "ssh://git@git.example/fleet.git";
      '';
    }
    {
      assertion = cfg.repoUrl == "" || cfg.configRepo == "";
      message = ''
        ${name}.repoUrl and ${name}.configRepo are both set.
        Remove the line ${name}.configRepo = "${cfg.configRepo}";
        the agent's own clone of ${cfg.repoUrl} takes its place.
      '';
    }
    {
      assertion = cfg.configRepo == "" || hasPrefix "/" cfg.configRepo;
      message = ''
        ${name}.configRepo is "${cfg.configRepo}", which is not an absolute path.
        Better than a path is a clone of the agent's own:
          ${name}.repoUrl = "ssh://git@git.example/fleet.git";
      '';
    }
    {
      assertion = cfg.configRepo == "" || cfg.follow.mode == "off";
      message = ''
        ${name}.follow.mode is "${cfg.follow.mode}", but configRepo is a person's checkout.
        A host follows in a clone of its own:
          ${name}.repoUrl = "ssh://git@git.example/fleet.git";
      '';
    }
    {
      assertion = lib.all (hasPrefix "NIXFLEET_") (lib.attrNames cfg.settings);
      message = ''
        ${name}.settings has a name that does not start with NIXFLEET_: ${
          toString (lib.filter (n: !(hasPrefix "NIXFLEET_" n)) (lib.attrNames cfg.settings))
        }
        The names are in docs/reference/settings.md.
      '';
    }
    {
      assertion = !(cfg.settings ? NIXFLEET_TOKEN);
      message = ''
        ${name}.settings has NIXFLEET_TOKEN, which everybody could read in the Nix store.
        Write the token to a file and
          ${name}.tokenFile = "/run/agenix/nixfleet-token";
      '';
    }
  ]
  ++ fileAssertions;
}
