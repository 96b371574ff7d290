# A closure that is no system, with a program of its own.
. $basic
[ -e bare ] || cat > $out/bin/deploy <<'END'
#!/bin/sh
exec "${0%/*}/switch-to-configuration" switch
END
[ -e bare ] || chmod 755 $out/bin/deploy
