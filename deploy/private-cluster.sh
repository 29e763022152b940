# shellcheck shell=bash
# A private PostgreSQL cluster for a script, to be sourced: own data directory, own free port, unprivileged user.
# Whatever it starts, it starts in a session of its own, so that Ctrl-C reaches the script alone, and stops by pid.
#
#   state_create NAME          makes the state directory: $state
#   run_as ARG...              replaces the (sub)shell by a command of the unprivileged user
#   background SIGNAL LOG ARG...  starts one so, in the background, to be stopped by SIGNAL; sets $started_pid
#   stop_started               stops all of those, the latest first, and waits for them; $stopped_badly: one crashed
#   cluster_create / cluster_start MAX_CONNECTIONS: user app with database app, administrator postgres
#
# Needs bash, util-linux, procps and PostgreSQL's server package. Callers have `set -euo pipefail`.

state=""
started_pids=()
declare -A stop_signal=()
stopped_badly=0
started_pid=""
cluster_port=""

# The caller's PGPASSWORD, PGHOST and the like are about another server.
for variable in "${!PG@}"; do [[ "$variable" == PGWEIR* ]] || unset "$variable"; done

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# PostgreSQL refuses to run as root. Its package brings an account for this.
server_user() {
  if [ "$(id -u)" -ne 0 ]; then id -un; elif id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

run_as() {
  if [ "$(id -u)" -ne 0 ]; then exec "$@"; fi
  exec setpriv --reuid="$(server_user)" --regid="$(id -g "$(server_user)")" --clear-groups -- "$@"
}

# Not below the home directory or the sources: the unprivileged user may not be allowed to go there.
state_create() {
  state=$(mktemp -d "/tmp/$1.XXXXXX")
  mkdir "$state/socket"
  if [ "$(id -u)" -eq 0 ]; then chown -R "$(server_user)" "$state"; fi
}

# private_file NAME < content: mode 0600 from its first byte, readable by the unprivileged user.
private_file() {
  (umask 077 && cat >"$state/$1")
  if [ "$(id -u)" -eq 0 ]; then chown "$(server_user)" "$state/$1"; fi
}

random_password() { head -c 18 /dev/urandom | base64 | tr '+/' '-_'; }

# A port below the range from which the kernel takes the ports of outgoing connections.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  die "no free port between 20000 and 29999"
}

background() {
  local signal=$1 log=$2
  shift 2
  # The shell that becomes the process is not a group leader, so setsid keeps its pid.
  # Descriptor 9 is the caller's lock, which must not outlive the caller.
  (cd / && run_as setsid "$@") >>"$log" 2>&1 </dev/null 9>&- &
  started_pid=$!
  started_pids+=("$started_pid")
  stop_signal[$started_pid]=$signal
  echo "$started_pid $signal" >>"$state/pids"
}

is_running() { kill -0 "$1" 2>/dev/null; }

# wait_until SECONDS COMMAND...: polls; false when the time is over. A command may take its time itself.
wait_until() {
  local end=$((SECONDS + $1 + 1))
  shift
  while ! "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then return 1; fi
    sleep 0.05
  done
}

not_running() { ! is_running "$1"; }

# A process that dies of a signal while it stops has a bug, and whoever runs the script should hear of it.
stop_pid() {
  local code=0
  if is_running "$1"; then
    kill -s "${stop_signal[$1]}" "$1" 2>/dev/null || true
    wait_until 30 not_running "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || code=$?
    if [ "$code" -gt 128 ]; then
      say "${0##*/}: process $1 was told to stop and died of signal $((code - 128))"
      # shellcheck disable=SC2034  # read by callers
      stopped_badly=1
    fi
  fi
}

stop_started() {
  local i
  for ((i = ${#started_pids[@]} - 1; i >= 0; i--)); do stop_pid "${started_pids[i]}"; done
  started_pids=()
}

state_remove() {
  if [ -n "$state" ]; then rm -rf -- "$state"; fi
  state=""
}

postgres_bin() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  [ -n "$newest" ] || die "no PostgreSQL server found below /usr/lib/postgresql"
  dirname "$newest"
}

cluster_create() {
  random_password | private_file postgres.password
  random_password | private_file app.password
  (cd / && run_as "$(postgres_bin)/initdb" --pgdata="$state/data" --username=postgres \
    --pwfile="$state/postgres.password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync) \
    >"$state/initdb.log" 2>&1 || die "initdb failed: $(tail -n 3 "$state/initdb.log")"
  # One line for everybody's libpq, so that no password appears on a command line or on the terminal.
  printf '*:*:*:%s:%s\n' postgres "$(<"$state/postgres.password")" app "$(<"$state/app.password")" |
    private_file pgpass
}

cluster_answers() { is_running "$1" && "$(postgres_bin)/pg_isready" -q -h "$state/socket" -p "$cluster_port"; }

# The port may be taken between the look and the start: try another then.
cluster_start() {
  local attempt
  for attempt in 1 2 3; do
    cluster_port=$(free_port)
    # SIGINT is its fast shutdown; SIGTERM would wait for clients.
    background INT "$state/postgresql.log" "$(postgres_bin)/postgres" -D "$state/data" -p "$cluster_port" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories="$state/socket" -c max_connections="$1"
    wait_until $((attempt * 10)) cluster_answers "$started_pid" && return
    stop_pid "$started_pid"
  done
  die "PostgreSQL does not start: $(tail -n 5 "$state/postgresql.log")"
}

# As administrator, over the private socket.
cluster_sql() {
  PGPASSFILE="$state/pgpass" "$(postgres_bin)/psql" -X -q -v ON_ERROR_STOP=1 -h "$state/socket" \
    -p "$cluster_port" -U postgres -d postgres "$@"
}

cluster_add_app() {
  # On standard input, because arguments are seen by every user of the machine.
  printf "CREATE ROLE app LOGIN PASSWORD '%s';\nCREATE DATABASE app OWNER app;\n" "$(<"$state/app.password")" | cluster_sql -f -
}
