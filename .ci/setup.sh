#!/bin/sh
# Prepare what `make` needs: `.ci/setup.sh run` the virtual environment and requirements.txt, `.ci/setup.sh test` the
# test tools, Chromium, promtool, nginx and jemalloc as well. Does nothing, in a few milliseconds, when all is in place.
#
# IRONFORGE_PYTHON=<path> chooses the interpreter; otherwise the newest of python3.13, 3.12, 3.11, python3 that works.
set -eu
cd "$(dirname "$0")/.."

VENV=.venv
PYTHON=$VENV/bin/python

say() { printf '%s\n' "ironforge: $*"; }
fail() { printf '%s\n' "ironforge: $*" >&2; exit 1; }

# Run a command silently, but show everything it printed when it fails.
quietly() {
    output=$(mktemp)
    if "$@" >"$output" 2>&1; then rm -f "$output"; return 0; fi
    cat "$output" >&2
    rm -f "$output"
    return 1
}

# A candidate must really run (a pyenv shim may exist and exit non-zero) and be able to make an environment with pip.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Print every executable of that name on PATH, not only the first: a broken shim may hide a working interpreter.
each_on_path() {
    case $1 in */*) printf '%s\n' "$1"; return 0 ;; esac
    (IFS=:; set -f; for folder in $PATH; do
        if [ -x "${folder:-.}/$1" ] && [ ! -d "${folder:-.}/$1" ]; then printf '%s\n' "${folder:-.}/$1"; fi
    done)
}

candidates() {
    if [ -n "${IRONFORGE_PYTHON:-}" ]; then each_on_path "$IRONFORGE_PYTHON"; return 0; fi
    for name in python3.13 python3.12 python3.11 python3; do each_on_path "$name"; done
}

make_environment() {
    without_pip=
    found=$(candidates)
    while IFS= read -r python; do
        [ -n "$python" ] && is_new_enough "$python" || continue
        if ! can_make_venv "$python"; then without_pip=${without_pip:-$python}; continue; fi
        say "making $VENV with $("$python" -V 2>&1) ($python)"
        rm -rf "$VENV"
        if quietly "$python" -m venv "$VENV" && "$PYTHON" -m pip --version >/dev/null 2>&1; then return 0; fi
        say "$python cannot make a virtual environment, trying the next one" >&2
        rm -rf "$VENV"
    done <<LIST
$found
LIST
    if [ -n "$without_pip" ]; then
        version=$("$without_pip" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$without_pip has no ensurepip. Install it: apt-get install python3-venv (or python$version-venv)."
    fi
    fail "no working Python 3.11 or newer${IRONFORGE_PYTHON:+ at $IRONFORGE_PYTHON}. Install one, e.g. apt-get install python3 python3-venv."
}

# The stamp is the text of the requirement files themselves: packages are installed only when it differs.
install_requirements() { # <stamp> <file>...
    stamp=$VENV/ironforge-$1.stamp
    shift
    last=
    for file in "$@"; do last=$file; done
    if [ -f "$stamp" ] && cat "$@" | cmp -s - "$stamp"; then return 0; fi
    say "installing $last (once, until it changes)"
    if ! quietly "$PYTHON" -m pip install --disable-pip-version-check --no-input --progress-bar off -r "$last"; then
        fail "pip could not install $last; its output is above."
    fi
    cat "$@" >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

# Programs of this environment find the Python client wherever they lie. A path of its own that holds a link has nothing
# to build and nothing to keep up to date, and is never what pip would write to or remove.
link_client() {
    [ -e "$VENV/client/ironforge_client" ] || { mkdir -p "$VENV/client" && ln -sfn ../../ironforge_client "$VENV/client/"; }
    for folder in "$VENV"/lib/python3.*/site-packages; do
        [ -f "$folder/ironforge_client.pth" ] || echo ../../../client >"$folder/ironforge_client.pth"
    done
}

is_debian() { [ -r /etc/os-release ] && command -v apt-get >/dev/null && (. /etc/os-release && [ "${ID:-}" != ubuntu ]); }

# Empty where packages may be installed at once (root), `sudo -n` where sudo asks no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then return 0; fi
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then echo "sudo -n"; return 0; fi
    return 1
}

has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

has_jemalloc() {
    for library in /usr/local/lib/libjemalloc.so.2 /usr/lib/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2 /usr/lib/*/libjemalloc.so.2; do
        if [ -f "$library" ]; then return 0; fi
    done
    return 1
}

install_tools() {
    packages=
    missing=
    if ! has_browser >/dev/null; then
        packages="chromium fonts-liberation fonts-dejavu-core"
        missing="Chromium"
    fi
    if ! command -v promtool >/dev/null; then
        packages="$packages prometheus"
        missing="${missing:+$missing and }promtool"
    fi
    # Debian has it where only root's PATH leads.
    if ! command -v nginx >/dev/null && ! [ -x /usr/sbin/nginx ]; then
        packages="$packages nginx-light"
        missing="${missing:+$missing and }nginx"
    fi
    if ! has_jemalloc; then
        packages="$packages libjemalloc2"
        missing="${missing:+$missing and }jemalloc"
    fi
    # Of it the tests make a locale in which "aa" is a letter.
    if ! [ -f /usr/share/i18n/locales/da_DK ]; then
        packages="$packages locales"
        missing="${missing:+$missing and }locales"
    fi
    [ -n "$packages" ] || return 0
    if is_debian && root=$(as_root); then
        say "installing $missing with apt-get (once)"
        # RUNLEVEL=1: packages must not start their services, only the programs are wanted.
        # shellcheck disable=SC2086
        if quietly $root apt-get update -q && quietly $root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
            apt-get install -q -y --no-install-recommends $packages; then
            return 0
        fi
    fi
    say "$missing missing: the tests that need it are skipped (they fail when CI=true). On Debian: apt-get install $packages"
}

case ${1:-} in
run | test) ;;
*) fail "usage: .ci/setup.sh run|test" ;;
esac

# An interpreter that was removed or upgraded away leaves a broken environment behind: make it anew.
if ! { [ -x "$PYTHON" ] && is_new_enough "$PYTHON" && "$PYTHON" -c 'import pip' >/dev/null 2>&1; }; then make_environment; fi

if [ "$1" = test ]; then
    install_requirements test requirements.txt requirements-tracing.txt requirements-dev.txt
    install_tools
else
    install_requirements run requirements.txt
fi

link_client
