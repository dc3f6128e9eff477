#!/bin/sh
# What a server with a Cozy is like at this moment, as text, for somebody who helps: for machines on which cozydiag
# itself cannot run. Any POSIX shell will do (dash, bash, busybox); it takes a few seconds, and
# up to two minutes where servers hang.
#
#     sh diag.sh > raw.txt            as root (sudo) it sees more; without, it says what was closed
#     cozydiag read raw.txt           on another machine: what is broken, and why
#
# What it promises, for you to check before you run it:
# - It changes nothing: no file is written, nothing is started, stopped, installed or signalled but its own helpers.
# - It talks to this machine alone (127.0.0.1), with GET, and once to CouchDB with the apps' own login. Docker and podman
#   are asked for their containers where they run already; PM2 and forever are not asked, only their files are read.
# - Passwords: files that hold nothing else (couchdb.login, tokens, keys) are named with owner and mode, never shown.
#   Of containers and of PM2's list only named fields are taken, no environments.
#   In other text it puts (hidden) in the place of what looks like a password. It cannot know them all: the output is
#   NOT to be posted as it is. `cozydiag read --redact raw.txt` makes of it what may be posted.
# - Everything has a limit in size and time.
#
# Where things are elsewhere than usual, say so before the command: NGINX_CONF=/opt/nginx.conf sh diag.sh

: "${NGINX_CONF:=/etc/nginx/nginx.conf}"
: "${NGINX:=nginx}"
: "${NGINX_PID:=/run/nginx.pid}"
: "${SUPERVISORD_CONF:=}"           # the first usual one
: "${SUPERVISORCTL:=supervisorctl}"
: "${APACHE_CONF:=}"                # as are these
: "${CADDY_CONF:=}"
: "${HAPROXY_CONF:=/etc/haproxy/haproxy.cfg}"
: "${COUCHDB_URL:=http://127.0.0.1:5984}"
: "${COUCHDB_DATABASE:=cozy}"
: "${LOGIN_FILE:=/etc/cozy/couchdb.login}"
: "${COZY_MONITOR:=cozy-monitor}"
: "${ASK:=}"                        # more addresses to ask, such as http://127.0.0.1:9200/
: "${LOGS:=}"                       # more logs, the ends of which are of interest

LC_ALL=C
export LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY DOCKER_HOST DOCKER_CONTEXT CONTAINER_HOST
umask 077
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HEAD=131072  # bytes of a configuration
TAIL=49152   # bytes of a log
BODY=8192    # bytes of an answer: its headers and 4 KiB

# --- how it is written: `== KIND NAME` begins a section, `= WORD VALUE` says something of it, `|` begins a line of text

have() { command -v "$1" >/dev/null 2>&1; }

section() { printf '== %s\n' "$*"; }

# Whether a name can stand in a heading; others are left out.
plain() {
    case $1 in '' | *[!A-Za-z0-9._/@:+,=~%?\&[:blank:]-]*) return 1 ;; esac
}

# Text as lines: without NUL, cut at so many bytes (4000), passwords replaced.
body() {
    tr -d '\000\015' | awk -v most="${1:-4000}" '{
        if (length($0) > most) { $0 = substr($0, 1, most); sub(/[^ \t",;]*$/, ""); $0 = $0 " (cut)" }
        print "|" $0
    }' | hide
}

# The edits for one word: a line that is a setting, a value in quotes, a bare value.
hiding() {
    printf '%s\n' \
        's/^\(|[ 	]*[A-Za-z0-9_.-]*'"$1"'[A-Za-z0-9_]*[ 	]*[=:]\)[^=].*/\1 (hidden)/' \
        's/\('"$1"'[A-Za-z0-9_]*["'\'']\{0,1\} *[=:] *\)"[^"]*"/\1"(hidden)"/g' \
        's/\('"$1"'[A-Za-z0-9_]*["'\'']\{0,1\} *[=:] *['\'']\{0,1\}\)[^"'\'' ,;&()]\{1,\}/\1(hidden)/g' \
        's/\('"$1"'[A-Za-z0-9_]*["'\'']\{0,1\}[ 	]\{1,\}\)["'\''][^"'\'']*["'\'']/\1"(hidden)"/g'
}

hidden_words=$(for word in '[Pp][Aa][Ss][Ss][Ww]' '[Pp][Aa][Ss][Ss][Pp][Hh]' '[Ss][Ee][Cc][Rr][Ee][Tt]' '[Tt][Oo][Kk][Ee][Nn]' \
    '[Aa][Pp][Ii][_-]\{0,1\}[Kk][Ee][Yy]' '[Cc][Rr][Ee][Dd][Ee][Nn][Tt][Ii][Aa][Ll]'; do hiding "$word"; done)

