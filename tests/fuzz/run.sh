#!/usr/bin/env bash
# Runs every fuzz target of a build for a while, two at a time.
#   tests/fuzz/run.sh BUILD_DIR SECONDS_EACH
# The corpus is copied, so that the tree stays as it is; what a target finds is kept in BUILD_DIR/fuzz-findings/.
# Ends with a line for each target: its executions, or the finding.
set -euo pipefail

build="$(cd "${1:?build directory}" && pwd)"
seconds="${2:?seconds for each target}"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'jobs -p | xargs -r kill 2>/dev/null || true; wait; rm -rf "$work"' EXIT

fuzz_one() {
  local name="$1" corpus="$work/$1/corpus" log="$work/$1/log" code=0
  mkdir -p "$corpus" "$build/fuzz-findings"
  local seeds="$here/corpus/${name%_fuzz}" dictionary=()
  # A stored corpus may have directories of its own; the copy is flat and never clashes.
  [ -d "$seeds" ] && (cd "$seeds" && find . -type f -exec sh -c 'cp "$1" "$2/$(sha1sum <"$1" | cut -c1-40)"' _ {} "$corpus" \;)
  [ -e "$here/${name%_fuzz}.dict" ] && dictionary=("-dict=$here/${name%_fuzz}.dict")
  "$build/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -max_len=65536 \
    -artifact_prefix="$build/fuzz-findings/$name-" "${dictionary[@]}" "$corpus" >"$log" 2>&1 </dev/null || code=$?
  if [ "$code" -ne 0 ]; then
    tail -n 60 "$log" >&2
    echo "fuzz $name FAILED (exit code $code, see $build/fuzz-findings/)" >>"$work/summary"
  else
    echo "fuzz $name passed $(awk '/number_of_executed_units/ { print $2 }' "$log") executions in $seconds s" \
      >>"$work/summary"
  fi
}

targets=("$here"/*_fuzz.cpp)
[ -e "${targets[0]}" ] || { echo "${0##*/}: no fuzz targets" >&2; exit 1; }
touch "$work/summary"
for source in "${targets[@]}"; do
  name="$(basename "$source" .cpp)"
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  fuzz_one "$name" &
done
wait
sort "$work/summary"
[ "$(wc -l <"$work/summary")" -eq "${#targets[@]}" ] && ! grep -q FAILED "$work/summary"
