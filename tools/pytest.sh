#!/usr/bin/env bash
# Runs the tests in two processes, each with a virtual display of its own: on one display the
# windows of one process would take the pointer from those of the other.
#
#   tools/pytest.sh [ARGUMENT ...]
#
# Arguments are pytest's. Where a process crashes, the run ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2016  # each level expands its own display
exec tools/with-display.sh --xvfb bash -c '
exec tools/with-display.sh --xvfb bash -c '\''
first=$1
shift
exec .venv/bin/python -m pytest --dist loadfile --max-worker-restart 0 \
    --tx "popen//env:DISPLAY=$first" --tx "popen//env:DISPLAY=${DISPLAY:-}" "$@"
'\'' pytest "${DISPLAY:-}" "$@"
' pytest "$@"
