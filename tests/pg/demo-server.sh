#!/bin/bash
# A PostgreSQL server to try the central one with: demo-server.sh TOWERCTL [DIR]
# Keeps its data in DIR, with one login for each role; prints an address that a client can use and lives until Ctrl+C.
set -euo pipefail
towerctl=$1
dir=${2:-}
roles='viewer sales accounting logistics legal partner admin agent'
say () { printf '%s\n' "$*" >&2; }
fail () {
  say "server: $*"
  exit 1
}

bin=$(pg_config --bindir 2>/dev/null || true)
[ -x "$bin/initdb" ] || bin=/usr/lib/postgresql/15/bin
[ -x "$bin/initdb" ] || fail 'PostgreSQL 15 is not installed'

# PostgreSQL refuses to run as root: root lends it an unprivileged user
as=()
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
  user=nobody
  getent passwd postgres >/dev/null && user=postgres
  as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
  dir=${dir:-/var/tmp/control-tower-server}
fi
dir=${dir:-${XDG_DATA_HOME:-$HOME/.local/share}/control-tower/server}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
[ ${#dir} -le 80 ] || fail "$dir is too long a name for a socket; name another folder"
run () { (cd "$dir" && HOME=$dir "${as[@]}" "$@"); }

# only its own folder: nobody else's data, and nobody else's passwords
owner=$(stat -c %U "$dir")
if [ ! -e "$dir/data" ] && [ -z "$(ls -A "$dir")" ] && [ "$owner" = "$(id -un)" ]; then
  chown "$user" "$dir"
  chmod 700 "$dir"
elif [ "$owner" != "$user" ] || [ "$(stat -c %a "$dir")" != 700 ] || [ ! -e "$dir/data" ]; then
  fail "$dir is not a folder of this server; name another one, or an empty one"
fi
run test -x "$dir" || fail "the user $user cannot reach $dir; name another folder"
[ ! -e "$dir/data/postmaster.pid" ] || ! run "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1 || fail "it runs already in $dir"

server=
finish () {
  trap - EXIT INT TERM HUP
  [ -z "$server" ] || { kill -INT "$server" && wait "$server"; } 2>/dev/null || true
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -f "$dir/data/PG_VERSION" ]; then
  run rm -rf "$dir/data.new" "$dir/data"
  run "$bin/initdb" -D "$dir/data.new" -U postgres -E UTF8 --locale=C.UTF-8 -A trust >"$dir/log" 2>&1 || fail "see $dir/log"
  # the socket lies in a folder that only this user may enter; over TCP everybody needs a password
  run sh -c 'printf "%s\n" "local all all trust" "host all all 127.0.0.1/32 scram-sha-256" >"$1/pg_hba.conf"' sh "$dir/data.new"
  run mv "$dir/data.new" "$dir/data"
fi
port=${CT_SERVER_PORT:-5433}
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
# a process group of its own, so that Ctrl+C reaches it through this script, after the rest
set -m
(cd "$dir" && HOME=$dir exec "${as[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" -c listen_addresses=127.0.0.1) \
  >>"$dir/log" 2>&1 </dev/null &
set +m
server=$!
for _ in $(seq 300); do
  ! "$bin/pg_isready" -q -h "$dir" -p "$port" || break
  kill -0 "$server" 2>/dev/null || fail "PostgreSQL does not start; see $dir/log"
  sleep 0.1
done

owner_url="host=$dir port=$port dbname=tower user=postgres"
sql () { psql -X -q -A -t -v ON_ERROR_STOP=1 "host=$dir port=$port dbname=$1 user=postgres" -c "$2"; }
[ "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = 'tower'")" = 1 ] || sql postgres 'CREATE DATABASE tower'
"$towerctl" server init "$owner_url" >/dev/null

# in the form of libpq's own password file, so that PGPASSFILE=FILE is enough
passwords=$dir/passwords
umask 077
[ -e "$passwords" ] || : >"$passwords"
for role in $roles; do
  ! grep -q "^127.0.0.1:\*:tower:$role:" "$passwords" || continue
  password=$(head -c 15 /dev/urandom | base64 | tr '+/' '-_')
  "$towerctl" server add-user "$owner_url" "$role" --role "$role" --user-password-file <(printf '%s\n' "$password") >/dev/null
  printf '127.0.0.1:*:tower:%s:%s\n' "$role" "$password" >>"$passwords"
done

say ''
say "A central server on this machine, data in $dir. One login for each role: $roles"
say "Their passwords are in $passwords; libpq reads it as PGPASSFILE."
say "Its administrator: towerctl server status '$owner_url'"
say 'Ctrl+C stops it; begin again with the same data, or remove the folder to forget it.'
printf 'postgresql://sales@127.0.0.1:%s/tower\n' "$port"
wait "$server" || fail "PostgreSQL ended; see $dir/log"
