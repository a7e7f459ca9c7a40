"""`module:attribute`, resolved from the folder of `placet.yaml`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def resolve(reference: str, folder: Path) -> object:
    """Returns what a reference names.

    The folder comes first on the import path and stays there: a tool may import its neighbours when it
    runs.

    Raises:
        Exception: Whatever importing the module raises; AttributeError where it lacks the attribute.
    """
    home = str(folder.resolve())
    if home not in sys.path:
        sys.path.insert(0, home)
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)
