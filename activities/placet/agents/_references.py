"""`module:attribute`, resolved from the folder of `placet.yaml`."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from types import ModuleType

from placet.agents.errors import UnresolvedError


def resolve(reference: str, folder: Path) -> object:
    """Returns what a reference names.

    Args:
        reference: `module:attribute`.
        folder: Where the module is looked for first; then among what is installed.

    Raises:
        UnresolvedError: There is no such module or attribute, or importing the module raised.
    """
    module_name, _, attribute = reference.partition(":")
    with _first_on_path(folder.resolve()):
        module = _imported(module_name, folder.resolve())
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        message = f"{module_name} has no {attribute}"
        raise UnresolvedError(message) from error


def is_in(folder: Path, module: str) -> bool:
    """Returns whether the folder holds a module of that name."""
    first = module.partition(".")[0]
    # A folder without a module in it is no package: somebody's notes on a provider are not that provider.
    return (folder / f"{first}.py").is_file() or next((folder / first).rglob("*.py"), None) is not None


def _imported(name: str, folder: Path) -> ModuleType:
    here = is_in(folder, name)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name}"
        where = (
            f" in {folder} or installed" if error.name in {name, name.partition(".")[0]} else _line_in(folder, error)
        )
        raise UnresolvedError(missing + where) from error
    except (Exception, SystemExit) as error:
        message = f"importing {name} raised {type(error).__name__}: {error}{_line_in(folder, error)}"
        raise UnresolvedError(message) from error
    if here and not _comes_from(module, folder):
        message = f"{folder.name}/{name.partition('.')[0]}.py is hidden by another module of that name; rename it"
        raise UnresolvedError(message)
    return module


def _comes_from(module: ModuleType, folder: Path) -> bool:
    places = [module.__file__] if module.__file__ else list(getattr(module, "__path__", []))
    return any(folder in Path(place).resolve().parents for place in places)


def _line_in(folder: Path, error: BaseException) -> str:
    """Returns the last line of the user's own files that an error went through."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if folder in Path(frame.filename).resolve().parents:
            return f" ({Path(frame.filename).name}:{frame.lineno})"
    return ""


@contextmanager
def _first_on_path(folder: Path) -> Generator[None]:
    """Puts the folder in front of everything for the import, and behind everything from then on.

    Behind, a tool may still import its neighbours when it runs, and a file of the user's that is called like a
    provider's package hides nothing.
    """
    home = str(folder)
    importlib.invalidate_caches()
    sys.path.insert(0, home)
    try:
        yield
    finally:
        sys.path.remove(home)
        if home not in sys.path:
            sys.path.append(home)
