#!/usr/bin/env bash
# clang-format decides; this only asks it.
set -euo pipefail
cd "$1"
find protocol config proxy bench tests \( -name '*.hpp' -o -name '*.cpp' \) -print0 |
  xargs -0 clang-format-14 --dry-run --Werror
