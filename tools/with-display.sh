#!/usr/bin/env bash
# Runs a command with a display to draw on.
#
#   tools/with-display.sh [--xvfb] COMMAND [ARGUMENT ...]
#
# Where there is a display, and everywhere but on Linux, the command runs as it
# is. Otherwise, or with --xvfb, it runs on a virtual X display with OpenGL in
# software, and MEDREAD_HEADLESS=1 tells it that nobody sees its windows. The
# exit code is the command's.
set -euo pipefail

virtual=no
if [[ ${1:-} == --xvfb ]]; then
    virtual=yes
    shift
elif [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
    virtual=yes
fi
if (($# == 0)); then
    echo "usage: ${0##*/} [--xvfb] COMMAND [ARGUMENT ...]" >&2
    exit 2
fi
if [[ $virtual == no || $(uname -s) != Linux ]]; then
    exec "$@"
fi

if ! command -v Xvfb >/dev/null; then
    echo "${0##*/}: there is no display, and Xvfb is not installed." >&2
    exit 1
fi

scratch=$(mktemp -d)
xvfb=
# shellcheck disable=SC2317,SC2329  # called by the trap
cleanup() {
    if [[ -n $xvfb ]]; then
        kill "$xvfb" 2>/dev/null || true
        wait "$xvfb" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# setsid: Ctrl-C ends the command first, and the display only after it.
# setpriv: should this script be killed outright, the kernel ends the display.
start=(setsid)
if setpriv --pdeathsig TERM true 2>/dev/null; then
    start+=(setpriv --pdeathsig TERM)
fi
# With -displayfd the server takes a free display and says which once it is
# ready. No authority file is needed: the server listens on this machine only.
"${start[@]}" Xvfb -displayfd 3 -screen 0 1600x1200x24 -noreset -nolisten tcp \
    3>"$scratch/display" >"$scratch/log" 2>&1 </dev/null &
xvfb=$!
for ((i = 0; i < 600; i++)); do
    [[ ! -s $scratch/display ]] || break
    kill -0 "$xvfb" 2>/dev/null || break
    sleep 0.05
done
if ! read -r number <"$scratch/display"; then
    cat "$scratch/log" >&2
    echo "${0##*/}: Xvfb did not start (its messages are above)." >&2
    exit 1
fi

export DISPLAY=":$number" MEDREAD_HEADLESS=1
# Qt prefers Wayland where it finds it, and must not get past the virtual display.
unset WAYLAND_DISPLAY
export QT_QPA_PLATFORM=xcb XDG_SESSION_TYPE=x11 LIBGL_ALWAYS_SOFTWARE=1
if [[ -z ${XDG_RUNTIME_DIR:-} ]]; then
    export XDG_RUNTIME_DIR=$scratch/runtime
    mkdir -m 700 "$XDG_RUNTIME_DIR"
fi

# The command runs in the background so that signals reach this script while it
# waits. A background command would ignore Ctrl-C and read nothing: undo both.
(
    trap - INT QUIT TERM HUP EXIT
    exec "$@"
) <&0 &
command_pid=$!

signalled=no
trap 'signalled=yes' INT # the terminal has sent it to the command, too
trap 'signalled=yes; kill -TERM "$command_pid" 2>/dev/null || true' TERM
trap 'signalled=yes; kill -HUP "$command_pid" 2>/dev/null || true' HUP
while true; do
    signalled=no
    status=0
    wait "$command_pid" || status=$?
    # A signal ends the wait early; the command may take its time to stop.
    [[ $signalled == yes ]] || break
done
exit "$status"
