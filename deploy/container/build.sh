#!/usr/bin/env bash
# Builds pgweir's image with buildah and prints its name and size.
#   deploy/container/build.sh [--debootstrap] [--tag NAME] [--ccache DIR]
#   --debootstrap   from a Debian 12 base made on the spot (root), where no container registry can be reached; otherwise
#                   from the base that deploy/Dockerfile names by its digest
#   --ccache        keeps what the compiler made there for the next time
# Needs: buildah; with --debootstrap also debootstrap, and root. Where containers cannot be made (inside of one, say),
# BUILDAH_ISOLATION=chroot lets the build do without.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

tag=pgweir debootstrap="" ccache=""
while [ $# -gt 0 ]; do
  case "$1" in
    --debootstrap) debootstrap=1; shift ;;
    --tag) tag=${2:?name}; shift 2 ;;
    --ccache) ccache=${2:?directory}; shift 2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done

arguments=(--format docker --file "$root/deploy/Dockerfile" --tag "$tag")
work=$(mktemp -d)
container=""
cleanup() {
  if [ -n "$container" ]; then buildah rm "$container" >/dev/null; fi
  if [ -n "$debootstrap" ]; then buildah rmi "$tag-base" >/dev/null 2>&1 || true; fi
  rm -rf -- "$work"
}
trap cleanup EXIT

# The mirror of this machine's own packages.
make_base() {
  local mirror
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep '/debian/\?$' | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/base" "${mirror:-http://deb.debian.org/debian}" \
    >"$work/log" || { tail -n 5 "$work/log" >&2; return 1; }
  rm -rf -- "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/base" / >/dev/null
  buildah commit --quiet "$container" "$tag-base" >/dev/null
}

if [ -n "$debootstrap" ]; then
  make_base
  arguments+=(--build-arg "BASE=localhost/$tag-base" --pull-never)
fi
if [ -n "$ccache" ]; then
  mkdir -p "$ccache"
  arguments+=(--volume "$ccache:/root/.cache/ccache")
fi
buildah bud "${arguments[@]}" "$root"
buildah images --format '{{.Name}} {{.Size}}' --filter "reference=$tag"
