"""Writes the gateway's OpenAPI document to docs/reference/openapi.json; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from placet.api import create_app
from placet.contracts.config import Config
from placet.engine.settings import Settings

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


def main(*, check: bool) -> int:
    """Writes or compares the document; 1 where it was not what is served."""
    served = json.dumps(create_app(Settings(), Config()).openapi(), indent=2, ensure_ascii=False) + "\n"
    if PAGE.exists() and PAGE.read_text("utf-8") == served:
        return 0
    if not check:
        PAGE.write_text(served, "utf-8")
    print(f"docs/reference/{PAGE.name}: {'out of date' if check else 'written'}")
    return 1 if check else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