hide() {
    sed -e 's#\(://[^/@:" ]*\):[^/@" ]*@#\1:(hidden)@#g' \
        -e 's/\([Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]["'\'' ]*[: ][ "'\'']*\)[A-Za-z]\{1,\} *[^"'\'' ;]*/\1(hidden)/g' \
        -e 's/\([Cc][Oo][Oo][Kk][Ii][Ee]: *[A-Za-z0-9_.-]*=\)[^;"]*/\1(hidden)/g' \
        -e '/^|\[admins\]/,/^|\[/s/=.*/= (hidden)/' \
        -e 's/\$[0-9a-z]\{1,4\}\$[A-Za-z0-9./$=]\{20,\}/(hidden)/g' \
        -e '/^|[ 	]*user[ 	]/s/\(password[ 	]\{1,\}\)[^ 	]*/\1(hidden)/' \
        -e 's/^\(|[ 	]*stats[ 	]\{1,\}auth[ 	]\{1,\}[^:]*:\).*/\1(hidden)/' \
        -e "$hidden_words"
}

# --- limits

if have timeout && timeout 5 true 2>/dev/null; then
    limit() { timeout -s KILL "$@" </dev/null; }
elif have timeout && timeout -t 5 true 2>/dev/null; then # an old busybox
    limit() { timeout -s KILL -t "$@" </dev/null; }
else
    limit() {
        seconds=$1
        shift
        "$@" </dev/null &
        child=$!
        (
            while [ "$seconds" -gt 0 ]; do
                sleep 1
                kill -0 "$child" || exit
                seconds=$((seconds - 1))
            done
            kill -9 "$child"
        ) >/dev/null 2>&1 3>&- 4>&- 5>&- & # else who reads the output would wait for its last second
        watcher=$!
        wait "$child" 2>/dev/null
        code=$?
        kill "$watcher" 2>/dev/null
        return "$code"
    }
fi

# told SIZE SECONDS COMMAND...: what it says as text, how it ended (124, 137: it took too long), and whether it said more.
told() {
    size=$1
    shift
    ended "$({ { { limit "$@" 2>&1; echo "code=$?" >&3; } | first "$size" | body "$size" >&4; } 3>&1; } 4>&5)" "$size"
}

# first SIZE: so many bytes and one more; how many there were is told as dd does.
first() { dd bs=1 count=$(($1 + 1)) 2>&3; }

# ended WORDS SIZE
ended() {
    case $1 in *"$(($2 + 1))+0 records in"*) echo '= state cut' ;; esac
    code=${1#*code=}
    printf '= exit %s\n' "${code%%[!0-9]*}"
}

# run NAME SECONDS COMMAND...: a program, if it is here.
run() {
    name=$1
    seconds=$2
    shift 2
    section "command $name"
    if have "$1"; then told "$HEAD" "$seconds" "$@"; else echo '= state absent'; fi
}

# --- files

# about PATH: its heading and what it is; fails where it cannot be read as a file.
about() {
    plain "$1" || return 1
    section "file $1"
    if [ ! -e "$1" ] && [ ! -h "$1" ]; then # it is not there, or a folder above it is closed to us
        above=$1
        while [ ! -e "$above" ]; do case $above in /?*/*) above=${above%/*} ;; *) above=/ ;; esac; done
        if [ -d "$above" ] && [ ! -x "$above" ]; then echo '= state closed'; else echo '= state absent'; fi
        return 1
    fi
    printf '= stat %s\n' "$(stat -L -c '%f %u %g %s %Y' -- "$1" 2>/dev/null)"
    if [ -d "$1" ]; then echo '= is folder'
    elif [ -f "$1" ]; then echo '= is file'
    elif [ -S "$1" ]; then echo '= is socket'
    else echo '= is other'; fi
    [ -f "$1" ] || return 1
}

# Only that it is there, whose it is and who may read it. For secrets, and for traces of what is installed.
trace() { for path in "$@"; do about "$path"; done; }

# The beginning of a configuration.
file() {
    about "$1" || return
    if [ -r "$1" ]; then
        dd bs=4096 count=$((HEAD / 4096)) 2>/dev/null <"$1" | body "$HEAD"
        [ "$(wc -c <"$1")" -le "$HEAD" ] && echo '= state whole' || echo '= state cut'
    else
        echo '= state closed'
    fi
}

# The end of a log. A link is not followed: the folder may belong to a service.
log() {
    about "$1" || return
    if [ -h "$1" ]; then echo '= state link'
    elif [ -r "$1" ]; then
        tail -c "$TAIL" -- "$1" 2>/dev/null | body "$TAIL"
        echo '= state end'
    else echo '= state closed'; fi
}

# The names in a folder; fails where there are none.
folder() {
    about "$1"
    [ -d "$1" ] || return 1
    if [ -r "$1" ]; then
        # shellcheck disable=SC2012
        ls -A -- "$1" 2>/dev/null | head -n 3000 | body
        echo '= state whole'
    else
        echo '= state closed'
        return 1
    fi
}

# each COMMAND PATH...: those that are there, of a user's folder not more than 40.
each() {
    command=$1
    count=0
    shift
    for inside in "$@"; do
        [ -e "$inside" ] && [ $((count += 1)) -le 40 ] && "$command" "$inside"
    done
}

# first_of PATH...: the first that is there.
first_of() { for path in "$@"; do [ -e "$path" ] && printf '%s' "$path" && return; done; }

# certificate FILE: the certificates in it, which every visitor gets, and in openssl's words whose they are and until
# when. Of a key in the same file nothing.
certificate() {
    about "$1" || return
    [ -r "$1" ] || { echo '= state closed' && return; }
    section "certificate $1"
    {
        openssl x509 -noout -subject -issuer -dates -in "$1" 2>/dev/null </dev/null
        sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$1" | head -n 300
    } | body
}

# settings WORD FILE: the values of `WORD = value;`, one a line.
settings() {
    sed -e '/^[[:blank:]]*'"$1"'[[:blank:]]*[= 	]/!d' -e 's/^[[:blank:]]*'"$1"'[[:blank:]]*[= 	][[:blank:]]*\([^;#]*\).*/\1/' \
        -e 's/[[:blank:]]*$//' "$2" 2>/dev/null
}

