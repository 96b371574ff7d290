# NixOS: the agent without root, and the activation service that has it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.nixfleet-agent;
  common = import ./agent-common.nix {
    inherit lib pkgs cfg;
    platform = "nixos";
  };

  state = "/var/lib/nixfleet-agent";
  ownUser = cfg.user == "";
  user = if ownUser then "nixfleet-agent" else cfg.user;
  home = if ownUser then state else config.users.users.${user}.home or state;
  legacy = cfg.configRepo != "";
  ownActivation = cfg.rebuildCommand == "";
  # The agent and the service that activates for it hear the same.
  kind = cfg.settings.NIXFLEET_HOST_KIND or "nixos";
  byService = cfg.settings.NIXFLEET_ACTIVATE_BY or "auto" == "service";
  custom = kind == "custom" && byService;
  ownService = ownActivation && (kind == "nixos" || custom);

  # systemd reads these as root and shows them to the agent only.
  credentials = lib.filterAttrs (_: file: file != null) {
    token = cfg.tokenFile;
    ssh-key = cfg.sshKeyFile;
    repo-token = cfg.repoTokenFile;
  };
  given = id: if credentials ? ${id} then "%d/${id}" else null;

  files = common.files // {
    tokenFile = given "token";
    sshKeyFile = given "ssh-key";
    repoTokenFile = given "repo-token";
  };

  # As agent/probe.c reads them.
  isProbe =
    probe:
    builtins.match "((within|status)=[0-9]+ +)*(tcp://[^ ,]+:[0-9]+|https?://[^ ,]+|exec:/[^,]*)" probe
    != null;

  # systemd expands % in what it reads, and $ in commands.
  quote = value: builtins.replaceStrings [ "%" ] [ "%%" ] (toString value);
  quoteUnlessOurs = _: value: if lib.hasPrefix "%d/" (toString value) then value else quote value;
  quoteCommand = arg: builtins.replaceStrings [ "$" ] [ "$$" ] (quote (lib.escapeShellArg arg));

  sandbox =
    if ownActivation then
      import ./hardening.nix
      // lib.optionalAttrs legacy {
        ProtectHome = false;
        ReadWritePaths = [ cfg.configRepo ];
      }
    else
      # The command runs inside, and what it activates does.
      { UMask = "0077"; };
