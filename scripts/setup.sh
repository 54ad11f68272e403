#!/usr/bin/env bash
# Creates the virtual environment VENV with the locked dependencies and the editable members.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${PYTHON:?names the interpreter}" "${VENV:?names the folder}"

say() { printf '%s\n' "$*" >&2; }

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "Handoff needs Python 3.11 or newer, and '$PYTHON' is older: run make again with PYTHON=/path/to/python3.11"
  exit 1
fi
if [ ! -x "$VENV/bin/pip" ] && ! "$PYTHON" -m venv --clear "$VENV"; then
  say "'$PYTHON -m venv' failed: on Debian and Ubuntu install the package python3-venv, then run make again"
  exit 1
fi

"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/build.txt

members=()
for file in packages/*/pyproject.toml services/*/pyproject.toml; do
  members+=(--editable "$(dirname "$file")")
done
say "Setting up $VENV from requirements/dev.txt"
export VIRTUAL_ENV=$VENV
"$VENV/bin/uv" pip install --quiet --require-hashes --requirement requirements/dev.txt
"$VENV/bin/uv" pip install --quiet --no-deps --no-build-isolation "${members[@]}"
