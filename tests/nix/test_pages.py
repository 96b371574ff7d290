"""The Nix of the pages is taken by our modules, and the test of virtual
machines is whole, as far as that shows without them."""

import ast
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("NIXFLEET_NIXPKGS_LIB",
                         ROOT / "nix/tests/standin.nix")
SERVICE = re.compile(r"services\.nixfleet-(agent|hub)\b")

# The options of others that the pages set: secrets with their paths, and
# whatever else is beside ours.
OTHERS = """
{ lib, ... }:
let
  any = lib.mkOption { type = lib.types.anything; default = { }; };
  at = path: lib.genAttrs
    [ "nixfleet-token" "nixfleet-deploy-key" "nixfleet-password-hash" ]
    (name: { path = path + "/" + name; });
in
{
  options = {
    age = any; sops = any;
    services.nginx = any; services.caddy = any;
    security = any; networking.hostName = any;
  } // (if HOME then { home.username = any; } else { });
  config.age.secrets = at "/run/agenix";
  config.sops.secrets = at "/run/secrets";
}
"""
# A page shows what it is about; what every agent or hub needs is added.
REST = {
    "agent": 'enable = true; url = lib.mkDefault "https://fleet.example"; '
             'tokenFile = lib.mkDefault "/run/token"; '
             'repoUrl = "ssh://git@git.example/fleet.git";',
    "hub": 'enable = true; agentTokenFile = lib.mkDefault "/run/token";',
}


def modules():
    for page in sorted((ROOT / "docs/how-to").glob("*.md")):
        found = re.findall(r"^```nix\n(.*?)^```$", page.read_text(),
                           re.M | re.S)
        for n, block in enumerate(found):
            if SERVICE.search(block) and "outputs" not in block:
                yield pytest.param(page, block, id=f"{page.name}-{n}")


def nix(expression):
    done = subprocess.run(
        ["nix-instantiate", "--store", "dummy://", "--eval", "--strict",
         "--json", "-E", expression], capture_output=True, text=True)
    assert done.returncode == 0, expression + done.stderr
    return json.loads(done.stdout)


# Every module of a how-to page has options that exist, of the right types,
# and no assertion fails.
@pytest.mark.parametrize("page, block", modules())
def test_modules_of_pages(page, block):
    service = SERVICE.search(block)[1]
    home = "home.username" in block or "config.home." in block
    module = f"home-{service}" if home else f"nixos-{service}"
    others = OTHERS.replace("HOME", str(home).lower())
    rest = f"{{ lib, ... }}: {{ services.nixfleet-{service} = " \
           f"{{ {REST[service]} }}; }}"
    result = nix(
        "(made: { inherit (made) failed warnings; }) "
        f'(import {ROOT}/nix/tests/eval.nix {{ module = "{module}"; '
        f"library = {LIBRARY}; extra = {{ imports = [ ({others}) ({rest}) "
        f"({block}) ]; }}; }})")
    assert result["failed"] == [] and result["warnings"] == []


# The test of two virtual machines: what it says of our modules is taken by
# them, and its script is Python that asks for verbs that exist.
def test_virtual_machines(tmp_path):
    keys = tmp_path / "nixos/tests/ssh-keys.nix"
    keys.parent.mkdir(parents=True)
    keys.write_text('_: { snakeOilPrivateKey = "k"; snakeOilPublicKey = "p"; }')
    result = nix(f"""
      let
        lib = import {LIBRARY};
        platform = import {ROOT}/nix/tests/platform.nix {{ inherit lib; }};
        plain = platform.pkgs false;
        pkgs = plain // {{
          inherit lib;
          writeTextDir = name: _: "/nix/store/${{name}}";
          path = "{tmp_path}";
          git = "/nix/store/git"; mkpasswd = "/nix/store/mkpasswd";
          openssh = "/nix/store/openssh";
          stdenvNoCC = "/nix/store/stdenv";
          stdenv.hostPlatform = {{ isDarwin = false; system = "x"; }};
          testers.runNixOSTest = test: test;
        }};
        self = {{
          outPath = "/nix/store/nixfleet";
          packages.x.default = plain.callPackage null null;
          nixosModules.nixfleet-agent = {ROOT}/nix/nixos-agent.nix;
          nixosModules.nixfleet-hub = {ROOT}/nix/nixos-hub.nix;
        }};
        test = import {ROOT}/nix/tests/fleet.nix {{ inherit pkgs self; }};
        whole = module: config: import {ROOT}/nix/tests/eval.nix {{
          inherit module config;
          library = {LIBRARY};
        }};
        server = test.nodes.server {{ }};
        atlas = builtins.head test.nodes.atlas.imports;
      in
      {{
        inherit (test) name testScript;
        failed = (whole "nixos-hub" server.services.nixfleet-hub).failed
          ++ (whole "nixos-agent" atlas.services.nixfleet-agent).failed;
      }}""")
    assert result["failed"] == []
    ast.parse(result["testScript"])
    man = (ROOT / "docs/man/nixfleet.1.scd").read_text()
    verbs = re.findall(r"\bnixfleet ([a-z]+)", result["testScript"])
    assert len(verbs) >= 3
    for verb in verbs:
        assert f"\n*{verb}*" in man, verb
    for word in ("pull-switch", "rollback", "nixfleet-hub-backup"):
        assert word in result["testScript"]