# with_includes DEPTH WORD FILE: a configuration and the files that it includes.
with_includes() (
    file "$3"
    [ "$1" -gt 0 ] && [ -f "$3" ] && [ -r "$3" ] || exit 0
    cd "$(dirname "$3")" 2>/dev/null || exit 0
    settings "$2" "$3" | while read -r patterns; do
        for found in $patterns; do # patterns are meant to be expanded
            case $found in /*) ;; *) found=$(pwd)/$found ;; esac
            [ -f "$found" ] && with_includes $(($1 - 1)) "$2" "$found"
        done
    done
)

# --- servers

curl_answer() { # URL HOST-AND-PLACE (NAME:PORT:ADDRESS or nothing)
    told "$2" 6 curl -q -s -S -k -i --max-time 5 --connect-timeout 3 --noproxy '*' ${3:+--resolve "$3"} -- "$1"
}

# busybox's knows neither; some of its versions end at once where they are given a time.
if wget --help 2>&1 | grep -q max-redirect; then once='--max-redirect=0 -t 1'; else once=; fi
wget_answer() {
    # shellcheck disable=SC2086
    told "$2" 6 wget -q -S $once -O - "$1"
}

# After a minute of waiting for what hangs nobody is asked any more.
late() { [ $(($(date +%s) - began)) -gt 75 ]; }

# asked URL [SIZE] [NAME:PORT:ADDRESS]
asked() {
    plain "$1" || return
    section "answer $1${3:+ at ${3##*:}}"
    if late; then
        echo '= state unasked'
    elif have curl; then
        echo '= by curl'
        curl_answer "$1" "${2:-$BODY}" "${3:-}"
    elif have wget && [ -z "${3:-}" ]; then
        echo '= by wget'
        wget_answer "$1" "${2:-$BODY}"
    else
        echo '= state unasked'
    fi
}

# asked_with_login PATH: at CouchDB. The login goes to curl through a pipe: nobody sees it in a list of processes.
asked_with_login() {
    section "answer $COUCHDB_URL$1 with login"
    echo '= by curl'
    quoted=$(printf '%s' "$login" | sed 's/[\\"]/\\&/g')
    ended "$({ { { printf 'user = "%s"\n' "$quoted" | curl -q -s -S -k -i --max-time 5 --connect-timeout 3 \
        --noproxy '*' -K - -- "$COUCHDB_URL$1" 2>&1; echo "code=$?" >&3; } | first "$BODY" | body "$BODY" >&4; } 3>&1; } 4>&5)" "$BODY"
}

# shown NAME PORT: the certificate that a site shows on this machine, and what openssl thinks of it.
shown() {
    section "certificate $1 at 127.0.0.1:$2"
    limit 6 openssl s_client -connect "127.0.0.1:$2" -servername "$1" 2>/dev/null |
        sed -n -e '/^-----BEGIN CERT/,/^-----END CERT/p' -e 's/^ *\(Verify return code: .*\)/\1/p' | body
}

# --- containers: their state, by named fields (https://pkg.go.dev/text/template), without their environments

# Docker and podman each have a field that the other does not know.
docker_only='"ExposedPorts":{{json .Config.ExposedPorts}},'
podman_only='"IsInfra":{{json .IsInfra}},'
fields() {
    case $1 in docker) podman_only= ;; *) docker_only= ;; esac
    printf '%s' '{"Id":{{json .ID}},"Name":{{json .Name}},'"$podman_only"'"Created":{{json .Created}},"State":{{json .State}},
"RestartCount":{{json .RestartCount}},"Path":{{json .Path}},"Args":[{{if .Args}}{{json (index .Args 0)}}{{end}}],
"HostConfig":{"RestartPolicy":{{json .HostConfig.RestartPolicy}},"PortBindings":{{json .HostConfig.PortBindings}},
"NetworkMode":{{json .HostConfig.NetworkMode}}},"Config":{"Image":{{json .Config.Image}},'"$docker_only"'"Labels":{
"com.docker.compose.project":{{json (index .Config.Labels "com.docker.compose.project")}},
"com.docker.compose.service":{{json (index .Config.Labels "com.docker.compose.service")}},
"PODMAN_SYSTEMD_UNIT":{{json (index .Config.Labels "PODMAN_SYSTEMD_UNIT")}}}},
"NetworkSettings":{"Ports":{{json .NetworkSettings.Ports}},"Networks":{{json .NetworkSettings.Networks}}},
"Mounts":{{json .Mounts}}}'
}

# containers PROGRAM [OPTION...]: all of them, and the last words of some that do not run.
containers() {
    section "command $1 ps"
    answer=$({ told "$HEAD" 8 "$@" ps -a -q --no-trunc; } 5>&1)
    printf '%s\n' "$answer"
    ids=$(printf '%s\n' "$answer" | sed -n 's/^|\([0-9a-f]\{64\}\)$/\1/p' | head -n 100)
    [ -n "$ids" ] || return 0
    # shellcheck disable=SC2086
    run "$1 inspect" 10 "$@" inspect --type container --format "$(fields "$1")" $ids
    for id in $(limit 8 "$@" ps -a -q --no-trunc --filter status=exited 2>/dev/null | head -n 10); do
        section "command $1 logs $id"
        told 16384 5 "$@" logs --tail 40 "$id"
    done
}

# --- PM2 and forever: by their files alone, for PM2's own command would start it, and forever's deletes sockets

# What PM2 has saved, by named fields, without environments. It writes each on a line of its own.
saved() {
    about "$1" || return
    [ -r "$1" ] || { echo '= state closed' && return; }
    awk -v fields='name|status|exec_mode|exec_interpreter|pm_exec_path|pm_cwd|pm_pid_path|pm_err_log_path|pm_out_log_path' '
        BEGIN { wanted = "^    \"(" fields ")\": \"[^\"]*\",?$" }
        $0 ~ /^(\[|\])$/ || $0 == "  {" { print }
        $0 ~ wanted { sub(/,?$/, ","); print }
        $0 ~ /^  \},?$/ { print "    \"only\": \"some fields\""; print }' "$1" | head -n 3000 | body
    echo '= state part'
}

# pm2 FOLDER
pm2() {
    [ ! -h "$1" ] && folder "$1" || return
    trace "$1/rpc.sock"
    log "$1/pm2.pid" # as a log: its folder is a user's
    saved "$1/dump.pm2"
    log "$1/pm2.log"
    folder "$1/pids" && each log "$1"/pids/*.pid
    each log "$1"/logs/*error*.log
}

# forever FOLDER
forever() {
    [ ! -h "$1" ] && folder "$1" || return
    folder "$1/sock" && each trace "$1"/sock/*
    folder "$1/pids" && each log "$1"/pids/*.pid
    each log "$1"/*.log
}

# --- what is collected

exec 5>&1
began=$(date +%s)
echo '#cozydiag-collected 1'

section host
printf '= time %s\n= zone %s\n' "$(date +%s)" "$(date +%z)"
printf '= user %s\n= name %s\n= kernel %s\n' "$(id -u)" "$(uname -n)" "$(uname -srm)"
printf '= ticks %s\n' "$(getconf CLK_TCK 2>/dev/null || echo 100)"
for program in curl wget timeout stat; do have "$program" && printf '= has %s\n' "$program"; done

for path in /proc/uptime /proc/loadavg /proc/meminfo /proc/mounts /proc/self/mountinfo /proc/vmstat \
    /proc/sys/fs/file-nr /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io \
    /proc/device-tree/model /sys/devices/system/cpu/online /etc/os-release /etc/debian_version /etc/resolv.conf; do
    file "$path"
done

# Who listens: the sockets that wait for connections, no others.
listening=
for path in /proc/net/tcp /proc/net/tcp6; do
    about "$path" || continue
    sed -n -e 1p -e '/^ *[0-9]*: [0-9A-F:]* [0-9A-F:]* 0A /p' "$path" | body
    echo '= state whole'
    listening="$listening $(sed -n 's/^ *[0-9]*: [0-9A-F:]* [0-9A-F:]* 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \([0-9]*\).*/\1/p' "$path" |
        tr '\n' ' ')"
