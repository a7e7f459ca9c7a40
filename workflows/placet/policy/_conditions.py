"""`when`: a condition in CEL, compiled once, that is true, false, or cannot be evaluated."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from placet.policy._facts import EXACT
from placet.policy._source import LOOPS, ROOTS, Source, read
from placet.policy.errors import ConditionError

if TYPE_CHECKING:
    import cel

    from placet.policy._facts import Facts

MOST_STEPS: Final = 5_000_000
"""Values that evaluating a condition looks at or copies, at most: about a sixth of a second."""
FUNCTIONS: Final = frozenset(
    {
        *("size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"),
        *("int", "uint", "double", "string", "bytes", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
"""What the library knows of CEL's functions; its loops and `has` are not counted as functions."""
_TYPES: Final = frozenset({"bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"})
_FORMS: Final = frozenset({"string", "bytes", "type", "int", "uint"})
_LIMIT: Final = 200

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
    (type(None), "null"),
)
_WORDS: Final[dict[type[BaseException], str]] = {
    IndexError: "a list is too short for it",
    TypeError: "it combines values of different kinds",
    ZeroDivisionError: "it divides by zero",
    ArithmeticError: "a number is too large for it",
}


class Condition:
    """One condition, compiled."""

    def __init__(self, text: str) -> None:
        """Compiles a condition.

        Raises:
            ConditionError: It is none.
        """
        self._program = _compiled(text)
        self._source = read(text)
        self._functions = frozenset(name for name in self._program.functions() if name.isidentifier())
        _check_names(self._program, self._source, self._functions)
        self._decimals = self._source.largest_decimal >= EXACT or "double" in self._functions
        self._check_constant()

    def holds(self, facts: Facts) -> bool:
        """Returns whether the condition is true of a call.

        Raises:
            ConditionError: It cannot be evaluated; the reason holds no value of an argument.
        """
        if self._source.steps(facts.weight, facts.longest) > MOST_STEPS:
            message = "the arguments are so large that it could take too long"
            raise ConditionError(message)
        forms = bool(self._functions & _FORMS)
        contexts = facts.contexts(decimals=self._decimals, forms=forms, written=self._source.numbers)
        answers = {self._answer(context) for context in contexts}
        if len(answers) > 1:
            message = "a number is too large to be compared that closely"
            raise ConditionError(message)
        return answers.pop()

    def _answer(self, context: cel.Context | None) -> bool:
        try:
            answer: object = self._program.execute(context)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
            raise ConditionError(self._why(error)) from None
        if not isinstance(answer, bool):
            message = f"it gives {_kind(answer)}, not true or false"
            raise ConditionError(message)
        return answer

    def _why(self, error: BaseException) -> str:
        """Returns why it could not be evaluated; names only what stands in the condition itself."""
        if isinstance(error, KeyError):
            name = str(error.args[0]) if error.args else ""
            return f"there is no {name}" if name in self._source.names else "a field is missing"
        unknown = re.match(r"Undefined variable or function: '(\w+)'", str(error))
        if unknown and unknown[1] in ROOTS:
            return f"{unknown[1]} is not known of this call"
        if unknown and unknown[1] in FUNCTIONS:
            return f"{unknown[1]} does not take such a value"
        return next((words for kind, words in _WORDS.items() if isinstance(error, kind)), type(error).__name__)

    def _check_constant(self) -> None:
        """Refuses a condition about nothing that is not even true or false."""
        if not self._program.variables():
            self._answer(None)


@cache
def condition(text: str) -> Condition:
    """Returns a condition, compiled once for as long as the process lives: the texts are those of the configuration.

    Raises:
        ConditionError: It is none.
    """
    return Condition(text)


def _compiled(text: str) -> cel.Program:
    # Loading the library takes half a second, which a policy without conditions need not spend.
    import cel  # noqa: PLC0415

    try:
        return cel.compile(text)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        raise ConditionError(_complaint(str(error))) from None


def _complaint(message: str) -> str:
    """Returns the first thing that the library says is wrong with a text, and where."""
    found = re.search(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]+)", message)
    if not found:
        return "is no condition that the library can read"
    line, column, complaint = found.groups()
    where = f"character {column}" if line == "1" else f"line {line}, character {column}"
    return f"is no condition: {complaint.partition(' expecting ')[0][:_LIMIT]} at {where}"


def _check_names(program: cel.Program, source: Source, functions: frozenset[str]) -> None:
    """Refuses a name that nothing has: evaluated, it would fail at every call.

    Raises:
        ConditionError: There is one.
    """
    unknown = sorted(set(program.variables()) - source.bound - _TYPES - set(ROOTS))
    if unknown:
        message = f"there is no {unknown[0]}; a condition is about {', '.join(ROOTS)}"
        raise ConditionError(message)
    strange = sorted(functions - FUNCTIONS)
    if strange:
        known = " with these arguments" if strange[0] in LOOPS else ""
        message = f"there is no function {strange[0]}{known}"
        raise ConditionError(message)


def _kind(value: object) -> str:
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "a value")
