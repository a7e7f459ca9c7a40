#!/usr/bin/env bash
# Resolves pyproject.toml for every platform and writes requirements.lock, which names no registry, and of it what the
# image holds, requirements-image.lock.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
resolve() {
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --all-extras \
        --generate-hashes --no-emit-index-url --custom-compile-command "make lock" "$@"
}
resolve --upgrade --group dev --output-file requirements.lock
rm -f requirements-image.lock
resolve --constraint requirements.lock --output-file requirements-image.lock