done

about /proc/net/unix && sed -n -e 1p -e '/\.sock$/p' /proc/net/unix | body && echo '= state part'

# Processes: number, state, user, and which of the sockets above they hold. Command lines of a Cozy's world alone.
# shellcheck disable=SC2012
held=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v listening="$listening" '
    BEGIN { count = split(listening, inodes, " "); for (i = 1; i <= count; i++) waits["socket:[" inodes[i] "]"] = inodes[i] }
    /^\/proc\// { split($0, parts, "/") }
    $NF in waits { print parts[3] ":" waits[$NF] }' | sort -u)
count=0
dockerd=
homes=
known=
for folder in /proc/[0-9]*; do
    count=$((count + 1))
    [ "$count" -gt 3000 ] && break
    pid=${folder#/proc/}
    line=
    { read -r line <"$folder/stat"; } 2>/dev/null
    [ -n "$line" ] || continue
    section "process $pid"
    printf '|%s\n' "$line"
    uid=
    { while read -r word _ effective _; do [ "$word" = Uid: ] && uid=$effective && break; done <"$folder/status"; } 2>/dev/null
    printf '= uid %s\n' "$uid"
    for pair in $held; do
        case $pair in "$pid":*) printf '= holds %s\n' "${pair#*:}" ;; esac
    done
    [ -r "$folder/fd" ] || echo '= state closed'
    case $line in
    *'(node'* | *'(beam'* | *'(couch'* | *'(nginx'* | *'(supervisor'* | *'(cozy'* | *'(python'* | *'(apache'* | *'(httpd'* | \
        *'(haproxy'* | *'(caddy'* | *'(dockerd'* | *'(containerd'* | *'(PM2'* | *'(epmd'* | *'(heart'*) known="$known $pid" ;;
    esac
    case $line in
    *'(dockerd)'*) dockerd=yes ;;
    *'(PM2'*) homes="$homes $(tr '\000' ' ' <"$folder/cmdline" | sed -n 's/.*God Daemon (\(\/[^ )]*\)).*/\1/p')" ;;
    esac
