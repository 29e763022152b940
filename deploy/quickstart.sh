#!/usr/bin/env bash
# pgweir in front of a real PostgreSQL, on a bare Debian 12, in one command:
#
#   deploy/quickstart.sh [--once] [--clients 1000] [--binaries DIR]
#
# Installs the packages (root, or a user with sudo), builds, creates a private PostgreSQL cluster that nothing else
# uses, starts pgweir with a pool of ten server connections, lets a burst of clients loose on PostgreSQL directly
# and then on pgweir, prints both side by side, and stays up until Ctrl-C.
#   --once          ends after the bursts; the exit code says whether pgweir served every client
#   --clients N     size of the burst
#   --binaries DIR  uses pgweir and pgweir-bench of that directory instead of building
# Whatever it started is stopped, and its temporary directory removed, on every way out.
# shellcheck disable=SC2317  # functions that traps and wait_until call
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/private-cluster.sh
. "$root/deploy/private-cluster.sh"

# Small, as on a small database instance, so that a burst on PostgreSQL itself has to fail.
server_connections_max=50
pool_max=10
once=0 clients=1000 binaries=""

usage() { sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --once) once=1; shift ;;
    --clients)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || die "--clients needs a positive whole number"
      clients=$2; shift 2 ;;
    --binaries)
      [ -d "${2:-}" ] || die "--binaries needs a directory"
      binaries=$(cd "$2" && pwd); shift 2 ;;
    *) die "unknown argument '$1' (see --help)" ;;
  esac
done

# One at a time; and what a killed run could not clean up is cleaned up now.
lock_and_sweep() {
  local left pid signal
  mkdir -p "$root/deploy/.quickstart"
  exec 9>"$root/deploy/.quickstart/lock"
  flock -n 9 || die "another quickstart of this directory is running; end it with Ctrl-C first"
  left=$(cat "$root/deploy/.quickstart/state" 2>/dev/null || true)
  [[ "$left" == /tmp/pgweir-quickstart.* && -O "$left/pids" ]] || return 0
  say "Cleaning up after a run that was killed."
  while read -r pid signal; do
    # A process id is reused sooner or later: only a process that names that directory is ours.
    if grep -qsF -- "$left" "/proc/$pid/cmdline"; then
      kill -s "$signal" "$pid" 2>/dev/null || true
      wait_until 20 not_running "$pid" || kill -KILL "$pid" 2>/dev/null || true
    fi
  done <"$left/pids"
  rm -rf -- "$left"
}

build() {
  if [ -n "$binaries" ]; then return; fi
  "$root/deploy/install-packages.sh" run
  say "Building (a few minutes the first time, seconds afterwards)."
  # The same configuration as the tests use, so that they find this build and only add to it.
  (cd "$root" && cmake --preset release >"$root/deploy/.quickstart/build.log" 2>&1 &&
    cmake --build --preset release --target pgweir pgweir-bench >>"$root/deploy/.quickstart/build.log" 2>&1) ||
    die "the build failed: $(tail -n 20 "$root/deploy/.quickstart/build.log")"
  binaries=$root/build/release
}

start_pgweir() {
  client_port=$(free_port)
  admin_port=$(free_port)
  private_file pgweir.yaml <<YAML
# Written by deploy/quickstart.sh.
listen: {host: 127.0.0.1, port: $client_port, max_clients: $((clients > 10000 ? clients : 10000))}
admin: {host: 127.0.0.1, port: $admin_port}
databases:
  app: {host: 127.0.0.1, port: $cluster_port}
users:
  app: {password_file: $state/app.password}
pool: {min_size: 2, max_size: $pool_max}
YAML
  # A copy, because the unprivileged user may not be allowed to read the build directory.
  install -m 755 "$binaries/pgweir" "$state/pgweir"
  background TERM "$state/pgweir.log" "$state/pgweir" serve "$state/pgweir.yaml"
  pgweir_pid=$started_pid
  wait_until 30 ready_or_gone || die "pgweir is not ready after 30 s: $(tail -n 5 "$state/pgweir.log")"
  is_running "$pgweir_pid" || die "pgweir has ended: $(tail -n 5 "$state/pgweir.log")"
}

# Bash's own TCP, because a bare system has no curl.
is_ready() {
  local status
  status=$( (
    exec 3<>"/dev/tcp/127.0.0.1/$admin_port"
    printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r -t 2 -u 3 _ status _ && echo "$status"
  ) 2>/dev/null) && [ "$status" = 200 ]
}
ready_or_gone() { is_ready || ! is_running "$pgweir_pid"; }

# burst NAME PORT: its report goes to $state/NAME.json. Fails when not every client was served.
burst() {
  # The administrator watches over the private socket.
  BURST_PASSWORD="$(<"$state/app.password")" "$binaries/pgweir-bench" burst --host 127.0.0.1 --port "$2" \
    --user app --password-env BURST_PASSWORD --database app --clients "$clients" --json \
    --watch "host=$state/socket port=$cluster_port user=postgres dbname=postgres passfile=$state/pgpass" \
    >"$state/$1.json"
}

cleanup() {
  local code=$?
  trap '' INT TERM HUP
  stop_started
  state_remove
  rm -f "$root/deploy/.quickstart/state"
  if [ "$code" -eq 0 ]; then code=$stopped_badly; fi
  exit "$code"
}
# While it stays up, Ctrl-C is how it is meant to end.
staying=0
interrupted() { if [ "$staying" -eq 1 ]; then exit 0; else exit 130; fi; }

lock_and_sweep
trap cleanup EXIT
trap interrupted INT TERM HUP
build
state_create pgweir-quickstart
echo "$state" >"$root/deploy/.quickstart/state"
say "Creating a private PostgreSQL cluster."
cluster_create
cluster_start "$server_connections_max"
cluster_add_app
start_pgweir
say "A burst of $clients clients on PostgreSQL itself, which allows $server_connections_max connections."
burst direct "$cluster_port" || true
say "The same burst on pgweir, which holds at most $pool_max."
served=0
burst pgweir "$client_port" || served=$?

echo
"$binaries/pgweir-bench" table "PostgreSQL directly=$state/direct.json" "through pgweir=$state/pgweir.json"
echo
if [ "$once" -eq 1 ]; then exit "$served"; fi
echo "psql:     PGPASSFILE=$state/pgpass $(postgres_bin)/psql -h 127.0.0.1 -p $client_port -U app app"
echo "metrics:  http://127.0.0.1:$admin_port/metrics"
echo "watch:    http://127.0.0.1:$admin_port/"
echo "Ctrl-C stops everything."
staying=1
wait "$pgweir_pid" || true
die "pgweir has ended: $(tail -n 5 "$state/pgweir.log")"
