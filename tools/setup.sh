#!/usr/bin/env bash
# Sets up .venv and, on Linux, the system libraries that Qt and OpenGL need.
#
#   tools/setup.sh [--xvfb]
#
# --xvfb   for the tests: the virtual display is needed even if there is a real
#          one, and dciodvfy where it can be installed
#
# PYTHON=... chooses the interpreter. MEDREAD_SKIP_SYSTEM_CHECK=1 leaves the
# system libraries alone, for systems where they are found in unusual places.
# When everything is in place this does nothing and takes a fraction of a second.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
stamp_file=$venv/.setup-stamp   # says what a finished set-up was made from
unfinished=$venv/.setup-unfinished

say() { printf '%s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Whether system packages can be installed here without asking anybody.
can_install() { command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; }

need_xvfb=no
need_dciodvfy=no
case "${1:-}" in
    --xvfb)
        need_xvfb=yes
        # Only Debian and Ubuntu package it; elsewhere its tests are skipped.
        if can_install; then need_dciodvfy=yes; fi
        ;;
    '') [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] || need_xvfb=yes ;;
    *) fail "unknown option: $1" ;;
esac

# --- Python -----------------------------------------------------------------

# Prints: 1 if new enough, else 0; version; ABI; the interpreter itself, which
# is another one than was asked if that belongs to a virtual environment.
probe='
import sys
v = sys.version_info
print(int(v >= (3, 11)), "%d.%d" % v[:2],
      sys.implementation.cache_tag + getattr(sys, "abiflags", ""),
      getattr(sys, "_base_executable", "") or sys.executable)
'

python=
python_version=
python_abi=
too_old=

# Takes $1 as the interpreter if it is there and new enough.
try_python() {
    local answer enough
    answer=$("$1" -c "$probe" 2>/dev/null) || return 1
    read -r enough python_version python_abi python <<<"$answer"
    [[ $enough == 1 ]] && return 0
    [[ -n $too_old ]] || too_old="$1 is Python $python_version"
    return 1
}

find_python() {
    local candidate
    if [[ -n ${PYTHON:-} ]]; then
        try_python "$PYTHON" && return
        fail "napari-medread needs Python 3.11 or newer, but ${too_old:-PYTHON=$PYTHON cannot be run}."
    fi
    # An environment that works keeps the interpreter it was made with.
    if [[ ! -e $unfinished && -x $venv/bin/python ]] && try_python "$venv/bin/python"; then
        return
    fi
    too_old=
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        try_python "$candidate" && return
    done
    fail "napari-medread needs Python 3.11 or newer, but ${too_old:-there is no python3 here}. Install one, or name one with PYTHON=/path/to/python3."
}

find_python

# The place is part of the stamp because an environment cannot be moved.
checksum=$(cat pyproject.toml tools/setup.sh | cksum)
stamp="$checksum $python_abi $PWD"

state=finished
if [[ -e $unfinished || ! -x $venv/bin/python ]]; then
    state=absent
elif [[ ! -e $stamp_file ]]; then
    # Made by hand: use it if it can be used.
    state=outdated
    "$venv/bin/python" -c "import pip, sys; sys.exit(sys.implementation.cache_tag + sys.abiflags != '$python_abi')" \
        2>/dev/null || state=absent
elif [[ $(<"$stamp_file") != "$stamp" ]]; then
    # Another interpreter or another place: start anew. Otherwise only the
    # list of dependencies changed.
    state=absent
    [[ $(<"$stamp_file") == *" $python_abi $PWD" ]] && state=outdated
fi

# --- System libraries (Linux) -------------------------------------------------

# What Qt's xcb platform plugin and OpenGL load, and the Debian package of each.
libraries=(
    libGL.so.1=libgl1
    libEGL.so.1=libegl1
    libOpenGL.so.0=libopengl0
    libdbus-1.so.3=libdbus-1-3
    libfontconfig.so.1=libfontconfig1
    libglib-2.0.so.0=libglib2.0-0
    libX11-xcb.so.1=libx11-xcb1
    libxkbcommon-x11.so.0=libxkbcommon-x11-0
    libxcb-cursor.so.0=libxcb-cursor0
    libxcb-icccm.so.4=libxcb-icccm4
    libxcb-image.so.0=libxcb-image0
    libxcb-keysyms.so.1=libxcb-keysyms1
    libxcb-randr.so.0=libxcb-randr0
    libxcb-render-util.so.0=libxcb-render-util0
    libxcb-shape.so.0=libxcb-shape0
    libxcb-sync.so.1=libxcb-sync1
    libxcb-xfixes.so.0=libxcb-xfixes0
    libxcb-xkb.so.1=libxcb-xkb1
)
# The software renderer, which a virtual display has nothing else to draw with.
xvfb_libraries=(libGLX_mesa.so.0=libglx-mesa0)
# Never looked for, but installed with the rest.
other_packages=(libgl1-mesa-dri fonts-dejavu-core)

