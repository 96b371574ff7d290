#!/bin/sh
# Activation of a sample host: makes its files current, restarts its services.
set -eu
PATH=/run/current-system/sw/bin:/usr/bin:/bin
live=@root@/hosts/@host@/live
mkdir -p "$live"
echo "activating @closure@ on @host@"
for old in "$live"/services/*.conf; do
	[ -e "$old" ] || continue
	[ -e "@closure@/etc/services/${old##*/}" ] ||
		echo "stopping $(basename "$old" .conf)"
done
rm -rf "$live/services.new"
cp -RL @closure@/etc/services "$live/services.new"
chmod -R u+w "$live/services.new"
rm -rf "$live/services"
mv "$live/services.new" "$live/services"
cp @closure@/etc/motd "$live/motd.new"
chmod u+w "$live/motd.new"
mv "$live/motd.new" "$live/motd"
for new in "$live"/services/*.conf; do
	echo "starting $(basename "$new" .conf)"
done
echo "motd is now: $(cat "$live/motd")"