done
for pid in $known; do
    section "arguments $pid"
    dd if="/proc/$pid/cmdline" bs=4096 count=2 2>/dev/null | tr '\000\015' '\n ' | sed 's/^/|/'
done | hide

run 'df space' 5 df -P -k
run 'df inodes' 5 df -P -i

# What an installation leaves behind. Of these only that they are there.
trace /etc/cozy /etc/cozy/couchdb.login "$LOGIN_FILE" /etc/cozy/stack.token /etc/cozy/controller.token \
    /etc/cozy/cozy-admin-passphrase /etc/cozy/.cozy-admin-passphrase /etc/cozy/vault.enc /etc/cozy/vault.dec \
    /etc/cozy/server.crt /etc/cozy/server.key \
    /usr/local/cozy /usr/local/cozy/apps /var/lib/cozy-indexer /var/lib/cozy /usr/bin/cozy-stack /usr/local/bin/cozy-stack \
    /usr/bin/cozy-controller /usr/local/bin/cozy-controller /usr/bin/cozy-monitor /usr/local/bin/cozy-monitor \
    /opt/couchdb /opt/couchdb/etc /opt/couchdb/data /etc/couchdb /usr/local/etc/couchdb /var/lib/couchdb \
    /usr/local/var/lib/couchdb /etc/init.d/couchdb /etc/init.d/supervisor /etc/init.d/nginx /etc/yunohost \
    /run/systemd/system /run/supervisor.sock /var/run/supervisor.sock /run/supervisor/supervisor.sock /tmp/supervisor.sock \
    /run/docker.sock /var/run/docker.sock /.dockerenv /run/.containerenv /etc/apache2/apache2.conf \
    /etc/httpd/conf/httpd.conf /etc/apache2/httpd.conf /etc/caddy/Caddyfile /etc/caddy/caddy.json /etc/haproxy/haproxy.cfg \
    /usr/local/etc/haproxy/haproxy.cfg /usr/bin/pm2 /usr/local/bin/pm2 /usr/lib/node_modules/pm2 \
    /usr/local/lib/node_modules/pm2 /root/.pm2 /root/.forever /root/.strong-pm /var/lib/strong-pm /tmp /var/log /etc \
    /etc/init.d/apache2 /etc/init.d/haproxy /etc/init.d/postfix /etc/init.d/exim4 /etc/init.d/redis-server \
    /etc/init.d/cozy-controller /etc/supervisor/conf.d/cozy-controller.conf /usr/local/nginx/conf/nginx.conf \
    /etc/postfix/main.cf /usr/sbin/postfix /usr/sbin/exim4 /usr/sbin/msmtp /usr/sbin/smtpd /etc/smtpd.conf /etc/opensmtpd \
    /var/spool/postfix /var/lib/cozy/cozy.yml /var/lib/cozy/.cozy/cozy.yml /var/lib/cozy/.config/cozy/cozy.yml \
    /var/lib/cozy/cozy-admin-passphrase /run/podman /run/podman/podman.sock /var/lib/containers/storage \
    /root/.local/share/containers/storage /run/openrc/softlevel /run/runit /run/s6 /run/systemd/container \
    /run/libpod /run/systemd/private /run/systemd/timesync/synchronized /run/reboot-required /var/snap/couchdb/current/etc \
    /sys/class/net/docker0 /sys/class/net/podman0 /sys/class/net/cni-podman0 /sys/module/ip_tables \
    /sys/module/ip6_tables /sys/module/nf_tables

# The users of a Cozy, and those who have a PM2, a forever or containers; without their full names.
others=' '
while IFS=: read -r user _ uid _ _ home _; do
    case $home in /?*) ;; *) continue ;; esac
    if [ -e "$home/.pm2" ] || [ -e "$home/.forever" ] || [ -e "$home/.local/share/containers/storage" ] ||
        { [ -d "$home" ] && [ ! -x "$home" ]; }; then others="$others$user "; fi
    case $user in root | cozy* | couchdb) ;; *) case $others in *" $user "*) ;; *) continue ;; esac ;; esac
    trace "$home/.pm2" "$home/.forever" "$home/.local/share/containers/storage"
    case " $homes " in *" $home/.pm2 "*) ;; *) homes="$homes $home/.pm2" ;; esac
    [ ! -e "$home/.forever" ] || forever "$home/.forever"
