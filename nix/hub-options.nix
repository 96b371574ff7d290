# Options of services.nixfleet-hub.
{ lib, pkgs }:

let
  inherit (lib) mkOption types;

  file =
    example: description:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      inherit example;
      description = description + ''

        systemd reads the file as root and hands it to the hub.
      '';
    };
in
{
  enable = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether to run the NixFleet hub: the fleet's dashboard, its HTTP API,
      and the server that agents connect to.
    '';
  };

  package = mkOption {
    type = types.package;
    default = pkgs.callPackage ./package.nix { };
    defaultText = lib.literalExpression "nixfleet.packages.\${system}.nixfleet";
    description = "The NixFleet package.";
  };

  listen = mkOption {
    type = types.str;
    default = "127.0.0.1:8000";
    example = ":8443";
    description = ''
      Address and port to listen on. The default is for a reverse proxy on the
      same machine; for other machines set `tlsCertFile` and `tlsKeyFile` too.
    '';
  };

  openFirewall = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = "Whether to open the port of `listen` in the firewall.";
  };

  trustedProxies = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "127.0.0.1" ];
    description = ''
      Addresses of reverse proxies. Only what these say about a request's
      origin (`X-Forwarded-For`, `X-Forwarded-Proto`) is believed.
    '';
  };

  allowedOrigins = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "https://status.example" ];
    description = "Other origins whose pages may connect.";
  };

  agentTokenFile = file "/run/agenix/nixfleet-token" ''
    File with the token that new hosts enrol with: the bare token, or a line
    `NIXFLEET_AGENT_TOKEN=…`. Required.
  '';

  passwordHashFile = file "/run/agenix/nixfleet-password-hash" ''
    File with the operators' password as a crypt(3) hash (`mkpasswd` prints
    one). Without it the hub makes a password on its first start and writes it
    to its log, once.
  '';

  totpSecretFile = file "/run/agenix/nixfleet-totp" ''
    File with the base32 secret of one-time codes, for a second factor.
  '';

  tlsCertFile = file "/var/lib/acme/fleet.example/fullchain.pem" ''
    Certificate chain (PEM), with `tlsKeyFile`.
  '';

  tlsKeyFile = file "/var/lib/acme/fleet.example/key.pem" ''
    Key of that certificate (PEM).
  '';

  repoUrl = mkOption {
    type = types.str;
    default = "";
    example = "ssh://git@git.example/fleet.git";
    description = ''
      Git address of the configuration repository. The hub keeps a mirror, to
      say which hosts are behind and by how many commits. Empty: it does not.
    '';
  };

  branch = mkOption {
    type = types.str;
    default = "main";
    example = "production";
    description = "Branch of the configuration that hosts follow.";
  };

  sshKeyFile = file "/run/agenix/nixfleet-hub-key" ''
    Private key that git reads the repository with over ssh; reading is
    enough.
  '';

  sshKnownHosts = mkOption {
    type = types.lines;
    default = "";
    example = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      Host keys of the git server, as in `known_hosts`. Empty: the first
      contact records the key, and only that key is accepted from then on.
    '';
  };

  repoTokenFile = file "/run/agenix/nixfleet-repo-token" ''
    File with the token that git uses over https.
  '';

  logLevel = mkOption {
    type = types.enum [
      "debug"
      "info"
      "warn"
      "error"
    ];
    default = "info";
    example = "debug";
    description = "Least level that is logged.";
  };

  settings = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      NIXFLEET_RETENTION_DAYS = "90";
    };
    description = ''
      Any other setting of the hub by its own name, see
      `docs/reference/settings.md`. It comes before what the other options
      say. Everybody can read it in the Nix store: secrets belong in files.
    '';
  };

  backup = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether to write a copy of the database every day, while the hub runs.
        A copy is a whole SQLite database: to go back to one, stop the hub and
        put it in place of `/var/lib/nixfleet-hub/nixfleet.db`.
      '';
    };

    keep = mkOption {
      type = types.ints.between 1 1000;
      default = 7;
      example = 30;
      description = ''
        Copies to keep, in `/var/lib/nixfleet-hub/backup`; older ones are
        deleted.
      '';
    };

    startAt = mkOption {
      type = types.str;
      default = "daily";
      example = "03:15";
      description = "When, as a systemd calendar expression.";
    };
  };
}
