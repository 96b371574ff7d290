#!/bin/sh
# Does what NixOS's switch-to-configuration does, on the units of one system.
set -u
here=$(readlink -f "$0")
here=${here%/bin/*}
etc=/etc/systemd/system
old=$(readlink -f /run/current-system)
name=${here##*/}

echo "${name#*-} $1" >> /var/log/switches
if [ "$1" = boot ]; then
	. "$here/boot"
	exit 0
fi
echo "activating ${name#*-}"
. "$here/before"
nft flush ruleset
[ ! -s "$here/nft" ] || nft -f "$here/nft" || exit 2

changed=
removed=
for unit in "$here"/units/*.service; do
	[ -e "$unit" ] || continue
	base=${unit##*/}
	cmp -s "$unit" "$etc/$base" && continue
	cp "$unit" "$etc/$base.new"
	mv "$etc/$base.new" "$etc/$base"
	changed="$changed $base"
done
for unit in "$old"/units/*.service; do
	[ -e "$unit" ] || continue
	[ -e "$here/units/${unit##*/}" ] && continue
	removed="$removed ${unit##*/}"
done
[ -z "$removed" ] || systemctl stop $removed
for base in $removed; do
	rm -f "$etc/$base"
done
ln -sfn "$here" /run/current-system
systemctl daemon-reload
status=0
for base in $changed; do
	echo "restarting $base"
	systemctl restart "$base" || status=4
done
. "$here/after"
echo "activated ${name#*-}"
exit $status
