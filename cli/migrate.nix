# What services.nixfleet-agent is set to in a person's configuration, whichever
# NixFleet its module is of; "nixfleet migrate" evaluates this.  Names that do
# not exist are told apart from configurations without the agent.
{
  # A directory with a flake.nix, or a file.
  path,
  # Name of a configuration of the flake; "": all of them.
  host ? "",
  # What a file is of: "nixos" or "home".
  kind ? "nixos",
}:

let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    head
    isPath
    listToAttrs
    match
    stringLength
    substring
    tryEval
    ;

  flake = builtins.getFlake path;
  source = if builtins.pathExists "${path}/flake.nix" then toString flake else path;

  # Where a person finds it: in the folder, not in the store's copy.
  there =
    file:
    let
      inStore = substring 0 (stringLength source) (toString file) == source;
      below = substring (stringLength source) (-1) (toString file);
    in
    if inStore then path + below else toString file;

  value = v: if isPath v then toString v else v;

  # Values that differ from the default, with the file that sets them.
  told =
    options: config: name:
    let
      option = options.${name};
      set = tryEval (option ? type && !(option ? default && option.default == config.${name}));
    in
    if
      elem name [
        "enable"
        "package"
      ]
      || !set.success
      || !set.value
    then
      [ ]
    else
      [
        {
          inherit name;
          value = {
            value = value config.${name};
            file = there (if (option.files or [ ]) == [ ] then path else head option.files);
          };
        }
      ];

  read =
    kind: name: evaluated:
    let
      options = evaluated.options.services.nixfleet-agent or { };
      config = evaluated.config.services.nixfleet-agent or { enable = false; };
    in
    if !config.enable then
      [ ]
    else
      [
        {
          inherit kind;
          host = name;
          v3 = !(options ? repoTokenFile);
          options = listToAttrs (concatMap (told options config) (attrNames options));
        }
      ];

  kinds = {
    nixos = "nixosConfigurations";
    darwin = "darwinConfigurations";
    home = "homeConfigurations";
  };
  wanted = name: host == "" || name == host || match "[^@]*@${host}" name != null;

  inFlake =
    kind:
    let
      all = flake.${kinds.${kind}} or { };
    in
    {
      names = attrNames all;
      found = concatMap (name: read kind name all.${name}) (filter wanted (attrNames all));
    };
  flakes = map inFlake (attrNames kinds);

  file =
    if kind == "home" then
      import <home-manager/modules> {
        configuration = path;
        pkgs = import <nixpkgs> { };
      }
    else
      import <nixpkgs/nixos> { configuration = path; };
in
if builtins.pathExists "${path}/flake.nix" then
  {
    names = concatMap (f: f.names) flakes;
    found = concatMap (f: f.found) flakes;
  }
else
  {
    names = [ "" ];
    found = read kind "" file;
  }
