# NixOS: the hub.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.nixfleet-hub;
  inherit (lib) hasPrefix;
  name = "services.nixfleet-hub";

  state = "/var/lib/nixfleet-hub";
  port = lib.toInt (lib.last (lib.splitString ":" cfg.listen));
  listenOk = builtins.match ".*:[0-9]+" cfg.listen != null;

  secrets = {
    inherit (cfg)
      agentTokenFile
      passwordHashFile
      totpSecretFile
      tlsCertFile
      tlsKeyFile
      sshKeyFile
      repoTokenFile
      ;
  };
  present = lib.filterAttrs (_: file: file != null) secrets;
  given = option: if present ? ${option} then "%d/${option}" else null;

  # systemd expands % in what it reads.
  quote = value: builtins.replaceStrings [ "%" ] [ "%%" ] (toString value);
  quoteUnlessOurs = _: value: if lib.hasPrefix "%d/" (toString value) then value else quote value;

  environment =
    lib.filterAttrs (_: value: value != null && value != "") {
      HOME = state;
      NIXFLEET_DATA_DIR = state;
      NIXFLEET_LISTEN = cfg.listen;
      NIXFLEET_TRUSTED_PROXIES = lib.concatStringsSep "," cfg.trustedProxies;
      NIXFLEET_ALLOWED_ORIGINS = lib.concatStringsSep "," cfg.allowedOrigins;
      NIXFLEET_AGENT_TOKEN_FILE = given "agentTokenFile";
      NIXFLEET_PASSWORD_HASH_FILE = given "passwordHashFile";
      NIXFLEET_TOTP_SECRET_FILE = given "totpSecretFile";
      NIXFLEET_TLS_CERT = given "tlsCertFile";
      NIXFLEET_TLS_KEY = given "tlsKeyFile";
      NIXFLEET_REPO_URL = cfg.repoUrl;
      NIXFLEET_BRANCH = cfg.branch;
      NIXFLEET_SSH_KEY = given "sshKeyFile";
      NIXFLEET_SSH_KNOWN_HOSTS =
        if cfg.sshKnownHosts == "" then
          null
        else
          pkgs.writeText "nixfleet-known-hosts" (cfg.sshKnownHosts + "\n");
      NIXFLEET_REPO_TOKEN_FILE = given "repoTokenFile";
      NIXFLEET_LOG_LEVEL = cfg.logLevel;
    }
    // cfg.settings;

  notInStore = lib.mapAttrsToList (option: file: {
    assertion =
      option == "tlsCertFile" || !(builtins.isPath file || hasPrefix builtins.storeDir (toString file));
    message = ''
      ${name}.${option} is a file in the Nix store, which everybody can read.
      Write the path as a string, of a file that is on the host at run time:
        ${name}.${option} = "/run/agenix/nixfleet";
    '';
  }) present;
in
{
  options.services.nixfleet-hub = import ./hub-options.nix { inherit lib pkgs; };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.agentTokenFile != null;
        message = ''
          ${name}.agentTokenFile is not set. Write the path of a file with the token that new hosts enrol with:
            ${name}.agentTokenFile = "/run/agenix/nixfleet-token";
        '';
      }
      {
        assertion = listenOk;
        message = ''
          ${name}.listen is "${cfg.listen}", which has no port. Write for example:
            ${name}.listen = "127.0.0.1:8000";
        '';
      }
      {
        assertion = (cfg.tlsCertFile == null) == (cfg.tlsKeyFile == null);
        message = ''
          ${name}.tlsCertFile and ${name}.tlsKeyFile belong together: set both or neither.
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
    ]
    ++ notInStore;

    environment.systemPackages = [ cfg.package ];

    users.users.nixfleet-hub = {
      isSystemUser = true;
      group = "nixfleet-hub";
      description = "NixFleet hub";
      home = state;
    };
    users.groups.nixfleet-hub = { };

    networking.firewall.allowedTCPPorts = lib.optional (cfg.openFirewall && listenOk) port;

    systemd.services = {
      nixfleet-hub = {
        description = "NixFleet hub";
        documentation = [ "man:nixfleet-hub(8)" ];
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ];
        startLimitIntervalSec = 0;
        path = [
          pkgs.gitMinimal
          pkgs.openssh
        ];
        environment = lib.mapAttrs quoteUnlessOurs environment;
        serviceConfig =
          import ./hardening.nix
          // {
            User = "nixfleet-hub";
            Group = "nixfleet-hub";
            ExecStart = "${cfg.package.hub or cfg.package}/bin/nixfleet-hub";
            LoadCredential = lib.mapAttrsToList (option: file: "${option}:${quote file}") present;
            StateDirectory = "nixfleet-hub";
            StateDirectoryMode = "0700";
            Restart = "always";
            RestartSec = 1;
          }
          // lib.optionalAttrs (listenOk && port < 1024) {
            # PrivateUsers would make the capability worthless.
            PrivateUsers = false;
            AmbientCapabilities = "CAP_NET_BIND_SERVICE";
            CapabilityBoundingSet = "CAP_NET_BIND_SERVICE";
          };
      };
    }
    // lib.optionalAttrs cfg.backup.enable {
      nixfleet-hub-backup = {
        description = "Copy of the NixFleet hub's database";
        inherit (cfg.backup) startAt;
        path = [
          pkgs.sqlite
          pkgs.coreutils
        ];
        serviceConfig = import ./hardening.nix // {
          Type = "oneshot";
          User = "nixfleet-hub";
          Group = "nixfleet-hub";
          StateDirectory = "nixfleet-hub";
          StateDirectoryMode = "0700";
          ExecStart = lib.concatStringsSep " " [
            "${pkgs.runtimeShell}"
            "${./hub-backup.sh}"
            (environment.NIXFLEET_DB_PATH or "${state}/nixfleet.db")
            "${state}/backup"
            (toString cfg.backup.keep)
          ];
        };
      };
    };
  };
}
