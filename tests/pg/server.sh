#!/bin/bash
# A PostgreSQL server of its own in a temporary directory: server.sh PORT
# With CT_PG_DURABLE in the environment it writes as a real one does, for measurements.
# Prints the directory (socket, and TCP on loopback with passwords) when it is ready, and lives until its standard
# input ends: a test that dies, however, takes it along. A line "crash" there ends the server at once, as a failure would,
# and starts it again. Root lends it an unprivileged user, as PostgreSQL demands.
set -eu
port=$1
bin=$(pg_config --bindir 2>/dev/null || true)
for dir in "$bin" /usr/lib/postgresql/15/bin; do
  [ -x "$dir/initdb" ] && break
done
[ -x "$dir/initdb" ] || { echo "PostgreSQL 15 is not installed" >&2; exit 77; }

# in a session of its own: a runner that kills the test's process group leaves the clean-up to us
if [ -z "${CT_PG_SESSION:-}" ]; then
  CT_PG_SESSION=1 exec setsid --wait "$0" "$@"
fi
trap '' HUP INT TERM PIPE

as=()
base=$(mktemp -d /tmp/ct-pg-XXXXXX)
if [ "$(id -u)" = 0 ]; then
  user=nobody
  getent passwd postgres >/dev/null && user=postgres
  chown "$user" "$base"
  as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
fi
cd "$base"
run () { HOME=$base "${as[@]}" "$@"; }
server=
finish () {
  if [ -n "$server" ]; then
    # first at once, then for good
    run kill -QUIT "$server" 2>/dev/null || true
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  cd /
  rm -rf "$base"
}
trap finish EXIT

if ! run "$dir/initdb" -D "$base/data" -U postgres -E UTF8 --locale=C.UTF-8 -A trust --no-sync >"$base/log" 2>&1; then
  cat "$base/log" >&2
  exit 1
fi
printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 scram-sha-256' >"$base/data/pg_hba.conf"
writes=(-c fsync=off -c full_page_writes=off -c shared_buffers=32MB)
[ -z "${CT_PG_DURABLE:-}" ] || writes=(-c shared_buffers=256MB -c max_wal_size=4GB)
[ -z "${CT_PG_BUFFERS:-}" ] || writes+=(-c "shared_buffers=$CT_PG_BUFFERS" -c max_wal_size=8GB)
start () {
  HOME=$base "${as[@]}" "$dir/postgres" -D "$base/data" -k "$base" -p "$port" -c "listen_addresses=${CT_PG_LISTEN:-127.0.0.1}" \
    "${writes[@]}" -c "max_connections=${CT_PG_CONNECTIONS:-60}" -c deadlock_timeout=200ms \
    -c log_min_messages=error -c log_statement=none >>"$base/log" 2>&1 </dev/null &
  server=$!
  for _ in $(seq 1 1500); do
    if "$dir/pg_isready" -q -h "$base" -p "$port"; then
      printf 'ready %s\n' "$base"
      return
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.02
  done
  cat "$base/log" >&2
  exit 1
}
start
while read -r wish; do
  if [ "$wish" = crash ]; then
    run kill -QUIT "$server"
    wait "$server" || true
    start
  fi
done
