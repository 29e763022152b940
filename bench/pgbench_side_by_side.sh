#!/usr/bin/env bash
# pgbench -S through pgweir and through PgBouncer, side by side in one run: simple, extended and prepared protocol.
# The two take turns, so that whatever else the machine does hits both; the table shows medians. A pooler's cost
# is its own CPU time per transaction (user and system, from /proc), which says more on a busy machine than
# transactions per second do. One worker each, the same cluster, the same pool size.
#
#   bench/pgbench_side_by_side.sh [--seconds 10] [--repeats 3] [--clients 20] [--pool 20] [--scale 10]
#       [--pgweir build/release/pgweir] [--pgbouncer /usr/sbin/pgbouncer] [--output FILE] [--json FILE]
#
# The cluster is private and gone afterwards.
# shellcheck disable=SC2317  # functions that traps and wait_until call
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/private-cluster.sh
. "$here/../deploy/private-cluster.sh"

seconds=10 repeats=3 clients=20 pool=20 scale=10
pgweir="$here/../build/release/pgweir"
pgbouncer=/usr/sbin/pgbouncer
output="" json=""

usage() { sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --seconds | --repeats | --clients | --pool | --scale)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || die "$1 needs a positive whole number"
      declare "${1#--}=$2"; shift 2 ;;
    --pgweir | --pgbouncer | --output | --json)
      [ -n "${2:-}" ] || die "$1 needs a path"
      declare "${1#--}=$2"; shift 2 ;;
    *) die "unknown argument '$1' (see --help)" ;;
  esac
done
[ -x "$pgweir" ] || die "$pgweir is not a program; build it (cmake --build --preset release) or give --pgweir"
[ -x "$pgbouncer" ] || die "$pgbouncer is not a program; install the package pgbouncer or give --pgbouncer"

