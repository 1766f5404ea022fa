#!/bin/sh
# Everything the bot needs on a Debian machine: packages, .venv, models. Run by `make setup`.
# What is there already is left alone, so a second run takes seconds.
set -eu
cd "$(dirname "$0")/.."

# Debian packages. The first list is for setting up, the second for the demo and the tests.
needed="ca-certificates"
helpful="sip-tester baresip kamailio espeak-ng sox graphviz"

say() { printf '%s\n' "$*"; }
stop() { printf '%s\n' "$*" >&2; exit 1; }

is_missing() { ! dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

missing_of() {
    for package in "$@"; do
        if is_missing "$package"; then printf '%s ' "$package"; fi
    done
}

apt_install() {
    if [ "$(id -u)" = 0 ]; then as_root=
    elif command -v sudo >/dev/null; then as_root=sudo
    else return 1
    fi
    say "Installing with apt: $*"
    # shellcheck disable=SC2086  # as_root is empty or one word
    $as_root apt-get update -qq && no_postgres_cluster "$@" &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@" >/dev/null
}

# The tests start a server of their own; one that runs beside it for nothing is not wanted.
no_postgres_cluster() {
    case " $* " in *" postgresql "*) ;; *) return 0 ;; esac
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null &&
        $as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
}

works() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; }
makes_venv() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

find_python() {
    for candidate in python3 python3.12 python3.11 /usr/bin/python3; do
        if works "$candidate" && makes_venv "$candidate"; then command -v "$candidate"; return; fi
    done
}

install_debian_packages() {
    command -v dpkg-query >/dev/null ||
        stop "This set-up is for Debian 12: elsewhere use a container of it."
    # shellcheck disable=SC2046,SC2086  # lists of words
    missing=$(missing_of $needed $helpful)
    if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then missing="$missing postgresql"; fi
    if [ -z "$(find_python)" ]; then missing="$missing python3 python3-venv"; fi
    # The beam search is C: a few seconds of apt are less than what numba costs every worker.
    if ! command -v cc >/dev/null; then missing="$missing gcc libc6-dev"; fi
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    apt_install $missing || {
        if [ -n "$(find_python)" ]; then
            say "Not root and no working sudo: ask an administrator for 'apt-get install $missing'; going on without."
        else
            stop "Not root and no working sudo: ask an administrator for 'apt-get install $missing', then run make setup again."
        fi
    }
}

make_venv() {
    if [ -x .venv/bin/python ] && works .venv/bin/python; then return; fi
    python=$(find_python)
    [ -n "$python" ] || stop "No Python 3.11 or 3.12 that can make a venv: install python3 and python3-venv, then run make setup again."
    say "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

install_packages() {
    stamp=.venv/.requirements.sha256
    now=$(cat requirements.lock | sha256sum)
    [ "$(cat $stamp 2>/dev/null)" != "$now" ] || return 0
    say "Installing Python packages (each checked by its hash)"
    quiet=-q; if [ -t 1 ]; then quiet=; fi
    # The builders first: two of the packages come as sources, and are built without fetching more.
    grep -A99 -E '^(setuptools|wheel)==' requirements.lock | awk '/^[a-z]/ {keep = /^(setuptools|wheel)==/} keep' >.venv/builders.lock
    # shellcheck disable=SC2086
    .venv/bin/python -m pip install $quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/builders.lock
    # shellcheck disable=SC2086
    .venv/bin/python -m pip install $quiet --disable-pip-version-check --require-hashes --no-deps \
        --no-build-isolation -r requirements.lock
    printf '%s\n' "$now" >$stamp
}

install_project() {
    stamp=.venv/.project.sha256
    now=$(cat pyproject.toml | sha256sum)
    if [ "$(cat $stamp 2>/dev/null)" = "$now" ] && [ -x .venv/bin/ivr ]; then return; fi
    say "Installing the project itself"
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
    printf '%s\n' "$now" >$stamp
}

export_encoder() {
    encoder=.models/whisper-base-encoder-int8.onnx
    stamp=.models/.encoder.sha256
    now=$(cat asr/models/ear.npz asr/ear/encoder_export.py asr/ear/head_graph.py | sha256sum)
    if [ "$(cat $stamp 2>/dev/null)" = "$now" ] &&
        (cd .models && sha256sum --status -c "${encoder#.models/}.sha256" 2>/dev/null); then return; fi
    say "Making the hearing encoder (about a minute)"
    .venv/bin/python -m asr.ear.encoder_export --model-bin .models/whisper-base/model.bin --out $encoder
    printf '%s\n' "$now" >$stamp
}

install_debian_packages
make_venv
install_packages
install_project
.venv/bin/python -m asr.search.beam_library >/dev/null
.venv/bin/python setup/fetch.py
export_encoder

