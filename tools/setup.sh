#!/usr/bin/env bash
# Makes .venv from requirements.lock: with uv where it is there or can be installed, with pip else.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2m%s\033[0m\n' "setup: $*" >&2; }

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or newer is needed and was not found; name one with PYTHON=/path/to/python make setup"
    return 1
}

make_venv() {
    if [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null; then return; fi
    say "making .venv with $1"
    if command -v uv >/dev/null; then
        uv venv --quiet --clear --seed --python "$1" .venv || "$1" -m venv --clear .venv
    elif ! "$1" -m venv --clear .venv; then
        say "$1 cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv) or uv"
        return 1
    fi
}

# The lock file's own entry for one package, hashes included.
locked() { awk -v name="$1==" 'index($0, name) == 1 { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock; }

find_uv() {
    if command -v uv; then return; fi
    if [ ! -x .venv/bin/uv ]; then
        say "fetching uv, which installs the rest in seconds"
        locked uv >.venv/uv.txt
        .venv/bin/python -m pip install --quiet --require-hashes --no-deps -r .venv/uv.txt >&2 || return 1
    fi
    echo .venv/bin/uv
}

install() {
    local uv
    if uv=$(find_uv); then
        say "installing the locked packages with uv"
        if "$uv" pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock &&
            "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .; then
            return
        fi
        say "uv could not install them; pip tries"
    fi
    say "installing the locked packages with pip (some minutes)"
    .venv/bin/python -m pip install --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
}

python=$(find_python)
make_venv "$python"
install
touch .venv/.placet-installed
say "ready: .venv/bin/placet"