cleanup() {
  local code=$?
  stop_started
  state_remove
  if [ "$code" -eq 0 ]; then code=$stopped_badly; fi
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- Poolers. For each NAME: NAME_start MODE sets port_of[NAME] and pid_of[NAME]; NAME_version; NAME_mode says how
# --- it pools for a protocol, so that a rival without prepared statements in transaction mode is shown as it is.
poolers=(pgweir pgbouncer)
declare -A port_of=() pid_of=()

pgweir_version() { "$pgweir" version 2>/dev/null | head -n 1; }
pgweir_mode() { echo transaction; }
pgweir_start() {
  local admin
  port_of[pgweir]=$(free_port)
  admin=$(free_port)
  private_file pgweir.yaml <<YAML
listen: {host: 127.0.0.1, port: ${port_of[pgweir]}}
workers: 1
admin: {host: 127.0.0.1, port: $admin}
databases:
  app: {host: 127.0.0.1, port: $cluster_port}
users:
  app: {password_file: $state/app.password}
pool: {mode: $1, min_size: $pool, max_size: $pool}
log: {level: warning}
YAML
  background TERM "$state/pgweir.log" "$state/pgweir" serve "$state/pgweir.yaml"
  pid_of[pgweir]=$started_pid
}

pgbouncer_version() { "$pgbouncer" --version | head -n 1; }
# Prepared statements in transaction mode came with 1.21.
pgbouncer_prepares() {
  local number
  number=$(pgbouncer_version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
  [ "$(printf '1.21\n%s\n' "$number" | sort -V | head -n 1)" = 1.21 ]
}
pgbouncer_mode() { if [ "$1" = prepared ] && ! pgbouncer_prepares; then echo session; else echo transaction; fi; }
pgbouncer_start() {
  port_of[pgbouncer]=$(free_port)
  # The server's own verifier: from a plain password it would derive new keys for every login, and that CPU time
  # says nothing about its transactions.
  cluster_sql -A -t -c "SELECT format('\"app\" \"%s\"', rolpassword) FROM pg_authid WHERE rolname = 'app'" |
    private_file pgbouncer.users
  private_file pgbouncer.ini <<INI
[databases]
app = host=127.0.0.1 port=$cluster_port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port_of[pgbouncer]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $state/pgbouncer.users
pool_mode = $1
default_pool_size = $pool
min_pool_size = $pool
max_client_conn = 1000
server_check_delay = 30
log_connections = 0
log_disconnections = 0
log_stats = 0
$(if pgbouncer_prepares; then echo "max_prepared_statements = 200"; fi)
INI
  background TERM "$state/pgbouncer.log" "$pgbouncer" "$state/pgbouncer.ini"
  pid_of[pgbouncer]=$started_pid
}

select_one() {
  PGPASSFILE="$state/pgpass" PGCONNECT_TIMEOUT=5 "$bin/psql" -X -q -A -t -h 127.0.0.1 -p "${port_of[$1]}" -U app -d app \
    -c 'SELECT 1' >/dev/null 2>"$state/psql.err"
}
start_pooler() {
  "$1_start" "$2"
  wait_until 20 select_one "$1" || die "$1 does not answer: $(cat "$state/psql.err") $(tail -n 5 "$state/$1.log")"
}

# --- Measuring.
cpu_ticks() {
  local line fields
  line=$(<"/proc/$1/stat")
  read -ra fields <<<"${line##*) }" # after the name, which may contain blanks: utime and stime are 12th and 13th
  echo $((fields[11] + fields[12]))
}

# measure POOLER PROTOCOL: appends "tps cpu_us_per_transaction" to its file of samples.
measure() {
  local before after text count tps
  before=$(cpu_ticks "${pid_of[$1]}")
  text=$(PGPASSFILE="$state/pgpass" "$bin/pgbench" -n -S -M "$2" -c "$clients" -j 1 -T "$seconds" \
    -h 127.0.0.1 -p "${port_of[$1]}" -U app app 2>"$state/pgbench.err") ||
    die "pgbench -M $2 through $1 failed: $(tail -n 5 "$state/pgbench.err")"
  after=$(cpu_ticks "${pid_of[$1]}")
  count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$text")
  tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$text")
  if [ "${count:-0}" -eq 0 ] || [ -z "$tps" ]; then die "pgbench through $1 reported no transactions"; fi
  awk -v tps="$tps" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v n="$count" \
    'BEGIN { printf "%.0f %.2f\n", tps, ticks * 1e6 / hz / n }' >>"$state/samples.$1.$2"
  say "  $2 through $1: $(tail -n 1 "$state/samples.$1.$2" | sed 's/ / tps, /') us CPU per transaction"
}

# median POOLER PROTOCOL COLUMN
median() {
  cut -d ' ' -f "$3" "$state/samples.$1.$2" | sort -g |
    awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'; }

run_protocol() {
  local name
  for name in "${poolers[@]}"; do start_pooler "$name" "$("${name}_mode" "$1")"; done
  for _ in $(seq "$repeats"); do
    for name in "${poolers[@]}"; do measure "$name" "$1"; done
  done
  for name in "${poolers[@]}"; do stop_pid "${pid_of[$name]}"; done
}

print_markdown() {
  local name protocol base_tps base_cpu tps cpu
  echo "\`pgbench -S\`, $clients clients, pool of $pool, $repeats runs of $seconds s each, alternating, medians."
  echo "$(postgres_version), scale $scale; $(nproc) CPUs shared by pgbench, server and pooler; $(date -u +%F)."
  echo
  echo "| protocol | pooler | mode | transactions/s | CPU us/transaction | tps, pgweir = 1 | CPU, pgweir = 1 |"
  echo "|---|---|---|---:|---:|---:|---:|"
  for protocol in "${protocols[@]}"; do
    base_tps=$(median pgweir "$protocol" 1) base_cpu=$(median pgweir "$protocol" 2)
    for name in "${poolers[@]}"; do
      tps=$(median "$name" "$protocol" 1) cpu=$(median "$name" "$protocol" 2)
      echo "| $protocol | $("${name}_version") | $("${name}_mode" "$protocol") | $tps | $cpu |" \
        "$(ratio "$tps" "$base_tps") | $(ratio "$cpu" "$base_cpu") |"
    done
  done
}

# One object for each sample, so that whoever reads it sees the spread.
print_json() {
  local name protocol tps cpu comma=""
  printf '['
  for protocol in "${protocols[@]}"; do
    for name in "${poolers[@]}"; do
      while read -r tps cpu; do
        printf '%s\n  {"pooler": "%s", "version": "%s", "mode": "%s", "protocol": "%s", "tps": %s, "cpu_us": %s}' \
          "$comma" "$name" "$("${name}_version")" "$("${name}_mode" "$protocol")" "$protocol" "$tps" "$cpu"
        comma=,
      done <"$state/samples.$name.$protocol"
    done
  done
  printf '\n]\n'
}
postgres_version() { "$bin/postgres" --version | sed 's/^postgres (PostgreSQL) \([^ ]*\).*/PostgreSQL \1/'; }

protocols=(simple extended prepared)
bin=$(postgres_bin)
state_create pgweir-side-by-side
# A copy, because the unprivileged user may not be allowed to read the build directory.
install -m 755 "$pgweir" "$state/pgweir"
say "Creating a private cluster and pgbench's tables (scale $scale)."
cluster_create
cluster_start 100
cluster_add_app
PGPASSFILE="$state/pgpass" "$bin/pgbench" -i -q -s "$scale" -h "$state/socket" -p "$cluster_port" -U app app \
  >"$state/pgbench.err" 2>&1 || die "pgbench -i failed: $(tail -n 3 "$state/pgbench.err")"
for protocol in "${protocols[@]}"; do run_protocol "$protocol"; done
print_markdown >"$state/table.md"
cat "$state/table.md"
if [ -n "$output" ]; then cp "$state/table.md" "$output"; fi
if [ -n "$json" ]; then print_json >"$json"; fi
