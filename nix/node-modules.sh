# The dashboard's tools, as web/package-lock.json has them, in ./node_modules.
#
# The same tree from every npm since 9.2, on every platform: no package with
# machine code (those are all optional), no links to programs, and nothing
# that npm only left behind for itself.
set -eu
npm ci --ignore-scripts --omit=optional --no-bin-links \
	--no-audit --no-fund --no-update-notifier --loglevel=error
rm -rf node_modules/.package-lock.json node_modules/.cache
find node_modules -type d -empty -delete
