"""The demo that comes with Placet: `examples/billing`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import placet
from placet.engine.errors import EngineError

_EXAMPLE: Final = Path("examples", "billing")
_CONFIG: Final = "placet.yaml"


def demo_config(data: Path) -> Path:
    """Returns the demo's placet.yaml: the one of the source tree, or else a copy of the installed one in `data`.

    The copy is made once, so that a person can change it.

    Raises:
        EngineError: This installation holds no demo.
    """
    in_tree = Path(__file__).parents[3] / _EXAMPLE / _CONFIG
    if in_tree.is_file():
        return in_tree
    copy = data / "demo"
    if not (copy / _CONFIG).is_file():
        source = next(_installed(), None)
        if source is None:
            message = "This installation holds no demo: give your own agents with --config FILE."
            raise EngineError(message)
        shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy / _CONFIG


def _installed() -> Iterator[Path]:
    for portion in placet.__path__:
        folder = Path(portion) / _EXAMPLE
        if (folder / _CONFIG).is_file():
            yield folder
