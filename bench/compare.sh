#!/usr/bin/env bash
# Compares connection poolers on this machine in one run: pgweir with PgBouncer, HAProxy and whichever others are given.
# `bench/compare.sh --help` tells everything; the work is done by the Python package bench/compare/.
# Installs nothing: says which programs are missing and which Debian package brings each.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

missing=""
need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || missing+="  $1 (Debian package $2)"$'\n'
}
need python3 python3
need setpriv util-linux
need openssl openssl
wants_strace=1
for argument in "$@"; do
  case "$argument" in
    --no-strace | --help | -h | --from | --from=*) wants_strace="" ;;
  esac
done
if [ -n "$wants_strace" ]; then need strace "strace; or do without system calls: --no-strace"; fi
if [ -n "$missing" ]; then
  printf 'compare.sh: these programs are missing:\n%s' "$missing" >&2
  echo "deploy/install-packages.sh bench installs all that the comparison uses." >&2
  exit 1
fi

# No __pycache__ in the tree, and the package is found from wherever this was called.
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here"
exec python3 -m compare "$@"
