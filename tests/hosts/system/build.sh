set -eu
$build
mkdir -p $out/bin
cp -r $units $out/units
cp $switch $out/bin/switch-to-configuration
cp $beforePath $out/before
cp $afterPath $out/after
cp $bootPath $out/boot
cp $nftPath $out/nft
echo "$version" > $out/nixos-version
[ -z "$inhibitors" ] || echo "$inhibitors" > $out/switch-inhibitors
[ -z "$triggers" ] || echo "$triggers" > $out/reboot-triggers
for path in $packages; do
	mkdir -p $out/sw
	ln -s $path $out/sw/
done
for name in $specialisations; do
	mkdir -p $out/specialisation
	ln -s $special $out/specialisation/$name
done
chmod 755 $out/bin/switch-to-configuration
