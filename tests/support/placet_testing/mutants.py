"""Mistakes that are put into the product on purpose: `tests/mutants/mutants.yaml`, tried by `tools/mutants.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

ROOT: Final = Path(__file__).resolve().parents[3]
LISTED: Final = ROOT / "tests" / "mutants" / "mutants.yaml"


class Mutant(BaseModel):
    """One thing that is broken.

    Attributes:
        name: What the broken product does.
        promise: What it breaks.
        file: Where, from the root.
        text: What stands there, exactly once.
        instead: What takes its place.
        tests: What must notice, as pytest is told of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    promise: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]

    def broken(self, root: Path = ROOT) -> str:
        """Returns the file's text with the mistake in it.

        Raises:
            LookupError: The text is not there, or more than once: the list has to follow the code.
        """
        source = (root / self.file).read_text(encoding="utf-8")
        count = source.count(self.text)
        if count != 1:
            message = f"{self.name}: {self.text!r} stands {count} times in {self.file}, not once"
            raise LookupError(message)
        return source.replace(self.text, self.instead)


def mutants() -> tuple[Mutant, ...]:
    """Returns all of them."""
    return TypeAdapter(tuple[Mutant, ...]).validate_python(yaml.safe_load(LISTED.read_text(encoding="utf-8")))