done </etc/passwd
homes="$homes $(sed -n 's/.*PM2_HOME=\([^" ]*\).*/\1/p' /etc/systemd/system/pm2*.service 2>/dev/null)"
for path in $(printf '%s\n' "$homes" | tr -s ' ' '\n' | sort -u); do
    [ ! -e "$path" ] || pm2 "$path"
done
section 'file /etc/passwd'
awk -F : -v others="$others" 'OFS = ":" { $2 = "x"; $5 = "" }
    $1 == "root" || $1 ~ /^(cozy|couchdb)/ || index(others, " " $1 " ")' /etc/passwd 2>/dev/null | body
echo '= state part'

# Configurations
with_includes 3 include "$NGINX_CONF"
base=$(dirname "$NGINX_CONF")
for name in conf.d default.d http.d sites-enabled sites-available modules-enabled snippets; do folder "$base/$name"; done
# Which words of it stand in the program or its modules: others are perhaps misspelt.
if have "$NGINX"; then
    section 'words nginx'
    {
        cat "$(command -v "$NGINX")" /usr/lib/nginx/modules/*.so /usr/lib64/nginx/modules/*.so 2>/dev/null |
            tr -cs 'a-z0-9_' '\n'
        echo '-'
        cat "$NGINX_CONF" "$base"/*.d/* "$base"/sites-enabled/* 2>/dev/null | tr -c 'a-z0-9_' '\n' | sort -u
    } | awk '$0 == "-" { now = 1; next } !now { known[$0] = 1; next } length($0) > 1 && $0 in known' | head -n 3000 | body
fi

[ -n "$APACHE_CONF" ] || APACHE_CONF=$(first_of /etc/apache2/apache2.conf /etc/httpd/conf/httpd.conf /etc/apache2/httpd.conf)
apache=$(dirname "${APACHE_CONF:-/etc/apache2/apache2.conf}")
case $APACHE_CONF in */httpd.conf) APACHE=httpd ;; *) APACHE=apache2 ;; esac
if [ -f "$APACHE_CONF" ]; then
    file "$apache/envvars"
    with_includes 3 'Include[A-Za-z]*' "$APACHE_CONF"
    for name in conf-enabled mods-enabled sites-enabled conf.d vhosts.d ../conf.d ../conf.modules.d; do
        folder "$apache/$name"
    done
    # What it makes of its files: `-t -D DUMP_CONFIG` prints that, and writes nothing.
    set -- -f "$APACHE_CONF" -t -D DUMP_CONFIG
    for path in /usr/lib/apache2/modules /usr/lib64/httpd/modules /usr/lib/httpd/modules /usr/lib/apache2; do
        trace "$path/mod_info.so"
        [ -f "$path/mod_info.so" ] && set -- -C "LoadModule info_module $path/mod_info.so" "$@" && break
    done
    # With the variables that its unit gives it.
    # shellcheck disable=SC2016,SC2046
    have "$APACHE" && run "$APACHE $*" 8 env $(sed -n -e 's/\$SUFFIX//g' \
        -e 's/^export \(APACHE_[A-Z_]*=[A-Za-z0-9/._-]*\)$/\1/p' "$apache/envvars" 2>/dev/null) "$APACHE" "$@"
    run "$APACHE -v" 5 "$APACHE" -v
fi

[ -n "$CADDY_CONF" ] || CADDY_CONF=$(first_of /etc/caddy/Caddyfile /etc/caddy/caddy.json)
if [ -f "$CADDY_CONF" ]; then
    with_includes 2 import "$CADDY_CONF"
    for name in conf.d sites-enabled sites Caddyfile.d; do folder "$(dirname "$CADDY_CONF")/$name"; done
    # As JSON, as which its warnings are none.
    # shellcheck disable=SC2016
    have caddy && run "caddy adapt --config $CADDY_CONF" 8 \
        sh -c 'caddy adapt --config "$1" 2>/dev/null || caddy adapt --config "$1"' sh "$CADDY_CONF"
    run 'caddy version' 5 caddy version
    asked http://127.0.0.1:2019/config/ "$HEAD"
fi

if [ -f "$HAPROXY_CONF" ]; then
    file "$HAPROXY_CONF"
    folder "$(dirname "$HAPROXY_CONF")/conf.d"
    run "haproxy -c -f $HAPROXY_CONF" 8 haproxy -c -f "$HAPROXY_CONF" # which opens no port
    run 'haproxy -v' 5 haproxy -v
fi

for path in /run/apache2/apache2.pid /run/httpd/httpd.pid /run/apache2/httpd.pid /run/haproxy.pid /run/haproxy/haproxy.pid \
    "$NGINX_PID" /var/run/nginx.pid /run/nginx/nginx.pid /usr/local/nginx/logs/nginx.pid \
    /run/couchdb/couchdb.pid /var/run/couchdb/couchdb.pid; do
    file "$path"
done

for path in /etc/supervisord.conf /etc/supervisor/supervisord.conf; do
    file "$path"
    [ -n "$SUPERVISORD_CONF" ] || { [ -f "$path" ] && SUPERVISORD_CONF=$path; }
