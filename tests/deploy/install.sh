#!/usr/bin/env bash
# Fetches cfn-lint in the versions of requirements.txt into the test cache, once; prints its path.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target="$("$here/../integration/drivers/install.sh" cache)/cfn-lint"
if ! cmp -s "$here/requirements.txt" "$target/done"; then
  rm -rf -- "$target"
  /usr/bin/python3 -m venv "$target" >&2
  "$target/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --requirement "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$target/done"
fi
echo "$target/bin/cfn-lint"
