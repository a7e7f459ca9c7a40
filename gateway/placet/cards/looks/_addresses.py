"""Where something goes: the host of a URL, the domains of e-mail addresses."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from placet.cards.drawing import Mark
from placet.cards.looks._look import Look, counted
from placet.cards.visible import mixed_words, mixture, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)(?P<rest>.*)", re.DOTALL)
_DOMAIN: Final = re.compile(r"(?<=[^\s<>,;:\"@])@(?P<domain>[^\s<>,;\"@]+)")
_PORT: Final = re.compile(r":(?P<port>\d*)$")
_PLAIN_IPV4: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_NUMBERS: Final = re.compile(r"(0[xX][0-9a-fA-F]*|\d+)(\.(0[xX][0-9a-fA-F]*|\d+))*\.?")
_ENCODED: Final = "xn--"
_MOST_NAMED: Final = 5
_LONGEST_LABEL: Final = 63


def url_look(text: str) -> Look | None:
    """Returns what a URL says of the host it leads to; None for what is none."""
    found = URL.match(text)
    if found is None:
        return None
    authority = found["authority"]
    user, at, host_and_port = authority.rpartition("@")
    port = _PORT.search(host_and_port)
    host = host_and_port[: port.start()] if port else host_and_port
    start = found.start("authority") + len(user) + len(at)
    facts = [f"host {one_line(host)}" if host else "no host", *_decoded(host)]
    if port and port["port"]:
        facts.append(f"port {port['port']}")
    warnings = [*_about_text(text), *_about_host(host)]
    if at:
        warnings.append(f"{one_line(user)} before the @ is a name to sign in with, not the host")
    if found["scheme"].lower() == "http":
        warnings.append("not encrypted")
    return Look("url", (Mark(start, start + len(host), "host"),), tuple(facts), tuple(warnings))


def email_look(texts: Sequence[str]) -> Look | None:
    """Returns the domains that addresses lead to; marks are for a single text. None where there is no address."""
    found = [(match["domain"], match.span("domain")) for text in texts for match in _DOMAIN.finditer(text)]
    if not found:
        return None
    domains = list(dict.fromkeys(domain.lower().rstrip(".") for domain, _ in found))
    named = ", ".join(map(one_line, domains[:_MOST_NAMED]))
    more = f" and {len(domains) - _MOST_NAMED} more" if len(domains) > _MOST_NAMED else ""
    facts = [f"{_addresses(len(found))} in {counted(len(domains), 'domain')}: {named}{more}"]
    warnings: list[str] = []
    for domain in domains[:_MOST_NAMED]:
        facts += _decoded(domain)
        warnings += _mixed(domain)
    marks = tuple(Mark(*span, "host") for _, span in found) if len(texts) == 1 else ()
    return Look("email", marks, tuple(facts), tuple(warnings))


def _addresses(number: int) -> str:
    return f"{number:,} address{'' if number == 1 else 'es'}"


def _about_text(text: str) -> Iterator[str]:
    if "\\" in text:
        yield "has a backslash: programs differ on where its host ends"
    if any(character.isspace() for character in text):
        yield "has a blank or a line end, which some programs leave out"


def _about_host(host: str) -> Iterator[str]:
    yield from _mixed(host)
    if "%" in host:
        yield "its host is written in codes"
    bare = host.strip("[]")
    try:
        number = ipaddress.ip_address(bare)
    except ValueError:
        if _NUMBERS.fullmatch(host) and not _PLAIN_IPV4.fullmatch(host):
            yield "its host is a number that stands for an address"
        elif host.lower().rstrip(".") == "localhost":
            yield "leads to the machine that runs the tool"
        return
    if number.is_loopback:
        yield "leads to the machine that runs the tool"
    elif not number.is_global:
        yield "leads into a private network"


def _decoded(host: str) -> Iterator[str]:
    """Yields a name in the other way to write it, where it has letters beyond a to z."""
    if not host.isascii():
        yield f"written in ASCII: {one_line('.'.join(map(_to_ascii, host.split('.'))))}"
    elif _ENCODED in host.lower():
        yield f"written out: {one_line(_spelled(host))}"


def _mixed(host: str) -> Iterator[str]:
    mixed = mixed_words(_spelled(host))
    if mixed:
        yield f"mixes alphabets: {mixture(mixed[0])}"


def _spelled(host: str) -> str:
    return ".".join(map(_from_ascii, host.split(".")))


def _from_ascii(label: str) -> str:
    if not label.lower().startswith(_ENCODED) or len(label) > _LONGEST_LABEL:
        return label
    try:
        return label[len(_ENCODED) :].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def _to_ascii(label: str) -> str:
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return label
    return _ENCODED + label.lower().encode("punycode").decode("ascii")
