#!/usr/bin/env bash
# Lays out the root directory of pgweir's image: the program without its debug symbols, the shared libraries that it
# needs, the certificates of public authorities, and what says where all of that came from.
#   deploy/container/assemble.sh PROGRAM DIRECTORY
# Runs in the build stage, on Debian 12.
set -euo pipefail

program=${1:?program} root=${2:?directory}
here=$(cd "$(dirname "$0")" && pwd)

# What has no file of its own in the image, because it was compiled into the program.
compiled_in=(libboost1.81-dev libcli11-dev nlohmann-json3-dev prometheus-cpp-dev libspdlog-dev)
packages=$(mktemp)
trap 'rm -f "$packages"' EXIT

# dpkg knows a library by the path before or behind the merge of /lib into /usr/lib.
owner_of() {
  local path
  for path in "$1" "/usr$1" "${1#/usr}"; do
    dpkg-query -S "$path" 2>/dev/null | sed -n '1s/: .*//p' | grep . && return
  done
  echo "${0##*/}: no package owns $1" >&2
  return 1
}

take() {
  install -D -m 755 "$(readlink -f "$1")" "$root$1"
  owner_of "$(readlink -f "$1")" >>"$packages"
}

libraries() { ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'; }

copy_program() {
  install -D -m 755 "$program" "$root/usr/bin/pgweir"
  strip --strip-all "$root/usr/bin/pgweir"
  local library
  for library in $(libraries "$program"); do take "$library"; done
}

copy_data() {
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  # Where OpenSSL looks by default.
  mkdir -p "$root/usr/lib/ssl"
  ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
  install -D -m 644 /etc/ssl/openssl.cnf "$root/etc/ssl/openssl.cnf"
  ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"
  printf '%s\n' ca-certificates openssl >>"$packages"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  echo 'pgweir:x:65532:65532:pgweir:/:/sbin/nologin' >"$root/etc/passwd"
  echo 'pgweir:x:65532:' >"$root/etc/group"
  install -D -m 644 /etc/os-release "$root/etc/os-release"
  mkdir -p "$root/etc/pgweir"
  # The databases' authorities, if somebody has put them there: deploy/container/ca/README.md.
  local bundle
  for bundle in "$here"/ca/*.pem; do
    if [ -e "$bundle" ]; then install -D -m 644 "$bundle" "$root/etc/pgweir/ca/$(basename "$bundle")"; fi
  done
}

# Scanners look for dpkg's records of an image without dpkg here; the licences of what is passed on go along.
record_packages() {
  printf '%s\n' "${compiled_in[@]}" >>"$packages"
  sort -u -o "$packages" "$packages"
  mkdir -p "$root/var/lib/dpkg/status.d"
  local package
  while read -r package; do
    dpkg-query -s "$package" | grep -v '^Conffiles:\|^ /etc/' >"$root/var/lib/dpkg/status.d/${package%%:*}"
    install -D -m 644 "$(readlink -f "/usr/share/doc/${package%%:*}/copyright")" \
      "$root/usr/share/doc/${package%%:*}/copyright"
  done <"$packages"
}

component() {
  # shellcheck disable=SC2016  # these are dpkg's variables
  dpkg-query -W -f '{"type": "library", "name": "${Package}", "version": "${Version}", "purl": "pkg:deb/debian/${Package}@${Version}?arch=${Architecture}&distro=debian-12", "properties": [{"name": "debian:source", "value": "${source:Package} ${source:Version}"}]}' "$1"
}

# CycloneDX, written by hand: nothing in a package's name or version needs escaping in JSON.
write_sbom() {
  local separator="" package
  mkdir -p "$root/usr/share/pgweir"
  {
    printf '{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,\n'
    printf ' "metadata": {"component": {"type": "application", "name": "pgweir", "version": "%s"}},\n "components": [' \
      "$("$program" version | cut -d' ' -f2)"
    while read -r package; do
      printf '%s\n  %s' "$separator" "$(component "$package")"
      separator=,
    done <"$packages"
    printf '\n ]}\n'
  } >"$root/usr/share/pgweir/sbom.cdx.json"
}

mkdir -p "$root/etc"
copy_program
copy_data
record_packages
write_sbom
