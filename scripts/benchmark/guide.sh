#!/usr/bin/env bash
# The guide's manual procedure, one step after the other: the site, supervisorctl, the parts, CouchDB.
# guide.sh SUPERVISORCTL SUPERVISORD_CONF COUCHDB_LOGIN PORT...   ports: nginx controller data-system home proxy couchdb
# Exit 0 when all is well, 1 with a line for each thing that is not.
set -u
supervisorctl=$1 conf=$2 login=$3 nginx=$4 controller=$5 data_system=$6 home=$7 proxy=$8 couchdb=$9
failed=0

complain() {
    echo "$*"
    failed=1
}

# expect NAME STATUS URL [CURL OPTION]...
expect() {
    local name=$1 wanted=$2 got
    shift 2
    got=$(curl --silent --max-time 2 --output /dev/null --write-out '%{http_code}' "$@")
    [[ $got == "$wanted" ]] || complain "$name: HTTP $got"
}

expect site 302 "http://127.0.0.1:$nginx/" --header 'Host: cozy.localhost'

programs=$(timeout 2 "$supervisorctl" -c "$conf" status) || complain "$programs"

expect controller 200 "http://127.0.0.1:$controller/"
expect data-system 200 "http://127.0.0.1:$data_system/"
expect home 200 "http://127.0.0.1:$home/"
expect proxy 200 "http://127.0.0.1:$proxy/status"

{ read -r user; read -r password; } <"$login"
expect CouchDB 200 "http://127.0.0.1:$couchdb/"
expect database 200 "http://127.0.0.1:$couchdb/cozy" --config - <<<"user = \"$user:$password\""
exit "$failed"
