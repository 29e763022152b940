#!/usr/bin/env bash
# Installs the Debian 12 packages that pgweir needs, and only those that are missing.
#   deploy/install-packages.sh build    compiler and libraries
#   deploy/install-packages.sh run      build + a PostgreSQL server for the quick start
#   deploy/install-packages.sh test     run + test tools and drivers, clang and its sanitizer runtime
#   deploy/install-packages.sh bench    run + what bench/compare.sh compares with and measures by
#   deploy/install-packages.sh container  a PostgreSQL server, and what tests/container builds and runs the image by
#   deploy/install-packages.sh all      test + bench + container + the tool chains of the remaining drivers (Go, Java)
# Needs root or a user with sudo. Does nothing, quickly, when everything is there.
set -euo pipefail

build=(g++ cmake ninja-build ccache git ca-certificates
  libboost1.81-dev libssl-dev libcurl4-openssl-dev libpq-dev libyaml-cpp-dev libspdlog-dev
  nlohmann-json3-dev libcli11-dev prometheus-cpp-dev catch2)
run=(postgresql-15 postgresql-client-15 procps util-linux)
test=(clang-14 libclang-rt-14-dev clang-tidy-14 clang-format-14
  python3 python3-pytest python3-psycopg2 python3-psycopg python3-asyncpg python3-yaml python3-venv python3-botocore
  python3-pip python3-prometheus-client
  nodejs npm pgbouncer iproute2 curl jq openssl chromium
  prometheus systemd  # promtool and systemd-analyze
  postgresql-plperl-15 postgresql-plpython3-15 postgresql-pltcl-15)
bench=(haproxy pgbouncer strace python3 openssl)
container=(buildah podman runc debootstrap python3 python3-pytest python3-psycopg2 python3-yaml)
all=(golang-go default-jdk-headless libpostgresql-jdbc-java)

case "${1:-}" in
  build) want=("${build[@]}") ;;
  run) want=("${build[@]}" "${run[@]}") ;;
  test) want=("${build[@]}" "${run[@]}" "${test[@]}") ;;
  bench) want=("${build[@]}" "${run[@]}" "${bench[@]}") ;;
  container) want=("${run[@]}" "${container[@]}") ;;
  all) want=("${build[@]}" "${run[@]}" "${test[@]}" "${bench[@]}" "${container[@]}" "${all[@]}") ;;
  *) echo "usage: ${0##*/} build|run|test|bench|container|all" >&2; exit 2 ;;
esac

# A tool chain from another source does as well, and may conflict with Debian's package.
declare -A command_of=([nodejs]=node [npm]=npm [golang-go]=go [default-jdk-headless]=javac)

missing=()
for package in "${want[@]}"; do
  command="${command_of[$package]:-}"
  if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "${0##*/}: run as root, or install sudo; missing packages: ${missing[*]}" >&2; exit 1; }
  sudo="sudo"
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
# A packaged PostgreSQL, PgBouncer, HAProxy or Prometheus must not start a cluster or a service of its own here.
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  $sudo mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
$sudo apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "${missing[@]}"