done
[ -n "$SUPERVISORD_CONF" ] && with_includes 1 files "$SUPERVISORD_CONF"

for path in /etc/cozy/controller.json /etc/cozy/cozy.yml /etc/cozy/cozy.yaml /etc/cozy/cozy.yml.local /etc/cozy/cozy.yaml.local \
    /etc/couchdb/default.ini /etc/couchdb/local.ini /usr/local/etc/couchdb/default.ini /usr/local/etc/couchdb/local.ini \
    /opt/couchdb/etc/default.ini /opt/couchdb/etc/local.ini /opt/couchdb/etc/vm.args; do
    file "$path"
done
for directory in /etc/couchdb/default.d /etc/couchdb/local.d /usr/local/etc/couchdb/local.d /opt/couchdb/etc/local.d \
    /opt/couchdb/etc/default.d /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system \
    /etc/systemd/system/cozy-stack.service.d; do
    if [ ! -d "$directory" ]; then
        trace "$directory"
        continue
    fi
    case $directory in
    */systemd/system) # of hundreds of units two are of interest
        section "file $directory"
        for path in "$directory"/cozy-stack*.service "$directory"/couchdb.service; do
            [ -e "$path" ] && printf '%s\n' "${path##*/}" | body
        done
        printf '= is folder\n= state part\n'
        for path in "$directory"/cozy-stack*.service "$directory"/couchdb.service; do [ -f "$path" ] && file "$path"; done
        ;;
    *)
        folder "$directory"
        for path in "$directory"/*.ini "$directory"/*.conf; do [ -f "$path" ] && file "$path"; done
        ;;
    esac
done

# Services
folder /etc/init.d
folder /etc/systemd/system/multi-user.target.wants
for path in /etc/systemd/system/multi-user.target.wants/pm2*; do [ -f "$path" ] && file "$path"; done
section 'command supervisorctl status'
if have "$SUPERVISORCTL"; then
    if [ -n "$SUPERVISORD_CONF" ]; then set -- -c "$SUPERVISORD_CONF"; else set --; fi
    printf '= configuration %s\n' "$SUPERVISORD_CONF"
    told "$HEAD" 8 "$SUPERVISORCTL" "$@" status
else
    echo '= state absent'
fi
if [ -d /run/systemd/system ]; then
    properties=Id,Names,LoadState,LoadError,ActiveState,SubState,Result,Type,UnitFileState,MainPID,ExecMainCode,ExecMainStatus,NRestarts,RestartUSec,ConditionResult,ConditionTimestampMonotonic,StateChangeTimestampMonotonic,ActiveEnterTimestampMonotonic,Requires,BindsTo,Requisite,Job,InvocationID
    run 'systemctl show' 8 systemctl show --no-pager -p "$properties" -- \
        nginx.service apache2.service httpd.service caddy.service haproxy.service couchdb.service \
        cozy-stack.service supervisor.service supervisord.service postfix.service postfix@-.service \
        exim4.service redis-server.service docker.service podman.service 'pm2-*.service' 'cozy-*.service'
fi
# Nobody is asked who does not run: a question could start him.
if [ -n "$dockerd" ] && have docker; then
    containers docker -H "unix://$(first_of /run/docker.sock /var/run/docker.sock)"
fi
podman=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/libpod/tmp/pause.pid
if [ "$(id -u)" -ne 0 ]; then
    file "$podman"
    kill -0 "$(cat "$podman" 2>/dev/null)" 2>/dev/null || podman=
elif [ ! -e /run/libpod ]; then podman=; fi
if [ -n "$podman" ] && have podman; then containers podman; fi
run 'cozy-monitor status --raw' 20 "$COZY_MONITOR" status --raw
run 'node --version' 5 node --version
run 'nodejs --version' 5 nodejs --version
run 'nginx -v' 5 "$NGINX" -v
run 'python --version' 5 python --version
# shellcheck disable=SC2016
run 'packages' 10 dpkg-query -W -f '${Package} ${Version} ${Status}\n' 'cozy*' 'couchdb*' nginx supervisor nodejs

# Answers
asked "$COUCHDB_URL/"
asked "$COUCHDB_URL/_up"
asked "$COUCHDB_URL/$COUCHDB_DATABASE"
asked "$COUCHDB_URL/_users"
for url in http://127.0.0.1:9002/ http://127.0.0.1:9101/ http://127.0.0.1:9104/status http://127.0.0.1:8080/status \
    http://127.0.0.1:8080/version http://127.0.0.1:6060/version $ASK; do
    case $url in */api/applications/) asked "$url" 65536 ;; *) asked "$url" ;; esac
done
asked http://127.0.0.1:9103/api/applications/ 65536

