# Copy the hub's database while it is in use, and delete the oldest copies.
#
#	hub-backup.sh DATABASE FOLDER KEEP
set -eu
umask 077

database=$1 folder=$2 keep=$3
copy=$folder/nixfleet-$(date -u +%Y%m%dT%H%M%SZ).db

mkdir -p "$folder"
rm -f "$folder"/*.part
sqlite3 -readonly -cmd '.timeout 60000' "$database" \
    "VACUUM INTO '$copy.part'"
mv "$copy.part" "$copy"
ls -1 "$folder"/nixfleet-*.db | head -n "-$keep" | while read -r old; do
	rm -f "$old"
done
