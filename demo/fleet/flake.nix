{
  description = "The sample fleet: three hosts, each with a greeting and services";

  inputs.modules.url = "git+file://@modules@?ref=main";

  outputs =
    { self, modules }:
    let
      host =
        name:
        modules.lib.mkHost (
          {
            inherit name;
            system = "@system@";
            root = "@root@";
          }
          // import ./hosts/${name}
        );
    in
    {
      fleet = {
        atlas = host "atlas";
        birch = host "birch";
        cedar = host "cedar";
      };
    };
}
