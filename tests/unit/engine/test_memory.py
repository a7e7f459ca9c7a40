"""What a process has loaded is not looked through for garbage again."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

_PROGRAM: Final = """
import gc, weakref
from placet.engine.memory import keep_for_good

class Knot:
    pass

gc.disable()
kept, dropped = Knot(), Knot()
dropped.itself = dropped
gone = weakref.ref(dropped)
del dropped
keep_for_good()
print(any(one is kept for one in gc.get_objects()), gone() is None)
"""


def test_what_is_there_is_kept_and_what_is_garbage_by_then_is_not() -> None:
    told = subprocess.run((sys.executable, "-c", _PROGRAM), capture_output=True, check=True, text=True, timeout=60)
    looked_through, collected = told.stdout.split()
    assert (looked_through, collected) == ("False", "True")
