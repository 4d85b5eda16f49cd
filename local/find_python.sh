#!/bin/sh
# Prints the path of a CPython 3.13 that runs: one on PATH, else pyenv's, else one that uv fetches.
# Usage: find_python.sh path/to/uv
set -eu

is_wanted='import sys; sys.exit(sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 13))'

# Where pyenv has a 3.13 that is not selected, its stand-in on PATH is found, but fails.
for candidate in "$(command -v python3.13 || true)" \
  "$(pyenv prefix 3.13 2>/dev/null || true)/bin/python3.13"; do
  if "$candidate" -c "$is_wanted" >/dev/null 2>&1; then
    "$candidate" -c 'import sys; print(sys.executable)'
    exit
  fi
done

"$1" python install --quiet 3.13 || {
  echo "No CPython 3.13 was found and uv could not fetch one. Please put python3.13 on PATH." >&2
  exit 1
}
"$1" python find --managed-python --no-project 3.13
