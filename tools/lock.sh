#!/usr/bin/env bash
# Resolves pyproject.toml for every platform and writes requirements.lock, which names no registry.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
exec "$uv" pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
    --all-extras --group dev --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --output-file requirements.lock