missing=()

find_missing() {
    local entry found wanted=("${libraries[@]}")
    missing=()
    if [[ $(uname -s) == Linux && -z ${MEDREAD_SKIP_SYSTEM_CHECK:-} ]]; then
        if [[ $need_xvfb == yes ]]; then
            wanted+=("${xvfb_libraries[@]}")
            command -v Xvfb >/dev/null || missing+=(Xvfb)
        fi
        if [[ $need_dciodvfy == yes ]]; then
            command -v dciodvfy >/dev/null || missing+=(dciodvfy)
        fi
        # ldconfig is often outside an ordinary user's path; where there is
        # none (musl, Nix), nothing can be said about libraries.
        if found=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null); then
            for entry in "${wanted[@]}"; do
                [[ $found == *"${entry%%=*} "* ]] || missing+=("${entry%%=*}")
            done
        fi
    fi
    # Debian packages the part of venv that brings pip separately.
    if [[ $state == absent ]] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        missing+=("Python's venv")
    fi
}

known_to_apt() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; }

# Fills `packages` with the names in the installed release.
name_debian_packages() {
    local entry
    packages=(xvfb "${other_packages[@]}")
    for entry in "${libraries[@]}" "${xvfb_libraries[@]}"; do
        packages+=("${entry#*=}")
    done
    # Renamed for the 64-bit time_t transition (Debian 13, Ubuntu 24.04).
    if known_to_apt libglib2.0-0t64; then
        packages=("${packages[@]/%libglib2.0-0/libglib2.0-0t64}")
    fi
    if [[ " ${missing[*]} " == *" dciodvfy "* ]]; then
        packages+=(dicom3tools)
    fi
    if [[ " ${missing[*]} " == *"Python's venv"* ]]; then
        if known_to_apt "python$python_version-venv"; then
            packages+=("python$python_version-venv")
        else
            packages+=(python3-venv)
        fi
    fi
}

apt_install() {
    name_debian_packages
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        install --yes --no-install-recommends "${packages[@]}" </dev/null
}

install_missing_with_apt() {
    local log
    log=$(mktemp)
    # The package lists may be absent or stale: fetch them only then.
    if ! apt_install >"$log" 2>&1 \
        && ! { apt-get -qq -o DPkg::Lock::Timeout=300 update && apt_install; } >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        fail "apt-get could not install what is missing (its messages are above)."
    fi
    rm -f "$log"
}

# Prints the command that installs what is missing on this system.
command_for_missing() {
    if command -v apt-get >/dev/null; then
        name_debian_packages
        say "sudo apt-get update && sudo apt-get install --no-install-recommends ${packages[*]}"
    elif command -v dnf >/dev/null; then
        say "sudo dnf install xorg-x11-server-Xvfb mesa-dri-drivers mesa-libGL mesa-libEGL libglvnd-opengl dbus-libs fontconfig glib2 libX11-xcb libxcb libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms xcb-util-renderutil xcb-util-wm dejavu-sans-fonts"
    elif command -v pacman >/dev/null; then
        say "sudo pacman -S --needed xorg-server-xvfb mesa libglvnd dbus fontconfig glib2 libx11 libxcb libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms xcb-util-renderutil xcb-util-wm ttf-dejavu"
    fi
}

join() {
    local joined
    joined=$(printf ', %s' "$@")
    say "${joined:2}"
}

find_missing
if ((${#missing[@]})); then
    if can_install; then
        say "Installing system packages with apt-get: $(join "${missing[@]}") ..."
        install_missing_with_apt
        find_missing
        ((${#missing[@]} == 0)) || fail "still missing after apt-get install: $(join "${missing[@]}")."
    else
        remedy=$(command_for_missing)
        [[ -n $remedy ]] || fail "missing on this system: $(join "${missing[@]}"). Install them with the system's package manager, then try again."
        fail "missing on this system: $(join "${missing[@]}"). Run this command, then try again:
    $remedy"
    fi
fi

# --- The virtual environment ----------------------------------------------------

[[ $state != finished ]] || exit 0

if [[ $state == absent ]]; then
    say "Setting up $venv with Python $python_version: this takes a few minutes, once ..."
    rm -rf "$venv"
    mkdir "$venv"
    : >"$unfinished"
    "$python" -m venv "$venv" || fail "$python could not create $venv (its messages are above)."
else
    say "Bringing $venv up to date: this can take a few minutes ..."
    : >"$unfinished"
fi
rm -f "$stamp_file"

# A user's pip settings must not send the packages elsewhere.
unset PIP_TARGET PIP_PREFIX PIP_ROOT
PIP_USER=0 "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check \
    --editable '.[all,dev]' \
    || fail "pip could not install the dependencies (its messages are above). The same command tries again."

printf '%s\n' "$stamp" >"$stamp_file"
rm -f "$unfinished"
