#!/usr/bin/env bash
# Copies the database and the catalogue while Banshi runs, and keeps the newest of each kind.
#
#   banshi-20260101-023000.db         SQLite: the whole database        restore.sh puts it back
#   banshi-20260101-023000.dump       PostgreSQL: the same              restore.sh puts it back
#   catalogue-20260101-023000.jsonl.gz  the latest version of every guide, readable, for any installation
#
# Reads BACKUP_FOLDER, BACKUP_KEEP, BANSHI_DATA and BANSHI_DATABASE_URL. Needs `banshi` on the PATH, and pg_dump where the
# database is PostgreSQL. A file has its name only when it is whole; whatever fails, older backups stay.
set -euo pipefail
umask 077

folder=${BACKUP_FOLDER:-/var/backups/banshi}
keep=${BACKUP_KEEP:-14}

refuse() {
  echo "backup: $*" >&2
  exit 1
}

[[ $keep =~ ^[1-9][0-9]{0,3}$ ]] || refuse "BACKUP_KEEP is '$keep'; it must be a number from 1 on."
[ -d "$folder" ] && [ -w "$folder" ] || refuse "$(id -un) can't write to the folder $folder. Make it as README.md says."
banshi=$(command -v banshi) || refuse "there is no banshi on the PATH."
database() { "$(dirname "$banshi")/python" "$(dirname "$(readlink -f "$0")")/database.py" "$@"; }

exec 9>"$folder/.lock"
flock --nonblock 9 || refuse "another backup is at work in $folder."
clear_up() { rm -f -- "$folder"/banshi-*.part* "$folder"/catalogue-*.part*; }
trap clear_up EXIT
trap 'exit 143' TERM INT
clear_up # what a killed backup left

stamp=$(date -u +%Y%m%d-%H%M%S)
while compgen -G "$folder/*-$stamp.*" >/dev/null; do
  sleep 1
  stamp=$(date -u +%Y%m%d-%H%M%S)
done

finish() { # NAME: onto the disk first, so that a name never stands for less than it says
  sync -- "$folder/$1.part"
  mv -- "$folder/$1.part" "$folder/$1"
  sync -- "$folder"
  echo "backup: $folder/$1, $(stat --format=%s -- "$folder/$1") bytes"
}

prune() { # PATTERN: removes all but the newest; the names sort by time
  local found
  mapfile -t found < <(find "$folder" -maxdepth 1 -type f -name "$1" | LC_ALL=C sort)
  if [ "${#found[@]}" -gt "$keep" ]; then
    rm -- "${found[@]:0:${#found[@]}-keep}"
  fi
}

kind=$(database kind)
case $kind in
  sqlite)
    name=banshi-$stamp.db
    database copy "$(database path)" "$folder/$name.part"
    ;;
  postgresql)
    name=banshi-$stamp.dump
    database run pg_dump --format=custom --no-password --lock-wait-timeout=60s --file="$folder/$name.part"
    pg_restore --list "$folder/$name.part" >/dev/null # reads the table of contents
    ;;
esac
finish "$name"

name=catalogue-$stamp.jsonl.gz
plain=$folder/catalogue-$stamp.jsonl.part
"$banshi" guides export "$plain" >/dev/null
gzip --stdout -- "$plain" >"$folder/$name.part"
gzip --test --suffix=.part -- "$folder/$name.part"
finish "$name"

prune 'banshi-[0-9]*.db'
prune 'banshi-[0-9]*.dump'
prune 'catalogue-[0-9]*.jsonl.gz'
