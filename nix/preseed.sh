# Make the agent's first clone from a bundle or a directory.
#
#	preseed.sh SOURCE CLONE BRANCH URL
#
# Does nothing once there is a clone; the agent takes over what it finds and
# fetches from URL from then on.  A source that cannot be used is no reason
# for the agent not to start.
set -eu
umask 077

source=$1 clone=$2 branch=$3 url=$4

if [ -e "$clone" ]; then
	exit 0
fi
rm -rf "$clone.seed"
if git clone --quiet --no-hardlinks --single-branch --branch "$branch" \
    -- "$source" "$clone.seed" &&
    git -C "$clone.seed" remote set-url origin "$url"; then
	mv "$clone.seed" "$clone"
	echo "nixfleet: the first clone comes from $source"
else
	rm -rf "$clone.seed"
	echo "nixfleet: $source cannot be used; the agent clones $url" >&2
fi
