#!/usr/bin/env bash
# Makes an authority and a certificate for each Elasticsearch node, once:
#   create-certificates.sh FOLDER NODE...     a NODE is a name by which the others and Banshi reach it, or NAME=ADDRESS
# FOLDER/ca/ca.crt is for everybody, FOLDER/NODE/NODE.key for that node. Runs where Elasticsearch is installed, as root.
set -euo pipefail

folder=$1
shift
if [ -f "$folder/ca/ca.crt" ]; then
  echo "$folder has certificates already; nothing is changed."
  exit 0
fi
certutil=${ELASTICSEARCH_HOME:-/usr/share/elasticsearch}/bin/elasticsearch-certutil
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

echo "instances:" >"$work/nodes.yml"
for node in "$@"; do
  name=${node%%=*}
  printf -- '- name: %s\n  dns: [%s, localhost]\n' "$name" "$name" >>"$work/nodes.yml"
  case $node in
    *=*) printf '  ip: [%s, 127.0.0.1]\n' "${node#*=}" >>"$work/nodes.yml" ;;
    *) printf '  ip: [127.0.0.1]\n' >>"$work/nodes.yml" ;;
  esac
done

"$certutil" ca --silent --pem --days 3650 --out "$work/ca.zip"
unzip -q "$work/ca.zip" -d "$work/made"
"$certutil" cert --silent --pem --days 3650 --in "$work/nodes.yml" --out "$work/nodes.zip" \
  --ca-cert "$work/made/ca/ca.crt" --ca-key "$work/made/ca/ca.key"
unzip -q "$work/nodes.zip" -d "$work/made"

# Elasticsearch's account is in the group root. The authority's key is for root alone, and for the next node.
chown -R 0:0 "$work/made"
find "$work/made" -type d -exec chmod 755 {} +
find "$work/made" -name '*.crt' -exec chmod 644 {} +
find "$work/made" -name '*.key' -exec chmod 640 {} +
chmod 600 "$work/made/ca/ca.key"
# The authority goes last: where it is, all of it is.
for node in "$@"; do cp -a "$work/made/${node%%=*}" "$folder/"; done
cp -a "$work/made/ca" "$folder/"
echo "$folder has an authority and certificates for: $*"
