"""Texts that try to be more than texts, and how to read a shown text back into what it shows."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from placet.contracts.canonical import canonical_text, parse_json

ELSEWHERE: Final = "https://elsewhere.invalid"
"""An origin that nothing may ask anything of."""
TEXTS: Final[dict[str, str]] = {
    "script": f"<script>document.title='owned';fetch('{ELSEWHERE}/a')</script>",
    "image": f"<img src={ELSEWHERE}/b onerror=document.title='owned'>",
    "attribute": '" autofocus onfocus="document.title=\'owned\'" x="',
    "attribute of the other kind": "' autofocus onfocus='document.title=`owned`' x='",
    "ends of what stands around": "</title></textarea></script></style></pre></template><h1>Approved</h1>",
    "vector image": "<svg onload=document.title='owned'><use href=data:image/svg+xml,x#y />",
    "form": f'</form><form action="{ELSEWHERE}/c"><button class="primary">Approve</button></form>',
    "style": f"</style><style>*{{background:url({ELSEWHERE}/d)}}</style><link rel=stylesheet href={ELSEWHERE}/e>",
    "frame": f"<iframe src={ELSEWHERE}/f></iframe><base href={ELSEWHERE}/><meta http-equiv=refresh content=0>",
    "template": "{{ 7*7 }} {% raw %} {# x #} ${7*7} #{7*7} <%= 7*7 %> [[7*7]]",
    "address": "javascript:document.title='owned'",
    "data": "data:text/html,<script>alert(1)</script>",
    "markdown": f"[Approve](javascript:alert(1)) ![x]({ELSEWHERE}/g.png) **bold**",
    "entities": "&lt;b&gt; &#60;script&#62; &amp;amp; &nbsp; &#x202e;",
    "terminal": f"\x1b[2J\x1b[31mAPPROVED\x1b[0m\x1b]8;;{ELSEWHERE}\x07x\x1b]8;;\x07 \x9b31m\x07\x08\x7f\x00",
    "direction": "\u202egnp.exe\u202c \u2066abc\u2069 \u200f\u200e\u061c",
    "without width": "pay\u200bpal \u200c\u200d\ufeff\u2060\u00ad",
    "tags": "hello\U000e0041\U000e0042\U000e0020",
    "without ink": "\u3164\u2800\u115f\u00a0\u2003",
    "marks": "Z" + "\u0300" * 60,
    "other planes": "\U0001f468\u200d\U0001f469 \U00010ffe \ufdd0 \ue000",
    "lines": "a\nb\r\nc\rd\u2028e\u2029f\x85g\x0bh",
    "escapes that are typed": "\\u202e \\x1b \\n \\\\ \\U000e0041",
    "no number": "NaN",
    "a number": "9223372036854775808",
    "alphabets": "p\u0430ypal",
    "quotation marks": "\"'`\u201c\u201d",
}
NUMBERS: Final = (2**63, -(2**63) - 1, 2**53 + 1, 10**400, 0.1, 5e-324, 1.7976931348623157e308, -0.0, 1e21)

_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_NAMED: Final = {"n": "\n", "t": "\t", "r": "\r"}


def nested(depth: int) -> Any:
    """Returns lists and objects inside one another."""
    value: Any = "the core"
    for level in range(depth):
        value = [value] if level % 2 else {"deeper": value}
    return value


def shows(shown: str, value: Any) -> bool:
    """Returns whether a text that a card shows is this value."""
    if isinstance(value, str) and "\n" in value:
        return spells(shown, value)
    return canonical_text(read_json(shown)) == canonical_text(value)


def name_of(shown: str) -> str:
    """Returns the name of an argument, which stands in quotation marks where it is not a plain one."""
    return str(read_json(shown)) if shown.startswith('"') else shown


def read_json(shown: str) -> Any:
    """Returns the value of JSON that was shown with every hidden character as an escape."""
    return parse_json(_ESCAPE.sub(_as_json, shown))


def spells(shown: str, text: str) -> bool:
    """Returns whether a text that was shown on several lines is this one, character by character.

    What does not show has to stand there as an escape, and a tab as four spaces. An escape that was typed looks like
    one that stands for a character: which of both it is only the text tells, or JSON.
    """
    at = 0
    for character in text.replace("\t", "    "):
        if shown.startswith(character, at) and (character == "\n" or character.isprintable()):
            at += 1
            continue
        found = _ESCAPE.match(shown, at)
        if found is None or _as_character(found) != character:
            return False
        at = found.end()
    return at == len(shown)


def read_text(shown: str) -> str:
    """Returns a text that was shown on several lines, its escapes read; a tab is four spaces there.

    An escape that was typed reads the same as one that stands for a character: only JSON tells them apart.
    """
    return _ESCAPE.sub(_as_character, shown.replace("\t", "    "))


def _as_json(found: re.Match[str]) -> str:
    code = found[1] or found[3]
    if code is None:
        return found[0]
    return json.dumps(chr(int(code, 16)))[1:-1]


def _as_character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else _NAMED.get(found[4], found[0])