in
{
  options.services.nixfleet-agent = import ./agent-options.nix {
    inherit lib pkgs;
    platform = "nixos";
  };

  config = lib.mkIf cfg.enable {
    inherit (common) warnings;
    assertions = common.assertions ++ [
      {
        assertion = !legacy || !ownUser;
        message = ''
          services.nixfleet-agent.user is not set, and configRepo needs the checkout's owner:
            services.nixfleet-agent.user = "ada";
          With repoUrl instead of configRepo no user is needed.
        '';
      }
      {
        assertion = ownUser || config.users.users ? ${user};
        message = ''
          services.nixfleet-agent.user is "${user}", which users.users does not have. Write for example:
            users.users.${user}.isNormalUser = true;
        '';
      }
      {
        assertion = lib.all isProbe cfg.confirmProbes;
        message = ''
          services.nixfleet-agent.confirmProbes has what is no probe: ${
            toString (map (probe: "\"${probe}\"") (lib.filter (p: !(isProbe p)) cfg.confirmProbes))
          }
          Write for example, without commas:
            services.nixfleet-agent.confirmProbes = [ "tcp://127.0.0.1:5432" ];
        '';
      }
      {
        assertion = cfg.activateMode == "switch" || (ownService && kind == "nixos");
        message = ''
          services.nixfleet-agent.activateMode is test-then-commit, which only the activation service can do.
          Remove rebuildCommand and settings.NIXFLEET_HOST_KIND, or write
            services.nixfleet-agent.activateMode = "switch";
        '';
      }
      {
        assertion = !custom || cfg.settings ? NIXFLEET_PROFILE;
        message = ''
          services.nixfleet-agent.settings has no NIXFLEET_PROFILE, and a custom closure has no profile of its own.
          Write for example:
            services.nixfleet-agent.settings.NIXFLEET_PROFILE = "/nix/var/nix/profiles/fleet";
        '';
      }
      {
        assertion = !byService || ownService;
        message = ''
          services.nixfleet-agent.settings.NIXFLEET_ACTIVATE_BY is "service", which is for the kinds nixos and custom, without rebuildCommand.
          Remove it, or what is in its way.
        '';
      }
      {
        assertion = cfg.preseed == null || cfg.repoUrl != "";
        message = ''
          services.nixfleet-agent.preseed fills a clone of repoUrl, which is not set:
            services.nixfleet-agent.repoUrl = "ssh://git@git.example/fleet.git";
        '';
      }
    ];

    environment.systemPackages = [ cfg.package ];

    users.users = lib.optionalAttrs ownUser {
      nixfleet-agent = {
        isSystemUser = true;
        group = "nixfleet-agent";
        description = "NixFleet agent";
        home = state;
      };
    };
    users.groups.nixfleet-agent = { };

    systemd.services = {
      nixfleet-agent = {
        description = "NixFleet agent";
        documentation = [ "man:nixfleet-agent(8)" ];
        wantedBy = [ "multi-user.target" ];
        wants = [
          "network-online.target"
        ]
        ++ lib.optional ownService "nixfleet-activate.socket";
        after = [
          "network-online.target"
          "nix-daemon.socket"
        ]
        ++ lib.optional ownService "nixfleet-activate.socket";
        startLimitIntervalSec = 0;
        # The switch that changes it is carried on by the next agent; it is
        # better away for a second after the switch than during all of it.
        stopIfChanged = false;
        path = [
          config.nix.package
          pkgs.gitMinimal
          pkgs.openssh
        ]
        ++ lib.optionals (!ownActivation) [
          "/run/wrappers"
          "/run/current-system/sw"
        ];
        environment = lib.mapAttrs quoteUnlessOurs (common.environment files) // {
          HOME = home;
          NIX_REMOTE = "daemon";
          NIXFLEET_STATE_DIR = state;
        };
        serviceConfig = sandbox // {
          User = user;
          Group = "nixfleet-agent";
          ExecStartPre = lib.optional (cfg.preseed != null) (
            lib.concatStringsSep " " (
              map quoteCommand [
                "${pkgs.runtimeShell}"
                "${./preseed.sh}"
                (toString cfg.preseed)
                "${state}/repo"
                cfg.branch
                cfg.repoUrl
              ]
            )
          );
          ExecStart = common.program;
          LoadCredential = lib.mapAttrsToList (id: file: "${id}:${quote file}") credentials;
          StateDirectory = "nixfleet-agent";
          StateDirectoryMode = "0700";
          RuntimeDirectory = "nixfleet-agent";
          KillMode = "mixed";
          Restart = "always";
          RestartSec = 1;
          # It makes room for a newer one.
          SuccessExitStatus = 101;
        };
      };
    }
    // lib.optionalAttrs ownService {
      nixfleet-activate = {
        description = "NixFleet activation service";
        documentation = [ "man:nixfleet-activate(8)" ];
        # Carries on at boot what a power cut left open; ends by itself.
        wantedBy = [ "multi-user.target" ];
        requires = [ "nixfleet-activate.socket" ];
        after = [ "nixfleet-activate.socket" ];
        startLimitIntervalSec = 0;
        # What it runs is the switch itself.
        restartIfChanged = false;
        stopIfChanged = false;
        unitConfig.X-StopOnRemoval = false;
        path = [ config.nix.package ];
        serviceConfig = {
          ExecStart = lib.concatStringsSep " " (
            [
              "${cfg.package.agent or cfg.package}/bin/nixfleet-activate"
              "serve --dir /var/lib/nixfleet-activate"
              "--user ${user} --kind ${kind}"
            ]
            ++ lib.optionals custom [
              "--profile ${quoteCommand (cfg.settings.NIXFLEET_PROFILE or "")}"
              "--program ${quoteCommand (cfg.settings.NIXFLEET_ACTIVATE_PROGRAM or "bin/activate")}"
            ]
          );
          StateDirectory = "nixfleet-activate";
          StateDirectoryMode = "0755";
          Restart = "on-failure";
          RestartSec = 1;
          # An activation outlives the one who answers requests.
          KillMode = "process";
          OOMScoreAdjust = -900;
          # Only what no activation needs; dist/systemd says why.
          CapabilityBoundingSet = [
            "~CAP_BLOCK_SUSPEND CAP_LEASE CAP_NET_BROADCAST CAP_SYS_BOOT"
            "~CAP_SYS_PACCT CAP_SYS_TIME CAP_WAKE_ALARM"
          ];
          KeyringMode = "private";
          LockPersonality = true;
          RestrictAddressFamilies = "AF_ALG AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX";
          RestrictRealtime = true;
          SystemCallArchitectures = "native";
          SystemCallErrorNumber = "EPERM";
          SystemCallFilter = "~@clock @cpu-emulation @debug @obsolete @reboot";
          UMask = "0022";
        };
      };
    };

    systemd.sockets = lib.optionalAttrs ownService {
      nixfleet-activate = {
        description = "Socket of the NixFleet activation service";
        documentation = [ "man:nixfleet-activate(8)" ];
        wantedBy = [ "sockets.target" ];
        # A switch that takes it away must not end the service that runs it.
        # (One that changes it does nothing to a socket.)
        unitConfig.X-StopOnRemoval = false;
        listenStreams = [ "/run/nixfleet-activate/socket" ];
        socketConfig = {
          DirectoryMode = "0755";
          SocketMode = "0660";
          SocketGroup = "nixfleet-agent";
        };
      };
    };
  };
}