login=
[ -r "$LOGIN_FILE" ] && [ -f "$LOGIN_FILE" ] && login=$(sed -n -e 1p -e 2p "$LOGIN_FILE" | tr -d '\r' | tr '\n' ':' | sed 's/:$//')
case $login in
?*:?*) section login && printf '= file %s\n= state whole\n' "$LOGIN_FILE" ;;
*) [ ! -r "$LOGIN_FILE" ] || { section login && printf '= file %s\n= state malformed\n' "$LOGIN_FILE"; } && login= ;;
esac
if [ -n "$login" ] && have curl; then
    # One try: what refuses it once is not asked again, for CouchDB locks who fails five times.
    answer=$({ asked_with_login /_session; } 5>&1)
    printf '%s\n' "$answer"
    case $answer in
    *"|HTTP/"*" 200"*)
        for path in "/$COUCHDB_DATABASE" /_users /_all_dbs /_membership /_active_tasks /_node/_local/_system; do
            asked_with_login "$path"
        done
        ;;
    esac
    answer=
fi
login=

# The sites of the proxies, asked on this machine, their certificates, and what nginx passes them to.
configured=$(for path in "$NGINX_CONF" "$base"/conf.d/* "$base"/sites-enabled/* "$APACHE_CONF" "$apache"/ports.conf \
    "$apache"/sites-enabled/* "$apache"/conf.d/* "$apache"/../conf.d/* "$CADDY_CONF" "$HAPROXY_CONF"; do
    if [ -f "$path" ] && [ -r "$path" ]; then cat -- "$path"; fi
done | tr -d '\000')
words() { tr -s '[:blank:],' '\n' | sort -u | head -n 20; }
sites() { printf '%s\n' "$configured" | settings "$1" - | words; }
# matches EDIT: what an edit of sed finds.
matches() { printf '%s\n' "$configured" | sed -n "$1" | words; }
ports=$({
    sites '[Ll]isten'
    matches 's/^[[:blank:]]*<VirtualHost \(.*\)>.*/\1/p'
    matches 's/^[[:blank:]]*bind[[:blank:]]\{1,\}\([^ ]*\).*/\1/p'
    [ ! -f "$CADDY_CONF" ] || printf '80\n443\n'
} | sed -n 's/^\(.*:\)\{0,1\}\([0-9]\{1,5\}\)$/\2/p' | sort -u | head -n 6)
names=$({
    sites server_name
    sites ServerName
    sites ServerAlias
    matches 's/^\([a-z0-9.-]*\.[a-z]\{2,\}\([, ].*\)\{0,1\}\){$/\1/p' # Caddy's begin a line
    matches 's/.*hdr([Hh]ost)[[:blank:]]*\(-i[[:blank:]]*\)\{0,1\}\([^ ]*\).*/\2/p' # HAProxy's
} | sort -u | head -n 20)
for name in $names; do
    case $name in *[!A-Za-z0-9.-]* | '' | _) continue ;; esac
    for port in $ports; do
        case $port in
        443) asked "https://$name/" "$BODY" "$name:443:127.0.0.1" ;;
        80) asked "http://$name/" "$BODY" "$name:80:127.0.0.1" ;;
        *) asked "http://$name:$port/" "$BODY" "$name:$port:127.0.0.1" ;;
        esac
        if [ "$port" != 80 ] && have openssl && ! late; then shown "$name" "$port"; fi
    done
    if have getent; then run "name $name" 5 getent ahosts "$name"; fi
done
for path in $({
    sites ssl_certificate
    sites SSLCertificateFile
    matches 's/^[[:blank:]]*tls[[:blank:]]\{1,\}\(\/[^ ]*\).*/\1/p'
    matches 's/^[[:blank:]]*bind .* crt[[:blank:]]\{1,\}\([^ ]*\).*/\1/p'
    echo /etc/cozy/server.crt
} | tr -d '"' | sort -u); do
    case $path in /*) ;; *) path=$base/$path ;; esac
    if [ -d "$path" ]; then each certificate "$path"/*.pem; else certificate "$path"; fi
done
for url in $(sites proxy_pass); do
    case $url in http://127.0.0.1:* | http://localhost:*) asked "${url%/}/" ;; esac
done

# The ends of logs
for path in $(for conf in "$NGINX_CONF" "$base"/conf.d/* "$base"/sites-enabled/*; do settings error_log "$conf"; done |
    sed 's/ .*//' | sort -u | head -n 20) /var/log/nginx/error.log; do
    case $path in /*) log "$path" ;; esac
done
if [ -n "$SUPERVISORD_CONF" ]; then
    { settings files "$SUPERVISORD_CONF" | tr ' ' '\n'; echo "$SUPERVISORD_CONF"; } | while read -r pattern; do
        case $pattern in /*) ;; *) pattern=$(dirname "$SUPERVISORD_CONF")/$pattern ;; esac
        for conf in $pattern; do
            for word in logfile stdout_logfile stderr_logfile; do settings "$word" "$conf"; done
        done
    done | sort -u | head -n 60 | while read -r path; do
        case $path in /*) log "$path" ;; esac
    done
fi
for path in /var/log/supervisor/supervisord.log /var/log/supervisor/cozy-*.log /var/log/couchdb/*.log /var/log/couchdb.log \
    /usr/local/var/log/couchdb/*.log /opt/couchdb/var/log/*.log \
    /var/log/apache2/*error*.log /var/log/httpd/*error_log /var/log/caddy/*.log /var/log/haproxy.log \
    /usr/local/var/log/cozy/*.log $LOGS; do
    log "$path"
done

echo '== end'
