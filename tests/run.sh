#!/usr/bin/env bash
# Builds and tests pgweir; works from a clean clone on a bare Debian 12 (root, or a user with sudo).
#   tests/run.sh                     release and ASan+UBSan, all tests, two minutes of simulation on each core, 10 s of
#                                    each fuzz target
#   tests/run.sh --all               also TSan, clang, clang-tidy, PostgreSQL 16 to 18, pgx and JDBC, the container
#                                    image, an hour of simulation and the bugs that it has to find, and ten minutes of
#                                    each fuzz target
#   tests/run.sh --container         the container image alone, built and run (root)
#   tests/run.sh --fuzz-seconds N    how long each fuzz target runs
# Ends with ctest's summaries and a line "N passed, N failed"; the exit code says the same.
set -uo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root" || exit 1
all=""
container=""
fuzz_seconds=""
while [ $# -gt 0 ]; do
  case "$1" in
    --all) all=1 ;;
    --container) container=1 ;;
    --fuzz-seconds) shift; fuzz_seconds="${1:?seconds}" ;;
    *) sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
  esac
  shift
done
fuzz_seconds="${fuzz_seconds:-$([ -n "$all" ] && echo 600 || echo 10)}"
exec </dev/null

work="$(mktemp -d)"
: >"$work/summaries"
: >"$work/counts"
# Each step is a job with a process group of its own, so that an interrupted run takes everything it started with it.
set -m
current=""
step() {
  "$@" &
  current=$!
  wait "$current"
  local code=$?
  current=""
  return $code
}
finish() {
  trap - EXIT INT TERM
  if [ -n "$current" ]; then
    kill -TERM -- "-$current" 2>/dev/null
    wait "$current" 2>/dev/null
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'finish; exit 130' INT TERM

started=$SECONDS
heading() { printf '\n=== %s (%d s)\n' "$1" $((SECONDS - started)); }
note() { echo "$1" >>"$work/summaries"; }
count() { echo "$1 $2" >>"$work/counts"; }  # passed failed

# A step that is not a ctest run: one passed or one failed.
check() {
  local name="$1"
  shift
  heading "$name"
  if "$@"; then count 1 0; note "$name: passed"; else count 0 1; note "$name: FAILED"; return 1; fi
}

build() {
  cmake --preset "$1" >"$work/configure" || { cat "$work/configure"; return 1; }
  cmake --build --preset "$@"
}

# ctest of a preset; further arguments go to ctest. Tests often wait, so that there are two for each core. The suite's own cases are counted, not the programs.
test_preset() {
  local label="$1" preset="$2" log="build/$2/Testing/Temporary/LastTest.log"
  shift 2
  heading "$label"
  rm -f "$log"
  ctest --preset "$preset" --parallel $(($(nproc) * 2)) --no-tests=error "$@" 2>&1 | tee "$work/ctest"
  note "$label: $(grep -E 'tests passed|tests failed|No tests' "$work/ctest" | tail -n 1)"
  sed -n '/The following tests FAILED/,/^$/p' "$work/ctest" | sed '/^$/d; s/^/    /' >>"$work/summaries"
  tests/tree/count_cases.py "$log" >>"$work/counts" || count 0 1
}

lane() {
  local preset="$1"
  shift
  if check "build $preset" build "$preset"; then test_preset "$preset" "$preset" "$@"; fi
}

server_lane() {
  local bin
  if bin="$(tests/integration/drivers/install.sh postgresql "$1")"; then
    PGWEIR_TEST_PG_BIN="$bin" test_preset "PostgreSQL $1" release -L integration
  else
    note "PostgreSQL $1: FAILED to install"
    count 0 1
  fi
}

# New seeds on each core, and one for each real bug that is kept. A seed that fails is printed with the command that repeats it.
simulation_lane() {
  local minutes="$1" program=build/release/simulation runs=()
  heading "simulation, $minutes min on each core"
  set +m  # what it starts ends with it
  "$program" --file tests/simulation/seeds.txt >"$work/simulation.seeds" 2>&1
  for core in $(seq "$(nproc)"); do
    "$program" --minutes "$minutes" >"$work/simulation.$core" 2>&1 &
    runs+=($!)
  done
  wait "${runs[@]}"
  for run in "$work"/simulation.*; do
    cat "$run"
    note "simulation: $(tail -n 1 "$run")"
    if [[ "$(tail -n 1 "$run")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
      count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    else
      count 0 1
    fi
  done
}

fuzz_lane() {
  local targets=()
  for source in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" .cpp)"); done
  check "build fuzz" build fuzz --target "${targets[@]}" || return
  heading "fuzz, $fuzz_seconds s each"
  tests/fuzz/run.sh build/fuzz "$fuzz_seconds" | tee "$work/fuzz"
  grep '^fuzz ' "$work/fuzz" >>"$work/summaries"
  count "$(grep -c '^fuzz .* passed' "$work/fuzz")" "$((${#targets[@]} - $(grep -c '^fuzz .* passed' "$work/fuzz")))"
}

tidy() {
  local files
  mapfile -t files < <(find protocol config proxy bench -name '*.cpp')
  run-clang-tidy-14 -quiet -p build/clang "${files[@]/#/^$root/}" >"$work/tidy" 2>&1
  local code=$?
  grep -E 'error:|warning:' "$work/tidy"
  # A file that is not part of the build is left out in silence.
  [ "$(grep -c '^clang-tidy-14 ' "$work/tidy")" -eq ${#files[@]} ] || { echo "not every file was looked at"; return 1; }
  return $code
}

image_lane() {
  deploy/install-packages.sh container || { count 0 1; return 1; }
  check "container image" /usr/bin/python3 -m pytest -q -s -p no:cacheprovider --color=no tests/container
}

summary() {
  heading "summary"
  cat "$work/summaries"
  passed="$(awk '{ n += $1 } END { print n + 0 }' "$work/counts")"
  failed="$(awk '{ n += $2 } END { print n + 0 }' "$work/counts")"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

heading "packages"
if [ -n "$container" ]; then
  step image_lane
  summary
  exit
fi
step deploy/install-packages.sh "$([ -n "$all" ] && echo all || echo test)" || { echo "0 passed, 1 failed"; exit 1; }
for driver in node exporter; do
  step tests/integration/drivers/install.sh "$driver" >/dev/null || { echo "0 passed, 1 failed"; exit 1; }
done

[ -n "$all" ] && export PGWEIR_TEST_ALL=1
step lane release
step simulation_lane "$([ -n "$all" ] && echo 60 || echo 2)"
step lane asan
step fuzz_lane
if [ -n "$all" ]; then
  step lane tsan
  step lane clang
  step check "clang-tidy" tidy
  for major in 16 17 18; do step server_lane "$major"; done
  step check "bugs that the simulation has to find" tests/simulation/mutants.py build/mutants
  step image_lane
fi

summary
