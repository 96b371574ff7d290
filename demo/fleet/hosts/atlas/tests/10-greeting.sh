#!/bin/sh
# The greeting that the configuration asks for is the one people see.
wanted=$(sed -n 's/^ *greeting = "\(.*\)";/\1/p' "${0%/tests/*}/default.nix")
[ "$(cat @root@/hosts/atlas/live/motd)" = "$wanted" ]
