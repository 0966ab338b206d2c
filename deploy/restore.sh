#!/usr/bin/env bash
# Puts a backup in the place of the database that the settings name, and builds the indexes anew.
#
#   restore.sh FILE             into a database that is missing or has no guides
#   restore.sh FILE --replace   into one that has; SQLite's is kept beside it, PostgreSQL's is gone (run backup.sh before)
#
# FILE is a banshi-*.db (SQLite) or banshi-*.dump (PostgreSQL) of backup.sh. Stop Banshi first, on every machine. All or
# nothing: where it fails before it says "restored", the database is as it was.
set -euo pipefail
umask 077

refuse() {
  echo "restore: $*" >&2
  exit 1
}

file=${1:-}
[ -n "$file" ] && [[ ${2:-} =~ ^(--replace)?$ ]] && [ $# -le 2 ] || refuse "usage: restore.sh FILE [--replace]"
[ -f "$file" ] && [ -r "$file" ] || refuse "$(id -un) can't read the file $file."
banshi=$(command -v banshi) || refuse "there is no banshi on the PATH."
database() { "$(dirname "$banshi")/python" "$(dirname "$(readlink -f "$0")")/database.py" "$@"; }

kind=$(database kind)
case $kind:$file in
  sqlite:*.db | postgresql:*.dump) ;;
  *:*.jsonl.gz) refuse "$file is a catalogue: gunzip it, and use 'banshi guides import'." ;;
  *) refuse "the settings name a database of $kind, and $file is no backup of one. Look at BANSHI_DATABASE_URL." ;;
esac
database idle
if [ "${2:-}" != --replace ] && ! database empty; then
  refuse "the database has guides already. To put $file in its place: restore.sh $file --replace"
fi

restore_sqlite() {
  local aside name
  path=$(database path)
  mkdir -p -- "$(dirname "$path")"
  trap 'rm -f -- "$path.part"' EXIT
  database copy "$file" "$path.part"
  sync -- "$path.part"
  # With its write-ahead log, the old one can be put back by the same three renames.
  aside=$path.before-$(date -u +%Y%m%d-%H%M%S)
  for name in "" -wal -shm; do
    if [ -e "$path$name" ]; then mv -- "$path$name" "$aside$name"; fi
  done
  mv -- "$path.part" "$path"
  sync -- "$(dirname "$path")"
  if [ -e "$aside" ]; then echo "restore: the database before is $aside"; fi
}

restore_postgresql() {
  work=$(mktemp --directory)
  trap 'rm -rf -- "$work"' EXIT
  # Whole before it is used: psql would commit what it got from a pipe that broke.
  pg_restore --no-owner --no-privileges --file="$work/new.sql" "$file"
  cat >"$work/clear.sql" <<'SQL'
SET lock_timeout = '60s';
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
    EXECUTE format('DROP TABLE %I CASCADE', one.tablename);
  END LOOP;
END $$;
SQL
  database run psql --no-psqlrc --no-password --quiet --output=/dev/null --set=ON_ERROR_STOP=1 --single-transaction \
    --file="$work/clear.sql" --file="$work/new.sql"
}

"restore_$kind"
echo "restore: restored $file"
"$banshi" init --no-sample # a backup of an older version is brought to this one's tables
"$banshi" index rebuild ||
  refuse "the database is restored, the indexes are not built. Run 'banshi index rebuild' when the reason is gone."
echo "restore: done. Start Banshi. Every other web machine needs: banshi index rebuild --engine=embedded"
