# Joins a host's files and its activation program into one closure.
PATH=/run/current-system/sw/bin:/usr/bin:/bin
mkdir -p "$out/bin"
ln -s "$etc" "$out/etc"
sed -e "s|@closure@|$out|g" -e "s|@root@|$root|g" -e "s|@host@|$host|g" \
	"$activate" >"$out/bin/activate"
chmod 755 "$out/bin/activate"
