# The launchd jobs of an agent, for nix-darwin and home-manager.
{
  lib,
  program,
  environment,
  state,
  log,
}:

{
  agent = {
    Label = "com.nixfleet.agent";
    # The store may be mounted after launchd begins.  The network needs no
    # waiting for: the agent connects when there is one.
    ProgramArguments = [
      "/bin/sh"
      "-c"
      (lib.concatStringsSep " && " [
        "/bin/wait4path /nix/store"
        "/bin/mkdir -p ${lib.escapeShellArg state}"
        "/bin/chmod 0700 ${lib.escapeShellArg state}"
        "exec ${lib.escapeShellArg program}"
      ])
    ];
    EnvironmentVariables = lib.mapAttrs (_: toString) environment;
    RunAtLoad = true;
    KeepAlive = true;
    ThrottleInterval = 5;
    ProcessType = "Background";
    # A switch that reloads this job must not take its own activation with it.
    AbandonProcessGroup = true;
    # 0077; launchd wants it in decimal.
    Umask = 63;
    StandardOutPath = log;
    StandardErrorPath = log;
  };

  # Once a day: keep the log below 10 MB, and the one before.  launchd holds
  # the file open for appending, so it is emptied in place and not renamed.
  log = {
    Label = "com.nixfleet.agent-log";
    ProgramArguments = [
      "/bin/sh"
      "-c"
      (lib.concatStringsSep "; " [
        "log=${lib.escapeShellArg log}"
        "size=$(/usr/bin/stat -f %z \"$log\") || exit 0"
        "[ \"$size\" -le 10485760 ] || { /bin/cp \"$log\" \"$log.1\" && : > \"$log\"; }"
      ])
    ];
    StartCalendarInterval = [
      {
        Hour = 12;
        Minute = 0;
      }
    ];
    ProcessType = "Background";
  };
}
