# Every option of every module with its type, default, example and
# description, for scripts/options-doc.
{
  library ? ./standin.nix,
}:

let
  lib = import library;
  platform = import ./platform.nix { inherit lib; };

  text = value: if (value._type or null) == "literalExpression" then value.text else null;

  walk =
    prefix: tree:
    lib.concatLists (
      lib.mapAttrsToList (
        name: option:
        if (option._type or null) == "option" then
          [
            (
              {
                name = prefix + name;
                type = option.type.description;
                inherit (option) description;
              }
              // (
                if option ? defaultText then
                  { defaultText = text option.defaultText; }
                else
                  lib.optionalAttrs (option ? default) { inherit (option) default; }
              )
              // lib.optionalAttrs (option ? example) (
                if builtins.isAttrs option.example && text option.example != null then
                  { exampleText = text option.example; }
                else
                  { inherit (option) example; }
              )
            )
          ]
        else
          walk "${prefix}${name}." option
      ) tree
    );

  of =
    module: darwin:
    let
      os = builtins.head (lib.splitString "-" module);
    in
    walk "services." (
      (lib.evalModules {
        specialArgs.pkgs = platform.pkgs darwin;
        modules = [
          platform.${os}
          (../. + "/${module}.nix")
        ];
      }).options.services
    );
in
{
  nixos-agent = of "nixos-agent" false;
  darwin-agent = of "darwin-agent" true;
  home-agent = of "home-agent" false;
  nixos-hub = of "nixos-hub" false;
}
