#!/usr/bin/env bash
# Gives Banshi a user of its own in Elasticsearch, who may keep Banshi's indexes and see that the cluster is well, and
# nothing else. Run it as often as you like; run again with another password, it changes the password.
#
# Reads ELASTIC_PASSWORD (of Elasticsearch's first user, elastic) and BANSHI_ELASTICSEARCH_URLS, _USER, _PASSWORD, _INDEX
# and _CA_FILE. Needs curl.
set -euo pipefail

refuse() {
  echo "create-user: $*" >&2
  exit 1
}

user=${BANSHI_ELASTICSEARCH_USER:-banshi}
index=${BANSHI_ELASTICSEARCH_INDEX:-banshi}
urls=${BANSHI_ELASTICSEARCH_URLS:-http://127.0.0.1:9200}
url=${urls%%,*}
[ -n "${ELASTIC_PASSWORD:-}" ] || refuse "set ELASTIC_PASSWORD."
[[ ${BANSHI_ELASTICSEARCH_PASSWORD:-} =~ ^[A-Za-z0-9]{12,}$ ]] ||
  refuse "BANSHI_ELASTICSEARCH_PASSWORD must be 12 or more letters and digits. Make one with: openssl rand -hex 24"
[[ $user =~ ^[a-z][a-z0-9_-]*$ ]] || refuse "BANSHI_ELASTICSEARCH_USER must be small letters, digits, - and _."

put() { # PATH JSON; passwords go by files that only this process has, not by arguments that everybody sees
  curl --silent --show-error --fail-with-body --retry 10 --retry-connrefused --output /dev/stderr \
    ${BANSHI_ELASTICSEARCH_CA_FILE:+--cacert "$BANSHI_ELASTICSEARCH_CA_FILE"} \
    --config <(printf 'user = "elastic:%s"\n' "$ELASTIC_PASSWORD") \
    --request PUT --header "Content-Type: application/json" --data-binary @<(printf '%s' "$2") "$url$1"
  echo >&2
}

put "/_security/role/$user" '{
  "cluster": ["monitor"],
  "indices": [{"names": ["'"$index"'-*"], "privileges": ["all"]}]
}'
put "/_security/user/$user" '{"roles": ["'"$user"'"], "password": "'"$BANSHI_ELASTICSEARCH_PASSWORD"'"}'
echo "Elasticsearch at $url knows the user $user."
